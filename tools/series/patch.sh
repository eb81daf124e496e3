# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# build.sh patch: a patched copy of the trees, and the packager's own command in it.

prepare() { # TOOL...: what patch and export have in common, up to the checked trees
  local tree
  need patch flock diff awk find xargs sha256sum cp mktemp du df "$@"
  read_pins
  choose_trees
  if [[ -z $series_given ]]; then choose_bases; fi
  read_series
  check_pins
  begin_result
  for tree in "${!dir[@]}"; do
    check_tree "$tree"
    # Without some of its patches the rest of the series has other places.
    if [[ $only ]]; then moving["$tree"]=${moving[$tree]-${dir[$tree]}}; fi
  done
  if ((${#moving[@]})); then need git; fi
}

build_files() { # DIR -> $found: what the tree can be built with
  local file
  found=''
  for file in "$1"/{,*/,*/*/}{Dockerfile,*.Dockerfile,Containerfile} \
    "$1"/{CMakeLists.txt,meson.build}; do
    if [[ -f $file && $file != */.pc/* ]]; then found+="${found:+, }${file#"$1/"}"; fi
  done
}

subcommand_patch() {
  local tree found
  out=${out:-$here/out/patched}
  prepare
  check_space "${dir[@]}"
  for tree in "${!dir[@]}"; do
    attempt 6 "copy ${dir[$tree]}" copy_tree "${dir[$tree]}" "$work/result/$tree"
  done
  attempt 6 "lay the series out" lay_out "$work/result"
  series_on "$work/result"
  check_moved
  check_rules "$work/result"
  warn_of_new_sites "$work/result"
  finish_result

  echo "${#applied[@]} patches applied: $out"
  table
  for tree in "${trees[@]}"; do
    if [[ -z ${dir[$tree]-} ]]; then continue; fi
    tell_dirt "$tree"
    build_files "$out/$tree"
    echo "  $tree builds with: $found"
  done
  remove "$work"
  work=''
  if [[ -n $then_command ]]; then run_then; fi
}

run_then() { # in the background, so that a signal reaches it at once; with the terminal and locale
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
  if ((status)); then
    say "your command ended with status $status in $out, which is patched and complete"
  fi
  exit "$status"
}
