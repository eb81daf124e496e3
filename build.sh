#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# build.sh: the one entry to Wolf Guard's patch series.
#
# It downloads nothing (without a verb, the suite installs Debian packages) and never changes the trees it is given: all
# work happens in a hidden folder beside the result (.NAME.wolf-guard-XXXXXX), which is renamed into place when everything
# has succeeded. What a killed run leaves there is removed, and told, by the next one. The folder is locked (flock on the
# folder itself: no lock files, and the kernel lets go of it however the run ends), so two runs cannot work on one result.
#
# Exit status: 0 done, or what the --then command returned
#   1 unexpected failure (a defect of build.sh)     5 a tool is missing
#   2 wrong usage                                   6 the result's place: unwritable, occupied, or in use by another run
#   3 a tree is not there                           7 no space
#   4 a tree is not the pinned one                  8 the series does not apply, or does not fit its pins
#   9 embed --check: the patch is not what guard/ says       128+N ended by signal N, nothing changed

set -Eeuo pipefail
shopt -s nullglob dotglob

# Messages of tools are looked into ("offset", "No space left"), so they must come in one language. --then gets the
# caller's own back.
readonly caller_lc_all=${LC_ALL-}
export LC_ALL=C
unset POSIXLY_CORRECT CDPATH

here=$(cd -- "$(dirname -- "$(realpath -- "${BASH_SOURCE[0]}")")" && pwd -P)
readonly here
readonly trees=(wolf gst-interpipe)
readonly gate_seconds=10   # waiting for another run's few milliseconds between its look for leftovers and its own lock
readonly spare_kib=8192    # beyond the trees themselves: quilt's copies of the touched files, twice, and the manifest

usage() {
  cat <<'EOF'
usage: build.sh
       build.sh patch   [TREES] [--out DIR] [--then 'COMMAND']
       build.sh export  [TREES] [--out DIR] --format quilt|debian|git
       build.sh refresh [TREES] [--base COMMIT]
       build.sh embed   [--check]
       build.sh pins    [TREES]
       build.sh verify  [ARGUMENT...]

no verb  shows the hang and its absence on a lab, writes out/report/index.html,
         and patches what lies in upstream/
patch    makes a patched copy of your trees in out/patched, and runs COMMAND there
export   writes ordinary patches with context, a series per tree, to out/FORMAT
refresh  rewrites patches/ from the work tree that patch made, or a git branch
embed    rewrites the patches that add guard/ to the trees; --check only compares
pins     rewrites the digests in upstream.pins from pristine trees
verify   runs ./verify/run

TREES: --wolf DIR, --interpipe DIR, or both; by default what is in upstream/. The
commits are named in upstream.pins. COMMAND gets WOLF_DIR and INTERPIPE_DIR.
Also: --series FILE (with patches/ beside it), --pins FILE, --guard DIR.

Exit: 0 done, else COMMAND's own; 1 defect; 2 usage; 3 tree missing; 4 not the
pinned tree; 5 tool missing; 6 place unwritable, taken or busy; 7 no space;
8 series does not apply; 9 embed --check differs; 128+N ended by signal N
EOF
}

# ---------------------------------------------------------------------------------------------------- messages, the end

say() { printf 'build.sh: %s\n' "$*" >&2; }

die() { # STATUS MESSAGE: the one message of a failed run
  trap - ERR
  say "$2"
  exit "$1"
}

remedy='make it writable' # of a place that cannot be written; verbs that take --out know a better one
work='' made_parents=() then_pid='' finished='' held=''

remove() { # DIR: also when the copied tree has folders that its owner may not write
  chmod -R u+rwX -- "$1" 2>/dev/null || true
  rm -rf -- "$1"
}

put_back() { # WORK OUT: a run that ended between its two renames had moved the former result aside
  if [[ -e $1/former && ! -e $2 ]]; then mv -T -- "$1/former" "$2"; fi
}

