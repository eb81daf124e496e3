#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# How far the series moves by itself over upstream's own history: each of the last first-parent
# commits back from the pin gets the series, by build.sh patch --keep-going. A line a commit, then
# the sums; docs/evidence.md has the figures.
#
#   tools/series/tests/moves.sh --wolf CLONE [--commits NUMBER] [--from NUMBER] [--keep DIR]
#
# CLONE: a clone of Wolf with the pinned commit, bare or not; nothing is written to it. NUMBER: 70,
# from the first. DIR: keeps each patched copy there.
#
# Exit status: 0 done; 1 build.sh failed in another way than a conflict; 2 wrong usage.
set -euo pipefail

here=$(cd -- "$(dirname -- "$(realpath -- "${BASH_SOURCE[0]}")")/../../.." && pwd -P)
clone='' commits=70 from=1 keep=''
while (($# > 1)); do
  case $1 in
  --wolf) clone=$2 ;;
  --commits) commits=$2 ;;
  --from) from=$2 ;;
  --keep) keep=$2 ;;
  *) break ;;
  esac
  shift 2
done
if [[ -z $clone || $# -ne 0 ]]; then
  sed -n '3,/^$/{s/^# \{0,1\}//p}' "${BASH_SOURCE[0]}" >&2
  exit 2
fi

scratch=$(mktemp -d)
trap 'rm -rf -- "$scratch"' EXIT
# A checkout as anybody has it, but without docs/, which no patch touches.
git clone -q --shared --no-checkout -- "$clone" "$scratch/tree"
git -C "$scratch/tree" sparse-checkout set --no-cone '/*' '!/docs/'
pin=$(awk '$1 == "tree" { t = $2 } t == "wolf" && $1 == "commit" { print $2 }' \
  "$here/upstream.pins")
whole=0 core=0 number=0
for id in $(git -C "$clone" rev-list --first-parent -n "$commits" "$pin"); do
  number=$((number + 1))
  if ((number < from)); then continue; fi
  git -C "$scratch/tree" checkout -q --force --detach "$id"
  status=0
  "$here/build.sh" patch --wolf "$scratch/tree" --keep-going --out "$scratch/out" \
    >"$scratch/log" 2>&1 || status=$?
  out=$(sed -n "s,^  wolf/\([0-9]*\).* \(in conflict\|left out\).*,\1,p" "$scratch/log" | paste \
    -s -d " ")
  base=$(sed -n 's,.* is \(close to \)\{0\,1\}what bases/\([^ ]*\) is cut against$,\2,p' \
    "$scratch/log")
  case $status in
  0)
    word=without:
    core=$((core + 1))
    if [[ $base ]]; then word="core, from $base"
    elif [[ -z $out ]]; then whole=$((whole + 1)) word=whole; fi
    ;;
  8) word='core stops:' ;;
  *) cat -- "$scratch/log" >&2 && exit 1 ;;
  esac
  printf '%2d %s %s %s %s\n' "$number" "${id:0:9}" \
    "$(git -C "$clone" show -s --format=%ad --date=short "$id")" \
    "$word" "$out"
  if [[ $keep && $status = 0 ]]; then mkdir -p -- "$keep" && mv -- "$scratch/out" \
    "$keep/$number"; fi
done
echo "whole on $whole, core on $core of $((number - from + 1))"
