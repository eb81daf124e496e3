# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# patches/rules: what a patch needs, whether it is of the core, and what its result must look like.

declare -A depends_of=() core_patch=() # by patch: the patches it needs; not empty if of the core
declare -A optional_in=()              # patch/path -> code that a tree may lack
declare -A rewrites_in=()              # patch/path -> other forms of code that the patch replaces
conditions=()                          # KIND TAB PATCH TAB COUNT TAB PATH TAB REGEX [TAB REGEX]

read_rules() { # those of patches/, and for a base's own patches those of the base
  local tree
  read_rules_file "$patches/rules"
  for tree in "${!base_of[@]}"; do read_rules_file "${base_of[$tree]%/*}/rules" yes; done
}

read_rules_file() { # FILE OF-BASE: of the selected patches; a series without such a file has none
  local rules=$1 key value section='' patch='' name count
  declare -A by_number=()
  if [[ ! -e $rules ]]; then return; fi
  for name in "${selected[@]}"; do
    value=${name#*/}
    by_number[${name%%/*}/${value:0:4}]=$name
  done
  while read -r key value; do
    if [[ -z $key || $key == '#'* ]]; then continue; fi
    if [[ $key == patch ]]; then
      section=$value patch=${by_number[$value]-}
      if [[ -z ${2-} && $patch ]] && own_of_base "$patch"; then patch=''; fi
      continue
    fi
    if [[ -z $patch ]]; then continue; fi
    case $key in
    core) core_patch[$patch]=yes ;;
    needs)
      for name in $value; do depends_of[$patch]+=" ${by_number[${section%/*}/$name]-?}"; done
      [[ ${depends_of[$patch]} != *'?'* ]] ||
        die 8 "$rules: $section needs a patch that $series lacks"
      ;;
    optional) optional_in[$patch/${patch%%/*}/${value%% *}]=${value#* } ;;
    rewrites) rewrites_in[$patch/${patch%%/*}/${value%% *}]=${value#* } ;;
    has | none | every | inside | inside\?)
      count=0
      if [[ $key == has ]]; then count=${value%% *} value=${value#* }; fi
      printf -v value '%s\t' "$key" "$patch" "$count" "${patch%%/*}/${value%% *}" "${value#* }"
      conditions+=("${value%$'\t'}")
      ;;
    *) die 8 "$rules: \"$key\" is no keyword; its header says which there are" ;;
    esac
  done <"$rules"
}

own_of_base() { # PATCH
  local pins=${base_of[${1%%/*}]-}
  [[ $pins && -e ${pins%/*}/$1 ]]
}

check_rules() { # DIR: the applied patches did what they are for
  local line kind patch count path regex files broken in_it=" ${applied[*]} "
  shopt -s globstar
  broken=$(for line in "${conditions[@]}"; do
    IFS=$'\t' read -r kind patch count path regex <<<"$line"
    if [[ $in_it != *" $patch "* ]]; then continue; fi
    # What the tree lacks, and what the patch therefore does not change, has no form.
    if [[ $kind == inside\? ]] &&
      ! grep -q -E -e "${optional_in[$patch/$path]}" -- "$1/$path"; then continue; fi
    case $path in
    */) files=("$1/$path"**/*.{c,cpp,hpp}) ;;
    *) files=("$1/$path") ;;
    esac
    printf '%s\t%s\t%s\t%s\n' "$kind" "$patch" "$count" "$regex"
    printf '\t%s\n' "${files[@]}"
  done | awk -F'\t' -v top="$1/" -f "$here/tools/series/rules.awk")
  shopt -u globstar
  if [[ $broken ]]; then
    die 8 "the patches apply, but the result is not what patches/rules asks for; this tree has code\
 that they do not know:"$'\n'"$broken"
  fi
}
