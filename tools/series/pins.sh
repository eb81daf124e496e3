# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# upstream.pins: what the series is cut against.

declare -A pin=() # tree/path -> SHA-256, or "absent"
declare -A base_of=() # tree -> the pins of its base, when it is not the main pin's
declare -A url=() branch=() commit=() # by tree

published() { # TREE
  if [[ -z ${commit[$1]-} ]]; then echo "the commit that $pins names"; return; fi
  echo "commit ${commit[$1]} of ${url[$1]-its repository}${branch[$1]:+ (branch ${branch[$1]})}"
}

read_pins() { # [FILE [TREE]]: the pins, or those of one tree's base in place of its own. What the
  # series adds must be absent from the base as well.
  local pins=${1-$pins} key value tree='' path digest
  [[ -r $pins ]] || die 8 "$pins cannot be read; name the pins with --pins FILE"
  if (($# > 1)); then
    for path in "${!pin[@]}"; do
      if [[ $path == "$2"/* && ${pin[$path]} != absent ]]; then unset 'pin[$path]'; fi
    done
  fi
  while read -r key value; do
    if [[ $key$value == *$'\r' ]]; then
      die 8 "$pins has CRLF line ends; check this repository out with core.autocrlf=false"
    fi
    case $key in
    tree)
      tree=$value
      if [[ $pins == "$here"/bases/* ]]; then base_of[$tree]=$pins; fi
      ;;
    url) url[$tree]=$value ;;
    branch) branch[$tree]=$value ;;
    commit) commit[$tree]=$value ;;
    sha256)
      digest=${value%% *} path=${value#* }
      pin[$tree/${path# }]=$digest
      ;;
    absent) pin[$tree/$value]=absent ;;
    without | extra) base_of[$tree]=$pins ;;
    '' | '#'*) ;;
    *) die 8 "$pins: \"$key\" is no keyword; its header says which there are" ;;
    esac
  done <"$pins"
}

take_base() { # TREE BASE HOW
  read_pins "${2}upstream.pins" "$1"
  local name=${2%/}
  if [[ $3 == has_all ]]; then
    echo "$1: ${dir[$1]} is close to what bases/${name##*/} is cut against"
  else
    echo "$1: ${dir[$1]} is what bases/${name##*/} is cut against"
  fi
}

digests_in() { # TREE PINS
  sed -n "/^tree $1\$/,/^tree /s/^sha256 //p" "$2"
}
has_exactly() { # TREE PINS
  (cd -- "${dir[$1]}" && digests_in "$1" "$2" | sha256sum --quiet -c) >/dev/null 2>&1
}
has_all() { # TREE PINS: in whatever state
  local path
  while read -r _ path; do [[ -e ${dir[$1]}/$path ]] || return 1; done < <(digests_in "$1" "$2")
}

# A tree that is exactly another base's gets that base's pins and series. So does a tree without
# some of the main pin's files when it has all of a base's: it moves from there.
choose_bases() {
  local tree base is
  for tree in "${!dir[@]}"; do
    if has_exactly "$tree" "$pins"; then continue; fi
    for is in has_exactly has_all; do
      if [[ $is == has_all ]] && has_all "$tree" "$pins"; then continue; fi
      for base in "$here"/bases/*/; do
        if ! grep -q -x "tree $tree" "${base}upstream.pins" ||
          ! "$is" "$tree" "${base}upstream.pins"; then continue; fi
        take_base "$tree" "$base" "$is"
        continue 3
      done
    done
  done
}

check_pins() { # the pins know every file that the series touches
  local path
  for path in "${required_paths[@]}"; do
    case ${required[$path]},${pin[$path]-} in
    absent,absent | sha256,????????????????????????????????????????????????????????????????) ;;
    *) die 8 "the series touches $path, and $pins has no \"${required[$path]}\" line for it; run\
 build.sh pins with the pinned tree" ;;
    esac
  done
}

digest_lines() { # TREE: for the pins
  local path found
  for path in "${required_paths[@]}"; do
    if [[ $path != "$1"/* ]]; then continue; fi
    found=${digest[$path]-unreadable} path=${path#*/}
    case ${required[$1/$path]},$found in
    absent,absent) echo "absent $path" ;;
    absent,*)
      die 4 "$1: the series adds $path, which ${dir[$1]} has already; give the pristine tree" ;;
    sha256,absent | sha256,unreadable)
      die 4 "$1: the series changes $path, which is $found in ${dir[$1]}; give the pristine tree" ;;
    *) echo "sha256 $found  $path" ;;
    esac
  done
}

write_pins() { # LINES HEADS (names of arrays by tree): $pins with these, on stdout
  local -n lines_of=$1 head_of=$2
  local line key value tree=-
  while IFS= read -r line; do
    read -r key value <<<"$line" || true
    if [[ $key == tree ]]; then tree=$value; fi
    if [[ -z ${dir[$tree]-} || ! $key =~ ^(commit|sha256|absent)$ ]]; then
      echo "$line"
    elif [[ $key == commit ]]; then
      echo "commit ${head_of[$tree]}"
      if [[ -n ${lines_of[$tree]} ]]; then echo "${lines_of[$tree]}"; fi
    fi
  done <"$pins"
}

subcommand_pins() {
  local tree files
  declare -A lines=() head=()
  need awk flock sha256sum mktemp git
  read_pins
  choose_trees
  read_series
  for tree in "${!dir[@]}"; do
    [[ -n ${commit[$tree]-} ]] || die 8 "$pins has no section of $tree with a commit; write\
 \"tree $tree\", \"url …\" and \"commit …\" first"
    read_digests "$tree"
    lines[$tree]=$(trap - ERR; digest_lines "$tree") || exit $?
    head[$tree]=${commit[$tree]}
    if ! is_checkout "${dir[$tree]}"; then continue; fi
    mapfile -t files < <(sed -n 's/^sha256 [^ ]*  //p' <<<"${lines[$tree]}")
    ((${#files[@]} == 0)) || plain_git -C "${dir[$tree]}" diff --quiet HEAD -- "${files[@]}" ||
      die 4 "$tree: ${dir[$tree]} has local changes in files that the series touches; give the\
 pristine tree"
    head[$tree]=$(plain_git -C "${dir[$tree]}" rev-parse HEAD)
    if [[ ${head[$tree]} != "${commit[$tree]}" ]]; then
      echo "$tree: the pin moves from ${commit[$tree]} to ${head[$tree]}"
    fi
  done
  begin "${pins%/*}" "${pins##*/}"
  write_pins lines head >"$work/pins"
  if cmp -s -- "$work/pins" "$pins"; then
    echo "$pins: unchanged"
  else
    chmod --reference="$pins" -- "$work/pins"
    attempt 7 "write $pins" mv -- "$work/pins" "$pins"
    echo "$pins: rewritten"
  fi
}
