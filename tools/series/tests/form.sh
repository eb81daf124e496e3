#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# The series is in form, agrees with its pins, and the check for it finds what it must.
# shellcheck source=lib.sh
. "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"

in_form() { awk -f "$lab/form.awk" -- "$@" >"$scratch/log" 2>&1; }

finds() { # NAME PIECE SED-SCRIPT: the toy's second patch, spoilt so, is reported, with that word
  local spoilt=$scratch/spoilt/wolf/0002-stack.patch
  mkdir -p -- "${spoilt%/*}"
  sed -e "$3" "$scratch/toy/house/patches/wolf/0002-stack.patch" >"$spoilt"
  if in_form "$spoilt" || ! grep -q -F -e "$2" "$scratch/log"; then report 1 "form: finds $1"; \
    else report 0 "form: finds $1"; fi
}

every_patch_is_named() { diff <(cd -- "$house/patches" && printf '%s\n' */*.patch | sort) \
  <(series_lines "$house/series" | sort) >"$scratch/log"; }

pins_are_exact() { \
  # the files that the pins name are those that the series touches, no more and no fewer
  local copy=$scratch/pins
  cp -- "$house/upstream.pins" "$copy"
  "$BUILD" pins "${trees[@]}" --series "$house/series" --pins "$copy" >"$scratch/log" 2>&1 &&
    diff "$house/upstream.pins" "$copy" >"$scratch/log"
}

form() {
  local files
  mapfile -t files < <(series_lines "$house/series" | sed "s|^|$house/patches/|")
  check "$subject: every patch is in form" in_form "${files[@]}"
  check "$subject: series and patches/ name the same patches" every_patch_is_named
  check "$subject: the pins name exactly the files that the series touches" pins_are_exact
}
each_subject form

# The other bases: the same patches at other places, and some of their own. Their digests can only
# be checked where such a tree is given.
of_base() { # FOLDER
  local files base=$scratch/base subject refused tree at
  subject="base $(basename -- "$1")" house=$scratch/$(basename -- "$1")/house
  tree=$(awk '$1 == "tree" { print $2 }' "$1/upstream.pins")
  mkdir -p -- "$house/patches/wolf" "$house/patches/gst-interpipe"
  cp -R -- "$1" "$base"
  rm -f -- "$base/rules" # a skeleton has no whole blocks
  cp -- "$base/series" "$house"
  check "$subject: its pins say where each hunk goes" moves "$base"
  check "$subject: the skeleton of the series can be made" make_skeleton "$house/series" "$house/.."
  mapfile -t files < <(series_lines "$base/series" | sed "s|^|$house/patches/|")
  check "$subject: every patch is in form" in_form "${files[@]}"
  check "$subject: the pins name exactly the files that the series touches" same_paths
  # build.sh makes the same patches, on a tree with the skeleton's digests.
  at=("--${tree#gst-}" "$house/../$tree" --series "$base/series" --pins "$base/upstream.pins")
  "$BUILD" pins "${at[@]}" >/dev/null &&
    "$BUILD" patch "${at[@]}" --out "$scratch/out" >"$scratch/log" 2>&1
  report $? "$subject: the series applies"
  check "$subject: and is that of the pins" diff -r -x quiltrc -x series "$house/patches/$tree" \
    "$scratch/out/patches/$tree"
  if [[ $tree == gst-interpipe ]]; then
    echo "without gst/interpipe/gstinterpipesrc.c 88 1" >>"$base/upstream.pins"
    refused=$("$BUILD" patch "${at[@]}" --out "$scratch/out2" 2>&1)
    check "$subject: a hunk across lines that the base lacks is refused" grep -q 'lies across' \
      <<<"$refused"
  fi
  rm -rf -- "$scratch/out" "$base"
}
moves() { # BASE: its patches, to $house
  local main without
  main=$(series_lines "$repository/series" | grep "^$tree/")
  without=$(grep -v -x -F -f <(series_lines "$1/series") <<<"$main" | paste -s -d ' ')
  mapfile -t main <<<"$main"
  awk -v out="$house/patches" -v without="$without" -f "$repository/tools/series/base.awk" \
    "$1/upstream.pins" "${main[@]/#/$repository/patches/}" >"$scratch/log" 2>&1 || return 1
  if [[ -d $1/$tree ]]; then cp -R -- "$1/$tree" "$house/patches"; fi
}
same_paths() {
  diff <(awk '$1 == "sha256" { print $NF }' "$base/upstream.pins") \
    <(sed -n "/^tree $tree\$/,/^tree /p" "$house/upstream.pins" |
      awk '$1 == "sha256" { print $NF }') \
    >"$scratch/log"
}
for base in "$repository"/bases/*/; do of_base "${base%/}"; done

finds 'a missing Description' 'without Description' '/^Description/s/.*/Comment: x/'
for field in Origin Forwarded License Last-Update Evidence; do finds "a missing $field" \
  "without $field" "/^$field/d"; done
finds 'a Last-Update that is no date' 'no date' 's/^Last-Update.*/Last-Update: today/'
finds 'a Forwarded that says it was sent' 'Forwarded is neither' \
  's/^Forwarded.*/Forwarded: not yet/'
finds 'a line of context' 'a line of context' \
  's/^@@ -5 +5,3 @@/@@ -4,2 +4,4 @@/; s/^-line 5/ line 4\n&/'
finds "a function's name" 'not a plain hunk header' 's/^@@.*/& void main()/'
finds 'numbers that do not add up' 'do not add up' 's/+21,0/+20,0/'
finds 'upstream text that stays' 'carries upstream text' 's/^+five$/+line 5/'
finds 'a timestamp' 'more than the path' 's/^--- .*/&\t2026-01-01/'
finds 'a path in the other tree' 'not below b/wolf/' 's|^+++ b/wolf|+++ b/gst-interpipe|'
finds 'an Index line' 'a line of another tool' 's/^--- /Index: x\n&/'
finds 'a git line between files' 'neither file header nor hunk' '/^@@ -20/i diff --git a/x b/x'
finds 'a patch that is cut off' 'ends within a hunk' '$d'
cp -- "$scratch/toy/house/patches/wolf/0002-stack.patch" "$scratch/spoilt/wolf/Stack.patch"
if in_form "$scratch/spoilt/wolf/Stack.patch"; then report 1 'form: finds a name out of form'; \
  else report 0 'form: finds a name out of form'; fi
if touch -- "$scratch/toy/house/patches/wolf/0009-stray.patch" && house=$scratch/toy/house \
  every_patch_is_named; then
  report 1 'form: finds a patch that the series does not name'
else
  report 0 'form: finds a patch that the series does not name'
fi
finish