on_exit() {
  trap '' INT TERM HUP
  trap - ERR
  set +e
  if [[ -n $work && -d $work ]]; then
    [[ -z $out ]] || put_back "$work" "$out"
    remove "$work"
  fi
  local i
  if [[ -z $finished ]]; then
    for ((i = ${#made_parents[@]} - 1; i >= 0; i--)); do rmdir -- "${made_parents[i]}" 2>/dev/null; done
  fi
}

on_signal() { # NAME NUMBER
  if [[ -n $then_pid ]]; then kill -s TERM "$then_pid" 2>/dev/null || true; fi
  if [[ -n $held && ! -e $work/result ]]; then finished=yes; fi # it came during the last rename
  if [[ -n $finished ]]; then die $((128 + $2)) "stopped by SIG$1; $out is complete"; fi
  die $((128 + $2)) "stopped by SIG$1; nothing was changed, run it again"
}

trap on_exit EXIT
trap 'on_signal HUP 1' HUP
trap 'on_signal INT 2' INT
trap 'on_signal TERM 15' TERM
catch_defects() {
  trap 'die 1 "unexpected failure in line $LINENO: $BASH_COMMAND; please report it with the command that you ran"' ERR
}
catch_defects

attempt() { # STATUS WHAT COMMAND...: runs it, or dies of its first line of complaint; a full disk has a status of its own
  local status=$1 what=$2 log code
  shift 2
  # Not "if log=…": bash ignores set -e in whatever a condition runs.
  trap - ERR
  set +e
  log=$(set -e; "$@" 2>&1)
  code=$?
  set -e
  catch_defects
  if ((code == 0)); then return; fi
  log=${log:-"$1 ended with status $code"}
  if [[ $log =~ 'No space left'|'Disk quota exceeded'|'File too large' ]]; then
    die 7 "cannot $what: ${log%%$'\n'*}; free some space, or $remedy"
  fi
  die "$status" "cannot $what: ${log%%$'\n'*}; $remedy"
}

need() { # TOOL...: all that are missing, in one message with one command
  local tool missing=() packages=()
  for tool; do
    if type -P "$tool" >/dev/null; then continue; fi
    missing+=("$tool")
    case $tool in
    flock) packages+=(util-linux) ;;
    diff | cmp) packages+=(diffutils) ;;
    find | xargs) packages+=(findutils) ;;
    awk) packages+=(mawk) ;;
    quilt | patch | git) packages+=("$tool") ;;
    *) packages+=(coreutils) ;;
    esac
  done
  if ((${#missing[@]})); then
    mapfile -t packages < <(printf '%s\n' "${packages[@]}" | sort -u)
    die 5 "missing: ${missing[*]}; install with: sudo apt-get install ${packages[*]}"
  fi
}

# ------------------------------------------------------------------------------------------------ the series, the pins

declare -A dir=() # tree -> where the caller has it
declare -A pin=() # tree/path -> SHA-256, or "absent"
declare -A url=() branch=() commit=() # by tree
selected=()       # the series' patches that concern the given trees, in order

published() { # TREE
  if [[ -z ${commit[$1]-} ]]; then echo "the commit that $pins names"; return; fi
  echo "commit ${commit[$1]} of ${url[$1]-its repository}${branch[$1]:+ (branch ${branch[$1]})}"
}

choose_trees() { # the given ones; with none given, what lies at the default places
  local tree path
  if ((${#dir[@]} == 0)); then
    dir[wolf]=$here/upstream/wolf
    if [[ -d $here/upstream/gst-interpipe ]]; then dir[gst-interpipe]=$here/upstream/gst-interpipe; fi
  fi
  for tree in "${!dir[@]}"; do
    path=${dir[$tree]}
    if [[ ! -d $path ]]; then
      die 3 "$tree: there is no tree at $path; bring $(published "$tree"), and name its folder\
 with --${tree#gst-}"
    fi
    if [[ ! -r $path || ! -x $path ]]; then die 3 "$tree: $path cannot be read; check its permissions"; fi
    dir[$tree]=$(realpath -- "$path")
  done
}

read_pins() {
  local key value tree='' path rest
  [[ -r $pins ]] || die 8 "$pins cannot be read; name the pins with --pins FILE"
  while read -r key value; do
    case $key in
    tree) tree=$value ;;
    url) url[$tree]=$value ;;
    branch) branch[$tree]=$value ;;
    commit) commit[$tree]=$value ;;
    sha256) read -r rest path <<<"$value" && pin[$tree/$path]=$rest ;;
    absent) pin[$tree/$value]=absent ;;
    '' | '#'*) ;;
    *) die 8 "$pins: \"$key\" is no keyword; its header says which there are" ;;
    esac
  done <"$pins"
}

