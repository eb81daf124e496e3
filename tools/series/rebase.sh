# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# build.sh rebase: the series cut anew against other trees, patches/ and upstream.pins rewritten.

readonly rebase_note=.wolf-guard-rebase # in the work tree of one that stopped: how it was called

prepare_rebase() {
  local tree
  need patch flock diff awk find sha256sum cp mktemp git
  read_pins
  if [[ $go_on ]]; then resume_rebase; fi
  choose_trees
  read_series
  check_pins
  begin "${patches%/*}" patches
  for tree in "${!dir[@]}"; do check_tree "$tree"; done
  ((${#moving[@]})) || die 2 "the trees are the pinned ones already; there is nothing to move"
}

resume_rebase() { # takes up the arguments of the rebase that stopped
  local key value
  [[ -r $out/$rebase_note ]] || die 3 "no rebase has stopped in $out; name its folder with --out"
  while IFS=$'\t' read -r key value; do
    case $key in
    pinned) pinned=$value ;;
    *) dir["$key"]=$value ;;
    esac
  done <"$out/$rebase_note"
  mapfile -t solved <"$out/.pc/applied-patches"
  # Only the last one can have been left with a conflict.
  if grep -r -q '^<<<<<<< ' -- "$out"/{wolf,gst-interpipe} 2>/dev/null; then
    die 8 "conflicts are left in $out: $(cd -- "$out" &&
      grep -r -l '^<<<<<<< ' -- wolf gst-interpipe 2>/dev/null | paste -s -d ' '); solve them, and\
 say build.sh rebase --continue again"
  fi
}

stop_rebase() { # the work tree, with the conflict in it, to $out
  local tree patch last
  for patch in "${!state_of[@]}"; do
    if [[ ${state_of[$patch]} == 'in conflict' ]]; then last=$patch; fi
  done
  {
    for tree in "${!dir[@]}"; do printf '%s\t%s\n' "$tree" "${dir[$tree]}"; done
    if [[ $pinned ]]; then printf 'pinned\t%s\n' "$(realpath -- "$pinned")"; fi
  } >"$work/result/$rebase_note"
  if [[ -e $out ]]; then attempt 6 "remove the former $out" remove "$out"; fi
  mkdir -p -- "${out%/*}"
  attempt 6 "put the work tree at $out" mv -T -- "$work/result" "$out"
  table
  die 8 "$last does not fit ($why). Solve the <<<<<<< places in $out, which has the series up to\
 it, then: ./build.sh rebase --continue --out '$out'"
}

date_headers() { # patches with another body get today's date
  local patch
  for patch in "${applied[@]}"; do
    if [[ ${state_of[$patch]-as is} != 'as is' ]]; then
      sed -i "1,/^--- /s/^Last-Update: .*/Last-Update: $(date -u +%F)/" "$work/new/$patch"
    fi
  done
}

subcommand_rebase() {
  local tree patch lines files=()
  out=$(realpath -m -- "${out:-$here/out/rebase}")
  prepare_rebase
  if [[ -z $check ]]; then stop_at_conflict=yes; fi
  if [[ $go_on ]]; then
    cp -a -- "$out" "$work/result"
  else
    for tree in "${!dir[@]}"; do
      attempt 6 "copy ${dir[$tree]}" copy_tree "${dir[$tree]}" "$work/result/$tree"
    done
    attempt 6 "lay the series out" lay_out "$work/result"
  fi
  series_on "$work/result"
  for patch in "${selected[@]}"; do
    if [[ ${state_of[$patch]-} == 'in conflict' ]]; then
      if [[ -z $check ]]; then stop_rebase; fi
      table
      die 8 "the series does not fit as a whole"
    fi
  done
  check_rules "$work/result"
  table
  if [[ $check ]]; then
    echo "the series fits: ./build.sh rebase with the same trees rewrites it"
    return
  fi
  take_rebased
}

take_rebased() { # patches/, series and upstream.pins, once everything is there
  local tree given=()
  mkdir -p -- "${trees[@]/#/$work/new/}"
  for patch in "${applied[@]}"; do cp -- "$work/result/patches/$patch" "$work/new/$patch"; done
  date_headers
  printf '%s\n' "${applied[@]}" >"$work/list"
  for tree in "${!dir[@]}"; do given+=("--${tree#gst-}" "${dir[$tree]}"); done
  take_patches
  take_series "$work/list"
  "$here/build.sh" pins "${given[@]}" --series "$series" --pins "$pins"
  if [[ -e $out/$rebase_note ]]; then remove "$out"; fi
  echo "Read git diff, then: ./build.sh embed --check; ctest -L series. For the commit's message:"
  for tree in "${!moving[@]}"; do echo "  Move the $tree series to $(head_of "$tree")"; done
}

head_of() { # TREE
  if is_checkout "${dir[$1]}"; then
    plain_git -C "${dir[$1]}" show -s --format='%h of %cs' HEAD
  else
    echo "${dir[$1]}; write its commit into $pins"
  fi
}
