#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# build.sh: the one entry to Wolf Guard's patch series. Its parts are in tools/series/.
#
# It downloads nothing (without a subcommand, the suite installs Debian packages) and never changes
# the trees it is given. All work happens in a hidden folder beside the result
# (.NAME.wolf-guard-XXXXXX), which is renamed into place when everything has succeeded. The next run
# removes and tells what a killed run left there. The folder is locked (flock on the folder itself:
# no lock files, and the kernel lets go of it however the run ends), so two runs cannot work on one
# result.
#
# Exit status: 0 done, or what the --then command returned
#   1 unexpected failure (a defect)     5 a tool is missing
#   2 wrong usage                       6 the result's place: unwritable, occupied, or in use
#   3 a tree is not there               7 no space
#   4 a tree is not the pinned one      8 the series does not apply, or does not fit its pins
#   9 embed --check: the patch is not what guard/ says
#   128+N ended by signal N, nothing changed
#
# shellcheck disable=SC2034,SC2154 # The parts use what is set here.

if [ -z "${BASH_VERSION-}" ]; then
  echo "build.sh: this shell cannot run it; say: bash build.sh" >&2
  exit 5
fi
set +o posix -Eeuo pipefail
shopt -s nullglob dotglob extglob

# The parts look for words of tools ("offset", "No space left"), so messages must come in one
# language. --then gets the caller's own back.
readonly caller_lc_all=${LC_ALL-}
export LC_ALL=C
unset POSIXLY_CORRECT CDPATH