read_series() { # selects; a line is TREE/NAME.patch and nothing else, so no patch can bring options of its own
  local line
  [[ -r $series ]] || die 8 "$series cannot be read; name the series with --series FILE"
  while read -r line; do
    if [[ -z $line || $line == '#'* ]]; then continue; fi
    [[ $line =~ ^(wolf|gst-interpipe)/[A-Za-z0-9._-]+\.patch$ ]] ||
      die 8 "$series: \"$line\" is not of the form TREE/NAME.patch"
    [[ -r $patches/$line ]] || die 8 "$series names $line, which is not in $patches"
    if [[ -n ${dir[${line%%/*}]-} ]]; then selected+=("$line"); fi
  done <"$series"
}

# What unified diffs touch: add|change|remove, TAB, path below a/ or b/. Lines are counted down by the hunk headers, so that
# a removed line "-- x", which looks like a file header, is not taken for one.
touched() {
  awk '
    function path(s) { s = substr(s, 5); sub(/\t.*/, "", s); return s == "/dev/null" ? "" : substr(s, index(s, "/") + 1) }
    function count(range,   part) { return split(substr(range, 2), part, ",") > 1 ? part[2] : 1 }
    FNR == 1 { minus = plus = 0 }
    minus > 0 || plus > 0 { c = substr($0, 1, 1); if (c != "+" && c != "\\") minus--; if (c != "-" && c != "\\") plus--; next }
    /^--- / { old = path($0) }
    /^\+\+\+ / { new = path($0); print (old == "" ? "add" : new == "" ? "remove" : "change") "\t" (new == "" ? old : new) }
    /^@@ / { minus = count($2); plus = count($3) }
  ' "$@"
}

selected_files() { printf '%s\n' "${selected[@]/#/$patches/}"; }

# What must hold before the first patch: sha256|absent, TAB, tree/path.
requirements() {
  local files
  mapfile -t files < <(selected_files)
  if ((${#selected[@]} == 0)); then return; fi
  touched "${files[@]}" | awk -F'\t' '!($2 in seen) { seen[$2]; print ($1 == "add" ? "absent" : "sha256") "\t" $2 }' |
    sort -t$'\t' -k2
}

check_series() { # a patch touches only its own tree, and the pins know every file that it touches
  local patch kind path
  for patch in "${selected[@]}"; do
    while IFS=$'\t' read -r kind path; do
      [[ $path == "${patch%%/*}"/* && $path != *..* ]] ||
        die 8 "$patch touches $path, outside ${patch%%/*}/; move that part to a patch of the other tree"
    done < <(touched "$patches/$patch")
  done
  while IFS=$'\t' read -r kind path; do
    case $kind,${pin[$path]-} in
    absent,absent | sha256,????????????????????????????????????????????????????????????????) ;;
    *) die 8 "the series touches $path, and $pins has no \"$kind\" line for it; run build.sh pins with the pinned tree" ;;
    esac
  done < <(requirements)
}

digest() { # FILE: SHA-256, or absent
  if [[ -e $1 || -L $1 ]]; then
    local sum
    if ! sum=$(sha256sum <"$1" 2>/dev/null); then echo unreadable; else echo "${sum%% *}"; fi
  else
    echo absent
  fi
}

# Undoes the series on copies of the touched files; what comes out is the pinned state exactly if it had been applied.
already_patched() { # TREE
  local tree=$1 scratch=$work/undo kind path i
  mkdir -- "$scratch" "$scratch/$tree" || return 1
  while IFS=$'\t' read -r kind path; do
    path=${path#*/}
    if [[ -f ${dir[$tree]}/$path ]]; then (cd -- "${dir[$tree]}" && cp --parents -- "$path" "$scratch/$tree"); fi
  done < <(requirements | grep -P "\t$tree/")
  for ((i = ${#selected[@]} - 1; i >= 0; i--)); do
    if [[ ${selected[i]} != "$tree"/* ]]; then continue; fi
    patch -d "$scratch" -R -p1 -f -s -F0 -r - --no-backup-if-mismatch <"$patches/${selected[i]}" >/dev/null 2>&1 || return 1
  done
  while IFS=$'\t' read -r kind path; do
    [[ $(digest "$scratch/$path") == "${pin[$path]}" ]] || return 1
  done < <(requirements | grep -P "\t$tree/")
}

base_of() { # TREE: which of the other bases the tree is, if any
  local base
  for base in "$here"/bases/*/; do
    if (cd -- "${dir[$1]}" && sed -n "/^tree $1\$/,\${ s/^sha256 \\([^ ]*\\)  *\\(.*\\)/\\1  \\2/p; }" "$base/upstream.pins" | sha256sum --quiet -c) >/dev/null 2>&1; then
      basename -- "$base"
      return
    fi
  done
}

check_tree() { # TREE: every touched file is the pinned one
  local tree=$1 kind path found list='' count=0 base
  while IFS=$'\t' read -r kind path; do
    if [[ $path != "$tree"/* ]]; then continue; fi
    found=$(digest "${dir[$tree]}/${path#*/}")
    if [[ $found == "${pin[$path]}" ]]; then continue; fi
    count=$((count + 1))
    list+=$'\n'"  ${path#*/}"$'\n'"    pinned ${pin[$path]}"$'\n'"    found  $found"
  done < <(requirements)
  if ((count == 0)); then return; fi
  if (trap - ERR EXIT; set +e; already_patched "$tree"); then
    die 4 "$tree: ${dir[$tree]} is patched already; use it as it is, or give the pristine tree"
  fi
  base=$(base_of "$tree")
  if [[ $base ]]; then
    die 4 "$tree: ${dir[$tree]} is what bases/$base is cut against; add: --series '$here/bases/$base/series' --pins '$here/bases/$base/upstream.pins'"
  fi
  die 4 "$tree: in ${dir[$tree]} $count file(s) that the series touches are not those of\
 $(published "$tree"):$list"$'\n'"Undo local changes or check that commit out; another release needs docs/rebasing.md."
}

# --------------------------------------------------------------------------------------- the place where a result comes

overlap() { [[ $1/ == "$2"/* || $2/ == "$1"/* ]]; }

begin() { # PARENT NAME: locks PARENT/NAME for this run, clears away what a killed run left, makes $work
  local parent=$1 name=$2 left gate fd probe=$1
  while [[ ! -e $probe ]]; do made_parents=("$probe" "${made_parents[@]}") probe=$(dirname -- "$probe"); done
  attempt 6 "make the folder $parent" mkdir -p -- "$parent"
  [[ -d $parent ]] || die 6 "$parent is not a folder; $remedy"
  exec {gate}<"$parent"
  flock -w "$gate_seconds" "$gate" || die 6 "$parent stays locked by another program; try again, or choose another --out"
  for left in "$parent/.$name.wolf-guard-"*; do
    exec {fd}<"$left"
    flock -n "$fd" || die 6 "another build.sh is working on $parent/$name; wait for it, or choose another --out"
    put_back "$left" "$parent/$name"
    remove "$left"
    exec {fd}<&-
    say "removed $left, left by an interrupted run"
  done
  if [[ -d $parent/$name ]]; then
    exec {fd}<"$parent/$name"
    flock -n "$fd" || die 6 "the --then command of another run is at work in $parent/$name; wait for it, or choose another --out"
    exec {fd}<&-
  fi
  if ! work=$(mktemp -d -- "$parent/.$name.wolf-guard-XXXXXX" 2>&1); then
    left=$work work=''
    die 6 "cannot write in $parent: ${left##*: }; $remedy"
  fi
  exec {lock}<"$work"
  flock -n "$lock"
  exec {gate}<&-
}

begin_result() { # for the verbs that make a folder: $out
  local tree changed
  remedy='choose another place with --out'
  out=$(realpath -m -- "$out")
  for tree in "${!dir[@]}"; do
    if overlap "$out" "${dir[$tree]}"; then
      die 6 "--out $out and the $tree tree ${dir[$tree]} lie in one another; the given tree is never changed: choose another --out"
    fi
  done
  begin "$(dirname -- "$out")" "$(basename -- "$out")"
  if [[ ! -e $out && ! -L $out ]]; then return; fi
  if [[ -d $out && -z $(find "$out" -maxdepth 0 -empty) && ! -f $out/.wolf-guard || ! -d $out ]]; then
    die 6 "$out is in the way, and build.sh did not make it; move it, or choose another --out"
  fi
  # The former result is replaced, but nobody's edits in it.
  if [[ -f $out/.wolf-guard ]] && ! changed=$(cd -- "$out" && sha256sum --quiet -c .wolf-guard 2>/dev/null); then
    changed=${changed%%:*} changed=${changed#./}
    die 6 "$out has changes since build.sh made it (${changed:-a file is gone}); keep them with build.sh refresh, or remove it"
  fi
}

check_space() { # DIR...: room for copies of these
  local have size path kib=$spare_kib
  for path; do
    size=$(du -sk --exclude=.git -- "$path" 2>/dev/null | cut -f1) || true
    kib=$((kib + ${size:-0}))
  done
  have=$(df -k --output=avail -- "$work" | tail -n 1)
  if ((have < kib)); then
    die 7 "no space for the copy in $(dirname -- "$work"): it needs $kib KiB, there are $((have)) KiB; free some, or choose\
 another place with --out"
  fi
}

finish_result() { # $work/result becomes $out: complete or not at all
  local result=$work/result
  attempt 6 "note what was made" seal "$result"
  exec {held}<"$result" # the lock moves with the folder, and holds while --then runs
  flock -n "$held"
  if [[ -e $out ]]; then attempt 6 "move the former $out aside" mv -T -- "$out" "$work/former"; fi
  attempt 6 "put the result at $out" mv -T -- "$result" "$out"
  finished=yes
}

seal() { # DIR: what build.sh made there, to know later edits from it
  cd -- "$1"
  {
    echo "# Made by build.sh; sha256sum -c tells what was changed since."
    find . -type f -print0 | sort -z | xargs -0 -r sha256sum
  } >"$work/manifest"
  mv -- "$work/manifest" .wolf-guard
}

# ---------------------------------------------------------------------------------------------------- applying, diffing

# quilt with this repository's settings only. Paths that it sees are relative: quilt does not quote all of its own.
quilt_in() { # DIR ARGUMENT...
  cd -- "$1"
  shift
  env -i PATH="$PATH" HOME=/nonexistent LC_ALL=C TMPDIR=. quilt --quiltrc patches/quiltrc "$@" 2>&1
}

plain_git() { # git without anybody's settings, and without a write into a tree that is only looked at
  (
    # shellcheck disable=SC2086 # names of variables
    unset ${!GIT_@}
    export GIT_CONFIG_NOSYSTEM=1 GIT_CONFIG_GLOBAL=/dev/null GIT_OPTIONAL_LOCKS=0
    exec git -c safe.directory='*' -c core.autocrlf=false -c core.quotePath=false "$@"
  )
}

is_checkout() { # DIR: of its own, not merely inside of one
  [[ -e $1/.git && $(plain_git -C "$1" rev-parse --show-toplevel 2>/dev/null) == "$1" ]]
}

lay_out() { # DIR: the series and quilt's settings, as quilt expects them
  local patch
  mkdir -p -- "$1/patches" "${trees[@]/#/$1/patches/}"
  for patch in "${selected[@]}"; do cp -- "$patches/$patch" "$1/patches/$patch"; done
  cp -- "$here/quiltrc" "$1/patches/quiltrc"
  printf '%s\n' "${selected[@]}" >"$1/patches/series"
}

copy_tree() { # FROM TO: without the history, which no build of a patched copy can use as it stands
  local entry entries=()
  for entry in "$1"/*; do
    if [[ ${entry##*/} != .git ]]; then entries+=("$entry"); fi
  done
  mkdir -p -- "$2"
  if ((${#entries[@]})); then cp -a --reflink=auto -- "${entries[@]}" "$2"; fi
}

copy_touched() { # TO: only the files that the series changes
  local tree kind path
  for tree in "${!dir[@]}"; do mkdir -p -- "$1/$tree"; done
  requirements | while IFS=$'\t' read -r kind path; do
    if [[ $kind == absent ]]; then continue; fi
    (cd -- "${dir[${path%%/*}]}" && cp --parents -- "${path#*/}" "$1/${path%%/*}")
  done
}

push_series() { # DIR [HOOK]: applies patch by patch; HOOK DIR PATCH after each
  local patch log step=-a steps=(-a)
  # quilt takes longer to start than to apply a patch, so all go at once where nobody wants to look in between.
  if (($# > 1)); then steps=("${selected[@]}"); fi
  for step in "${steps[@]}"; do
    patch=$step
    if ! log=$(trap - ERR; quilt_in "$1" push --fuzz=0 "$step"); then
      if [[ $step == -a ]]; then patch=$(trap - ERR; quilt_in "$1" next || true); fi
      if [[ $log == *'No space left'* ]]; then
        die 7 "no space while $patch was applied; free some, or choose another place with --out"
      fi
      die 8 "$patch does not apply, although every touched file is the pinned one; series and $pins do not belong\
 together:"$'\n'"$(tail -n 20 <<<"$log")"
    fi
    # "patching file …" names a file and says nothing about its hunks.
    if grep -v '^patching file \|^Applying patch \|^Now at patch ' <<<"$log" | grep -q -i 'offset\|fuzz'; then
      patch=$(awk '/^Applying patch /{ patch = $3 } !/^patching file |^Applying patch |^Now at patch / && tolower($0) ~ /offset|fuzz/ { print patch; exit }' <<<"$log")
      die 8 "$patch applies only beside its place (patch says so below); series and $pins do not belong together:"$'\n'"$(grep -A 3 -B 3 -i 'offset\|fuzz' <<<"$log" | head -n 40)"
    fi
    if (($# > 1)); then "$2" "$1" "$step"; fi
  done
}

# One file's change as a diff in the house's form; an absent file is an empty or missing one.
diff_file() { # CONTEXT BEFORE AFTER NAME
  local before=$2 after=$3 old=a/$4 new=b/$4 status=0
  if [[ ! -s $before ]]; then before=/dev/null old=/dev/null; fi
  if [[ ! -e $after ]]; then after=/dev/null new=/dev/null; fi
  diff "-U$1" --label "$old" --label "$new" -- "$before" "$after" || status=$?
  ((status < 2))
}

header() { awk '/^(---|Index:)[ \t][^ \t]|^diff -/ { exit } { print }' "$1"; } # PATCH: what stands before its first file

field() { # PATCH NAME: a header field with its continuation lines, unfolded
  header "$1" | awk -v name="$2:" '
    /^[^ \t]/ { on = 0 }
    index($0, name) == 1 { on = 1; sub(/^[^:]*:[ \t]*/, ""); print; next }
    on { sub(/^[ \t]/, ""); print ($0 == "." ? "" : $0) }'
}

# ------------------------------------------------------------------------------------------------------------ the verbs

verb_patch() {
  local tree path found
  need quilt patch flock diff awk find xargs sha256sum cp mktemp du df
  out=${out:-$here/out/patched}
  read_pins
  choose_trees
  read_series
  check_series
  begin_result
  for tree in "${!dir[@]}"; do check_tree "$tree"; done
  check_space "${dir[@]}"
  for tree in "${!dir[@]}"; do
    attempt 6 "copy ${dir[$tree]}" copy_tree "${dir[$tree]}" "$work/result/$tree"
  done
  attempt 6 "lay the series out" lay_out "$work/result"
  push_series "$work/result"
  finish_result

  echo "${#selected[@]} patches applied: $out"
  for tree in "${trees[@]}"; do
    if [[ -z ${dir[$tree]-} ]]; then continue; fi
    found=$(cd -- "$out/$tree" && {
      find . -maxdepth 3 \( -name Dockerfile -o -name '*.Dockerfile' -o -name Containerfile \) | sort
      find . -maxdepth 1 \( -name CMakeLists.txt -o -name meson.build \)
    } | cut -c3-)
    echo "  $tree builds with: ${found:+${found//$'\n'/, }}"
  done
  remove "$work"
  work=''
  if [[ -n $then_command ]]; then run_then; fi
}

run_then() { # in the background, so that a signal to build.sh reaches it at once; it gets the caller's terminal and locale
  local status=0
  export WOLF_DIR='' INTERPIPE_DIR=''
  if [[ -n ${dir[wolf]-} ]]; then WOLF_DIR=$out/wolf; fi
  if [[ -n ${dir[gst-interpipe]-} ]]; then INTERPIPE_DIR=$out/gst-interpipe; fi
  if [[ -n $caller_lc_all ]]; then LC_ALL=$caller_lc_all; else unset LC_ALL; fi
  cd -- "$out"
  exec {lock}<&-
  env --default-signal=INT,QUIT bash -c "$then_command" <&0 {held}<&- &
  then_pid=$!
  wait "$then_pid" || status=$?
  then_pid=''
  if ((status)); then say "your command ended with status $status in $out, which is patched and complete"; fi
  exit "$status"
}

write_plain() { # DIR PATCH: hook; the header as it is, then the diff
  local tree=${2%%/*} kind path file=$work/export/$2
  mkdir -p -- "$work/export/$tree"
  {
    if [[ $format == git ]]; then mail_header "$2"; else header "$patches/$2"; fi
    touched "$patches/$2" | while IFS=$'\t' read -r kind path; do
      diff_file 3 "$1/.pc/$2/$path" "$1/$path" "${path#*/}"
    done
  } >"$file" || die 7 "cannot write $file; free some space, or choose another place with --out"
  echo "${2#*/}" >>"$work/export/$tree/series"
}

mail_header() { # PATCH: what git am reads; the field Wolf-Guard-Patch is how refresh finds the patch again
  local patch=$patches/$1 author date description name value number count
  author=$(field "$patch" Author)
  author=${author:-$(field "$patch" From)}
  date=$(field "$patch" Last-Update)
  description=$(field "$patch" Description)
  [[ -n $description ]] || die 8 "$1 has no Description in its header, and git needs a subject"
  number=$(printf '%s\n' "${selected[@]}" | grep "^${1%%/*}/" | grep -n -F -x -- "$1")
  count=$(printf '%s\n' "${selected[@]}" | grep -c "^${1%%/*}/")
  echo "From 0000000000000000000000000000000000000000 Mon Sep 17 00:00:00 2001"
  echo "From: ${author:-Wolf Guard <wolf-guard@localhost>}"
  echo "Date: $(date -u -R -d "${date:-1970-01-01}" 2>/dev/null || date -u -R -d 1970-01-01)"
  echo "Subject: [PATCH ${number%%:*}/$count] ${description%%$'\n'*}"
  printf '%s\n' 'MIME-Version: 1.0' 'Content-Type: text/plain; charset=UTF-8' 'Content-Transfer-Encoding: 8bit' ''
  # A line that looks like the start of a diff would end the message for git.
  if [[ $description == *$'\n'* ]]; then
    sed -E 's/^(---|diff -|Index: )/ \1/' <<<"${description#*$'\n'}"
    echo
  fi
  for name in Origin Bug Forwarded Last-Update Evidence; do
    value=$(field "$patch" "$name")
    if [[ -n $value ]]; then echo "$name: ${value//$'\n'/$'\n' }"; fi
  done
  printf '%s\n' "Wolf-Guard-Patch: ${1#*/}" --- ''
}

verify_export() { # TREE: applied as its reader would, on fresh files, it gives what the series gave
  local tree=$1 fresh=$work/fresh/$1 from=$work/result/$1 log
  case $format in
  quilt | debian)
    cp -R -- "$(dirname -- "$(find "$from" -name series)")" "$fresh/patches"
    log=$(cd -- "$fresh" && env -i PATH="$PATH" HOME=/nonexistent LC_ALL=C TMPDIR=. quilt --quiltrc - push -a --fuzz=0 2>&1) || true
    rm -rf -- "$fresh/patches" "$fresh/.pc"
    ;;
  git)
    local -x EMAIL=wolf-guard@localhost
    log=$(cd -- "$fresh" && {
      plain_git init -q . && plain_git add -A && plain_git -c user.name=w commit -q --allow-empty -m pinned &&
        plain_git -c user.name=w am -q -- "$from"/*.patch
    } 2>&1) || true
    rm -rf -- "$fresh/.git"
    ;;
  esac
  if ! diff -r -q -- "$fresh" "$work/u0/$tree" >/dev/null 2>&1 || grep -q '^Hunk .*offset\|^Hunk .*fuzz' <<<"$log"; then
    die 8 "the $format export of $tree does not give what the series gives; please report it:"$'\n'"$log"
  fi
}

verb_export() {
  local tree patch
  case $format in
  quilt | debian) need quilt ;;
  git) need quilt git ;;
  *) die 2 "export needs --format quilt, debian or git" ;;
  esac
  need patch flock diff awk find xargs sha256sum cp mktemp du df
  out=${out:-$here/out/$format}
  read_pins
  choose_trees
  read_series
  check_series
  begin_result
  for tree in "${!dir[@]}"; do check_tree "$tree"; done
  check_space
  attempt 6 "copy the touched files" copy_touched "$work/u0"
  attempt 6 "copy the touched files" cp -a -- "$work/u0" "$work/fresh"
  attempt 6 "lay the series out" lay_out "$work/u0"
  push_series "$work/u0" write_plain
  for tree in "${trees[@]}"; do
    if [[ ! -d $work/export/$tree ]]; then continue; fi
    case $format in
    quilt) mkdir -p -- "$work/result/$tree" && mv -- "$work/export/$tree" "$work/result/$tree/patches" ;;
    debian) mkdir -p -- "$work/result/$tree/debian" && mv -- "$work/export/$tree" "$work/result/$tree/debian/patches" ;;
    git) mkdir -p -- "$work/result" && rm -- "$work/export/$tree/series" && mv -- "$work/export/$tree" "$work/result/$tree" ;;
    esac
    verify_export "$tree"
  done
  [[ -d $work/result ]] || die 8 "$series has no patch for the given trees, so there is nothing to export"
  finish_result
  echo "${#selected[@]} patches exported and checked: $out"
}

take_series() { # LIST: the lines of the trees in LIST replace theirs in the series, if anything changed
  local tree keep=() line new=$work/series
  for tree in "${trees[@]}"; do
    if grep -q "^$tree/" "$1"; then
      mapfile -t -O "${#keep[@]}" keep < <(grep "^$tree/" "$1")
    else
      mapfile -t -O "${#keep[@]}" keep < <(grep "^$tree/" "$series" || true)
    fi
  done
  if [[ $(printf '%s\n' "${keep[@]}") == "$(grep -v '^#\|^$' "$series" || true)" ]]; then return; fi
  {
    sed -n '/^[^#]/q; p' "$series"
    printf '%s\n' "${keep[@]}"
  } >"$new"
  while IFS= read -r line; do
    if [[ -n $line && $line != '#'* ]]; then echo "$line: no longer in the series; its file stays until you remove it"; fi
  done < <(grep -v -F -x -f "$new" -- "$series" || true)
  mv -- "$new" "$series"
  echo "series: rewritten"
}

take_patches() { # everything below $work/new, once all of it is there
  local file name
  while IFS= read -r -d '' file; do
    name=${file#"$work/new/"}
    if cmp -s -- "$file" "$patches/$name"; then
      echo "$name: unchanged"
    else
      mkdir -p -- "$(dirname -- "$patches/$name")"
      attempt 7 "write $patches/$name" mv -- "$file" "$patches/$name"
      echo "$name: rewritten"
    fi
  done < <(find "$work/new" -type f -print0 | sort -z)
}

refresh_quilt() { # TOP: a work tree that build.sh patch made, edited with quilt or without
  local top=$1 applied path lost patch copy=$work/tree log
  [[ -s $top/.pc/applied-patches ]] || die 4 "no patch is applied in $top; push them (quilt --quiltrc patches/quiltrc push -a)"
  mapfile -t applied <"$top/.pc/applied-patches"
  if [[ -f $top/.wolf-guard ]]; then
    # An edit in a file of no patch would be lost without a word.
    lost=$(cd -- "$top" && { sha256sum --quiet -c .wolf-guard 2>/dev/null || true; } | sed -n 's/: FAILED.*//p' |
      while IFS= read -r path; do
        path=${path#./}
        if [[ $path =~ ^(wolf|gst-interpipe)/ && -z $(find .pc -path ".pc/*.patch/$path" -print -quit) ]]; then echo "  $path"; fi
      done)
    [[ -z $lost ]] || die 8 "edited in $top, but in no patch (revert the edit, quilt add -P PATCH FILE, edit again):"$'\n'"$lost"
  fi
  mkdir -p -- "$copy"
  cp -a -- "$top/.pc" "$top/patches" "$copy"
  cp -- "$here/quiltrc" "$copy/patches/quiltrc"
  while IFS= read -r path; do
    if [[ -e $top/$path ]]; then (cd -- "$top" && cp -a --parents -- "$path" "$copy"); fi
  done < <(cd -- "$top/.pc" && find . -type f -path './*.patch/*' ! -name .timestamp | sed 's|^\./[^/]*/[^/]*/||' | sort -u)
  for patch in "${applied[@]}"; do
    # -f: a lower patch's part of a shared file is what the next one found there, which is just what we want.
    log=$(trap - ERR; quilt_in "$copy" refresh -f "$patch") || die 8 "quilt cannot refresh $patch:"$'\n'"$log"
    mkdir -p -- "$work/new/${patch%/*}"
    cp -- "$copy/patches/$patch" "$work/new/$patch"
  done
  sed 's/[ \t].*//; /^#/d; /^$/d' "$copy/patches/series" >"$work/list"
}

refresh_git() { # TREE DIR: one commit a patch since --base, each with a line "Wolf-Guard-Patch: NAME"
  local tree=$1 top=$2 from=${base:-${commit[$1]-}} id name path known files
  plain_git -C "$top" rev-parse -q --verify "$from^{commit}" >/dev/null 2>&1 ||
    die 4 "$top has no commit $from; name the one that your branch starts from with --base COMMIT"
  # A file that is merely missing (a partial clone, a sparse checkout) holds no edit that could be lost.
  [[ -z $(plain_git -C "$top" diff --name-only --diff-filter=d HEAD) ]] || die 4 "$top has uncommitted changes; commit or stash them"
  [[ -z $(plain_git -C "$top" rev-list --merges "$from..HEAD") ]] || die 4 "$top has merges since $from; make it one line with git rebase"
  : >"$work/list"
  for id in $(plain_git -C "$top" rev-list --reverse "$from..HEAD"); do
    name=$(plain_git -C "$top" show -s --format=%B "$id" | sed -n 's/^Wolf-Guard-Patch: *//p' | tail -n 1)
    [[ $name =~ ^[A-Za-z0-9._-]+\.patch$ ]] ||
      die 8 "commit $id has no line \"Wolf-Guard-Patch: NAME.patch\" in its message; add one with git rebase -i"
    [[ -f $patches/$tree/$name ]] || die 8 "commit $id is to be $tree/$name, which does not exist; write its DEP-3 header there first"
    if grep -q -F -x -- "$tree/$name" "$work/list"; then die 8 "two commits are to be $tree/$name; squash them, or rename one"; fi
    echo "$tree/$name" >>"$work/list"
    mkdir -p -- "$work/new/$tree"
    header "$patches/$tree/$name" >"$work/new/$tree/$name"
    # Files in the order that the patch had them, so that a refresh without a change changes nothing.
    mapfile -t known < <(touched "$patches/$tree/$name" | cut -f2 | sed "s|^$tree/||")
    mapfile -t -d '' files < <(plain_git -C "$top" diff-tree -r -z --no-renames --no-commit-id --name-only "$id^" "$id")
    while IFS= read -r path; do
      plain_git -C "$top" show "$id^:$path" >"$work/before" 2>/dev/null || : >"$work/before"
      plain_git -C "$top" show "$id:$path" >"$work/after" 2>/dev/null || rm -- "$work/after"
      diff_file 0 "$work/before" "$work/after" "$tree/$path" >>"$work/new/$tree/$name"
    done < <(printf '%s\n' "${known[@]}" "${files[@]}" | grep -F -x -f <(printf '%s\n' "${files[@]}") | awk '!seen[$0]++')
  done
  [[ -s $work/list ]] || die 4 "$top has no commits since $from; git am the exported series first"
}

verb_refresh() {
  local tree top
  need quilt patch flock diff awk find sha256sum mktemp cmp git
  read_pins
  if ((${#dir[@]} == 0)); then dir[wolf]=$here/out/patched; fi
  choose_trees
  begin "$(dirname -- "$patches")" patches
  for tree in "${!dir[@]}"; do
    top=${dir[$tree]}
    if [[ ! -d $top/.pc && -d ${top%/*}/.pc ]]; then top=${top%/*}; fi
    if [[ -d $top/.pc ]]; then
      refresh_quilt "$top"
    elif is_checkout "$top"; then
      refresh_git "$tree" "$top"
    else
      die 4 "$top is neither a work tree of build.sh patch (no .pc) nor a git checkout; give one of these"
    fi
    cat -- "$work/list" >>"$work/lists"
    rm -rf -- "$work/tree"
  done
  take_patches
  awk '!seen[$0]++' "$work/lists" >"$work/list"
  take_series "$work/list"
}

# What guard/ adds to a tree: the file in guard/embed/ that builds it there, the patch, and its place in the tree.
readonly -A embed_build=([wolf]=CMakeLists.txt [gst-interpipe]=meson.build)
readonly -A embed_patch=([wolf]=wolf/0001-guard-sources.patch [gst-interpipe]=gst-interpipe/0010-guard-lock-sources.patch)
readonly -A embed_place=([wolf]=wolf/src/wolf-guard [gst-interpipe]=gst-interpipe/gst/interpipe/wolf-guard)

embedded_files() { # TREE: Wolf gets all of guard, gst-interpipe the files that its build file names
  local build=$guard/embed/${embed_build[$1]}
  printf '%s\n' "$build"
  if [[ $1 == wolf ]]; then
    printf '%s\n' "$guard"/include/wolf-guard/*.{h,hpp} "$guard"/src/*.{c,h}
  else
    grep -oE "^ *'(include|src)/[^']*\.[ch]'" "$build" | sed "s|^ *'\(.*\)'|$guard/\1|"
  fi
}

guard_patch() { # TREE TARGET: on stdout; its own header is kept, so it is edited in the patch like any other
  local tree=$1 file files name
  if [[ -s $2 ]]; then
    header "$2"
  else
    cat <<EOF
Description: add the sources of wolf-guard
 The C library that the hooks of the following patches call. Nothing calls it
 yet, so this patch changes no behaviour; it costs its compile time.
 Generated from guard/ by build.sh embed: edit there.
Origin: vendor
Forwarded: no
Last-Update: $(date -u +%F)
Evidence: ctest -R guard
EOF
  fi
  mapfile -t files < <(embedded_files "$tree")
  for file in "${files[@]}"; do
    name=${file#"$guard/"}
    [[ -s $file ]] || die 8 "$file is missing or empty; a patch cannot add it"
    diff_file 0 /dev/null "$file" "${embed_place[$tree]}/${name#embed/}"
  done
}

verb_embed() {
  local tree target
  need diff awk flock mktemp cmp
  [[ -d $guard/src ]] || die 3 "$guard has no src/; name the library's folder with --guard DIR"
  if [[ -z $check ]]; then begin "$(dirname -- "$patches")" patches; fi
  for tree in "${trees[@]}"; do
    if [[ ! -e $guard/embed/${embed_build[$tree]} ]]; then continue; fi
    target=$patches/${embed_patch[$tree]}
    if [[ -n $check ]]; then
      [[ -r $target ]] || die 9 "$target does not exist; run build.sh embed"
      guard_patch "$tree" "$target" | cmp -s -- - "$target" || die 9 "$target is not what $guard says; run build.sh embed"
      echo "$target: as in $guard"
    else
      mkdir -p -- "$work/new/$tree"
      guard_patch "$tree" "$target" >"$work/new/${embed_patch[$tree]}"
    fi
  done
  if [[ -z $check ]]; then take_patches; fi
}

digest_lines() { # TREE: for the pins
  local kind path found
  while IFS=$'\t' read -r kind path; do
    if [[ $path != "$1"/* ]]; then continue; fi
    path=${path#*/}
    found=$(digest "${dir[$1]}/$path")
    case $kind,$found in
    absent,absent) echo "absent $path" ;;
    absent,*) die 4 "$1: the series adds $path, which ${dir[$1]} has already; give the pristine tree" ;;
    sha256,absent | sha256,unreadable) die 4 "$1: the series changes $path, which is $found in ${dir[$1]}; give the pristine tree" ;;
    *) echo "sha256 $found  $path" ;;
    esac
  done < <(requirements)
}

verb_pins() {
  local tree='' line key value head lines files
  declare -A lines=() head=()
  need awk flock sha256sum mktemp git
  read_pins
  choose_trees
  read_series
  for tree in "${!dir[@]}"; do
    [[ -n ${commit[$tree]-} ]] || die 8 "$pins has no section of $tree with a commit; write \"tree $tree\", \"url …\" and \"commit …\" first"
    lines[$tree]=$(trap - ERR; digest_lines "$tree") || exit $?
    head[$tree]=${commit[$tree]}
    if ! is_checkout "${dir[$tree]}"; then continue; fi
    mapfile -t files < <(sed -n 's/^sha256 [^ ]*  //p' <<<"${lines[$tree]}")
    ((${#files[@]} == 0)) || plain_git -C "${dir[$tree]}" diff --quiet HEAD -- "${files[@]}" ||
      die 4 "$tree: ${dir[$tree]} has local changes in files that the series touches; give the pristine tree"
    head[$tree]=$(plain_git -C "${dir[$tree]}" rev-parse HEAD)
    if [[ ${head[$tree]} != "${commit[$tree]}" ]]; then
      echo "$tree: the pin moves from ${commit[$tree]} to ${head[$tree]}"
    fi
  done
  begin "$(dirname -- "$(realpath -- "$pins")")" "$(basename -- "$pins")"
  tree=- # until the first section
  while IFS= read -r line; do
    read -r key value <<<"$line" || true
    if [[ $key == tree ]]; then tree=$value; fi
    if [[ -z ${dir[$tree]-} || ! $key =~ ^(commit|sha256|absent)$ ]]; then echo "$line"; continue; fi
    if [[ $key == commit ]]; then
      echo "commit ${head[$tree]}"
      if [[ -n ${lines[$tree]} ]]; then echo "${lines[$tree]}"; fi
    fi
  done <"$pins" >"$work/pins"
  if cmp -s -- "$work/pins" "$pins"; then
    echo "$pins: unchanged"
  else
    chmod --reference="$pins" -- "$work/pins"
    attempt 7 "write $pins" mv -- "$work/pins" "$(realpath -- "$pins")"
    echo "$pins: rewritten"
  fi
}

verb_demo() {
  local given=() status=0
  [[ -x $here/verify/demo ]] || die 3 "$here/verify/demo is not there; this copy of the repository has no suite"
  read_pins
  finished=yes
  "$here/verify/demo" || status=$?
  if ((status > 1)); then exit "$status"; fi
  if [[ -d $here/upstream/wolf ]]; then given+=(--wolf "$here/upstream/wolf"); fi
  if [[ -d $here/upstream/gst-interpipe ]]; then given+=(--interpipe "$here/upstream/gst-interpipe"); fi
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

# ----------------------------------------------------------------------------------------------------------- the words

verb=${1-}
case $verb in
-h | --help | help) usage; finished=yes; exit 0 ;;
verify)
  shift
  [[ -x $here/verify/run ]] || die 3 "$here/verify/run is not there; this copy of the repository has no suite"
  exec "$here/verify/run" "$@"
  ;;
patch | export | refresh | embed | pins) shift ;;
'') ;;
*) die 2 "\"$verb\" is no verb; build.sh -h says which there are" ;;
esac

out='' then_command='' format='' base='' check='' series=$here/series pins='' guard=$here/guard
while (($#)); do
  option=$1
  case $verb,$option in
  *,-h | *,--help) usage; finished=yes; exit 0 ;;
  embed,--check) check=yes; shift; continue ;;
  patch,--wolf | export,--wolf | refresh,--wolf | pins,--wolf) ;;
  patch,--interpipe | export,--interpipe | refresh,--interpipe | pins,--interpipe) ;;
  patch,--out | export,--out | patch,--then | export,--format | refresh,--base | *,--series | *,--pins | *,--guard) ;;
  *) die 2 "$verb knows no \"$option\"; build.sh -h says what it knows" ;;
  esac
  [[ -n ${2-} ]] || die 2 "$option needs a value; build.sh -h shows which"
  case $option in
  --wolf) dir[wolf]=$2 ;;
  --interpipe) dir[gst-interpipe]=$2 ;;
  --out) out=$2 ;;
  --then) then_command=$2 ;;
  --format) format=$2 ;;
  --base) base=$2 ;;
  --series) series=$2 ;;
  --pins) pins=$2 ;;
  --guard) guard=$2 ;;
  esac
  shift 2
done
# Absolute from here on: some steps run elsewhere.
series=$(realpath -m -- "$series")
pins=$(realpath -m -- "${pins:-$(dirname -- "$series")/upstream.pins}")
guard=$(realpath -m -- "$guard")
patches=$(dirname -- "$series")/patches
"verb_${verb:-demo}"
