# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# build.sh export: ordinary patches with context, a series per tree, for quilt, Debian or git am.

verify_export() { # TREE: applied as its reader would, on fresh files, it gives what the series gave
  local tree=$1 fresh=$work/fresh/$1 from=$work/export/$1 patch log files=()
  for patch in "${selected[@]}"; do
    if [[ $patch == "$tree"/* ]]; then files+=("$from/${patch#*/}"); fi
  done
  case $format in
  git)
    local -x EMAIL=wolf-guard@localhost
    log=$(cd -- "$fresh" && {
      plain_git init -q . && plain_git add -A &&
        plain_git -c user.name=w commit -q --allow-empty -m pinned &&
        plain_git -c user.name=w am -q -- "${files[@]}"
    } 2>&1) || true
    rm -rf -- "$fresh/.git"
    ;;
  *)
    log=$(cat -- "${files[@]}" |
      patch -d "$fresh" -p1 -f -F0 -E --no-backup-if-mismatch 2>&1) || true
    ;;
  esac
  if ! diff -r -q -- "$fresh" "$work/u0/$tree" >/dev/null 2>&1 ||
    grep -q '^Hunk .*offset\|^Hunk .*fuzz' <<<"$log"; then
    die 8 "the $format export of $tree does not give what the series gives; please report it:\
"$'\n'"$log"
  fi
}

subcommand_export() {
  local tree patch files place lines
  out=${out:-$here/out/$format}
  case $format in
  quilt | debian) prepare ;;
  git) prepare git ;;
  *) die 2 "export needs --format quilt, debian or git" ;;
  esac
  check_space
  attempt 6 "copy the touched files" copy_touched "$work/u0"
  attempt 6 "copy the touched files" cp -a -- "$work/u0" "$work/fresh"
  attempt 6 "lay the series out" lay_out "$work/u0"
  series_on "$work/u0"
  check_moved
  check_rules "$work/u0"
  selected=("${applied[@]}")
  if ((${#selected[@]} == 0)); then
    die 8 "$series has no patch for the given trees, so there is nothing to export"
  fi
  selected_files
  write_headers "$format" "$work/export" "${files[@]}"
  files_of_patches "$work/u0" "${selected[@]}"
  write_diffs 3 "$work/u0" "$work/export" tree lines
  for tree in "${!dir[@]}"; do
    verify_export "$tree"
    case $format in
    quilt) place=$work/result/$tree/patches ;;
    debian) place=$work/result/$tree/debian/patches ;;
    git) place=$work/result/$tree ;;
    esac
    mkdir -p -- "${place%/*}"
    mv -- "$work/export/$tree" "$place"
    if [[ $format == git ]]; then continue; fi
    for patch in "${selected[@]}"; do
      if [[ $patch == "$tree"/* ]]; then echo "${patch#*/}"; fi
    done >"$place/series"
  done
  finish_result
  table
  echo "${#selected[@]} patches exported and checked: $out"
}