here=$(realpath -- "${BASH_SOURCE[0]}")
readonly here=${here%/*}
if [[ ! -r $here/tools/series/messages.sh ]]; then
  echo "build.sh: $here/tools/series is not there; this copy is incomplete" >&2
  exit 1
fi
parts="messages place pins series tree diff rules move patch export refresh embed rebase dist deb
  audit"
for part in $parts; do
  # shellcheck source=/dev/null
  . "$here/tools/series/$part.sh"
done
trap on_exit EXIT
trap 'on_signal HUP 1' HUP
trap 'on_signal INT 2' INT
trap 'on_signal TERM 15' TERM
catch_defects

usage() {
  cat <<'EOF'
usage: build.sh
       build.sh patch   [TREES] [MOVE] [--out DIR] [--then 'COMMAND']
       build.sh export  [TREES] [MOVE] [--out DIR] --format quilt|debian|git
       build.sh refresh [TREES] [--base COMMIT]
       build.sh embed   [--check]
       build.sh rebase  TREES [--pinned DIR] [--check|--continue]
       build.sh pins    [TREES]       rewrites the digests in upstream.pins
       build.sh audit   --wolf DIR    lists calls that can wait, without a patch
       build.sh dist    [--out FILE]  packs this repository, always the same
       build.sh deb     [--out DIR]   tools and relay as Debian packages
       build.sh verify  [ARGUMENT...]  runs ./verify/run
(none)   shows the hang and its absence on a lab, then patches upstream/
patch    patches copies in out/patched; COMMAND gets WOLF_DIR, INTERPIPE_DIR
export   writes ordinary patches with context, a series per tree
refresh  rewrites patches/ from the work tree that patch made, or a git branch
embed    rewrites the patches that add guard/ to the trees; --check only compares
rebase   cuts the series anew for other trees; --check only says whether it fits
TREES: --wolf DIR, --interpipe DIR, or both; by default what is in upstream/.
MOVE, to another commit: --pinned DIR (the pinned tree; a git checkout has it),
--keep-going (leave out what conflicts), --only core.
Also: --series FILE (patches/ beside it), --pins FILE, --guard DIR, --version.
Exit: 0 done, else COMMAND's own; 1 defect; 2 usage; 3 tree missing; 4 not the
pinned tree; 5 tool missing; 6 place unwritable, taken or busy; 7 no space;
8 series does not apply; 9 embed --check differs; 128+N ended by signal N
EOF
}

version() { # the newest release that CHANGELOG.md names, or what comes after it
  local line='' heading='^## \[([^]]*)\]'
  if [[ -r $here/CHANGELOG.md ]]; then
    while IFS= read -r line; do
      if [[ $line =~ $heading ]]; then break; fi
    done <"$here/CHANGELOG.md"
  fi
  echo "wolf-guard ${BASH_REMATCH[1]-unknown}"
}

run_verify() { # ARGUMENT...
  [[ -x $here/verify/run ]] ||
    die 3 "$here/verify/run is not there; this copy of the repository has no suite"
  exec "$here/verify/run" "$@"
}

subcommand_demo() {
  local given=() status=0
  [[ -x $here/verify/demo ]] ||
    die 3 "$here/verify/demo is not there; this copy of the repository has no suite"
  read_pins
  finished=yes
  "$here/verify/demo" || status=$?
  if ((status > 1)); then exit "$status"; fi
  if [[ -d $here/upstream/wolf ]]; then given+=(--wolf "$here/upstream/wolf"); fi
  if [[ -d $here/upstream/gst-interpipe ]]; then
    given+=(--interpipe "$here/upstream/gst-interpipe")
  fi
  if ((${#given[@]})); then
    printf '\nThe trees in upstream/\n'
    "$here/build.sh" patch "${given[@]}" || exit $?
  else
    cat <<EOF

To patch the real thing, bring either tree or both, and name them, or lay them into upstream/:
  wolf           $(published wolf)
  gst-interpipe  $(published gst-interpipe)
  ./build.sh patch --wolf DIR --interpipe DIR
EOF
  fi
  exit "$status"
}

subcommand=${1-}
case $subcommand in
-h | --help | help) usage; finished=yes; exit 0 ;;
--version) version; finished=yes; exit 0 ;;
verify) run_verify "${@:2}" ;;
patch | export | refresh | embed | pins | rebase | dist | deb | audit) shift ;;
'') ;;
*) die 2 "\"$subcommand\" is no subcommand; build.sh -h says which there are" ;;
esac

keep_going='' go_on='' pinned='' only='' series_given=''
out='' then_command='' format='' base='' check='' series=$here/series pins='' guard=$here/guard
while (($#)); do
  option=$1
  shift
  # --wolf=DIR is --wolf DIR
  if [[ $option == --*=* ]]; then set -- "${option#*=}" "$@" && option=${option%%=*}; fi
  case $subcommand,$option in
  *,-h | *,--help) usage; finished=yes; exit 0 ;;
  *,--version) version; finished=yes; exit 0 ;;
  @(embed|rebase),--check) check=yes; continue ;;
  rebase,--continue) go_on=yes; continue ;;
  @(patch|export),--keep-going) keep_going=yes; continue ;;
  @(patch|export),--@(pinned|only)) ;;
  @(patch|export|refresh|pins|rebase|audit),--@(wolf|interpipe)) ;;
  @(patch|export|rebase|dist|deb),--out | rebase,--pinned) ;;
  patch,--then | export,--format | refresh,--base) ;;
  *,--@(series|pins|guard)) ;;
  *) die 2 "$subcommand knows no \"$option\"; build.sh -h says what it knows" ;;
  esac
  [[ -n ${1-} ]] || die 2 "$option needs a value; build.sh -h shows which"
  case $option in
  --wolf) dir[wolf]=$1 ;;
  --interpipe) dir[gst-interpipe]=$1 ;;
  --out) out=$1 ;;
  --then) then_command=$1 ;;
  --format) format=$1 ;;
  --base) base=$1 ;;
  --pinned) pinned=$1 ;;
  --only)
    only=$1
    [[ $only == core ]] || die 2 "--only takes the word core"
    ;;
  --series) series=$1 series_given=yes ;;
  --pins) pins=$1 series_given=yes ;;
  --guard) guard=$1 ;;
  esac
  shift
done
# Absolute from here on: some steps run elsewhere.
{
  read -r -d '' series
  read -r -d '' pins
  read -r -d '' guard
} < <(realpath -z -m -- "$series" "${pins:-$(dirname -- "$series")/upstream.pins}" "$guard")
patches=${series%/*}/patches
"subcommand_${subcommand:-demo}"
