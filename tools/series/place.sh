# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# The place of a result: locked, cleared of what killed runs left, filled all at once.

readonly gate_seconds=10 # waiting for another run's few milliseconds between its look and its lock
readonly spare_kib=8192  # beyond the trees: copies of the touched files, twice, and the manifest
work='' moved='' made_parents=() then_pid='' finished='' held=''

remove() { # DIR: also when the copied tree has folders that its owner may not write
  if [[ ! -e $1 ]]; then return; fi
  rm -rf -- "$1" 2>/dev/null && return
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
  if [[ -n $moved ]]; then rm -rf -- "$moved"; fi
  local i
  if [[ -z $finished ]]; then
    for ((i = ${#made_parents[@]} - 1; i >= 0; i--)); do
      rmdir -- "${made_parents[i]}" 2>/dev/null
    done
  fi
}

on_signal() { # NAME NUMBER
  if [[ -n $then_pid ]]; then kill -s TERM "$then_pid" 2>/dev/null || true; fi
  if [[ -n $held && ! -e $work/result ]]; then finished=yes; fi # it came during the last rename
  if [[ -n $finished ]]; then die $((128 + $2)) "stopped by SIG$1; $out is complete"; fi
  die $((128 + $2)) "stopped by SIG$1; nothing was changed, run it again"
}

overlap() { [[ $1/ == "$2"/* || $2/ == "$1"/* ]]; }

begin() { # PARENT NAME: locks PARENT/NAME, clears away what a killed run left, makes $work
  local parent=${1:-/} name=$2 left gate fd probe=${1:-/}
  while [[ ! -e $probe ]]; do
    made_parents=("$probe" "${made_parents[@]}") probe=${probe%/*}
    probe=${probe:-/}
  done
  if ((${#made_parents[@]})); then attempt 6 "make the folder $parent" mkdir -p -- "$parent"; fi
  [[ -d $parent ]] || die 6 "$parent is not a folder; $remedy"
  exec {gate}<"$parent"
  flock -w "$gate_seconds" "$gate" ||
    die 6 "$parent stays locked by another program; try again, or choose another --out"
  for left in "$parent/.$name.wolf-guard-"*; do
    exec {fd}<"$left"
    flock -n "$fd" || die 6 "another build.sh is working on $parent/$name; wait for it, or choose\
 another --out"
    put_back "$left" "$parent/$name"
    remove "$left"
    exec {fd}<&-
    say "removed $left, left by an interrupted run"
  done
  if [[ -d $parent/$name ]]; then
    exec {fd}<"$parent/$name"
    flock -n "$fd" || die 6 "the --then command of another run is at work in $parent/$name; wait\
 for it, or choose another --out"
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

begin_result() { # for the subcommands that make a folder: $out
  local tree changed entry
  remedy='choose another place with --out'
  out=$(realpath -m -- "$out")
  for tree in "${!dir[@]}"; do
    if overlap "$out" "${dir[$tree]}"; then
      die 6 "--out $out and the $tree tree ${dir[$tree]} lie in one another; the given tree is\
 never changed: choose another --out"
    fi
  done
  begin "${out%/*}" "${out##*/}"
  if [[ ! -e $out && ! -L $out ]]; then return; fi
  entry=("$out"/*)
  if [[ ! -d $out ]] || ((${#entry[@]})) && [[ ! -f $out/.wolf-guard ]]; then
    die 6 "$out is in the way, and build.sh did not make it; move it, or choose another --out"
  fi
  # The former result is replaced, but nobody's edits in it.
  if [[ -f $out/.wolf-guard ]] &&
    ! changed=$(cd -- "$out" && sha256sum --quiet -c .wolf-guard 2>/dev/null); then
    changed=${changed%%:*} changed=${changed#./}
    die 6 "$out has changes since build.sh made it (${changed:-a file is gone}); keep them with\
 build.sh refresh, or remove it"
  fi
}

check_space() { # DIR...: room for copies of these
  local have size path kib=$spare_kib
  if (($#)); then
    while read -r size path; do
      kib=$((kib + size))
    done < <(du -sk --exclude=.git -- "$@" 2>/dev/null)
  fi
  have=$(df -k --output=avail -- "$work")
  have=${have##*$'\n'}
  if ((have < kib)); then
    die 7 "no space for the copy in ${work%/*}: it needs $kib KiB, there are $((have)) KiB; free\
 some, or choose another place with --out"
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
