# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# The trees that a caller brings: found, checked against the pins, copied, never written to.

readonly trees=(wolf gst-interpipe)
declare -A dir=()    # tree -> where the caller has it
declare -A digest=() # tree/path -> SHA-256, absent or unreadable, of the required paths
shown_files=8        # how many files a refusal names

plain_git() { # git without anybody's settings, and without a write into a tree
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

choose_trees() { # the given ones; with none given, what lies at the default places
  local tree path from=$PWD
  if ((${#dir[@]} == 0)); then
    dir[wolf]=$here/upstream/wolf
    path=$here/upstream/gst-interpipe
    if [[ -d $path ]]; then dir[gst-interpipe]=$path; fi
  fi
  for tree in "${!dir[@]}"; do
    path=${dir[$tree]}
    if [[ ! -d $path ]]; then
      die 3 "$tree: there is no tree at $path; bring $(published "$tree"), and name its folder\
 with --${tree#gst-}"
    fi
    if [[ ! -r $path || ! -x $path ]]; then
      die 3 "$tree: $path cannot be read; check its permissions"
    fi
    if [[ -f $path/HEAD && -d $path/objects && -d $path/refs && ! -e $path/.git ]]; then
      die 3 "$tree: $path is a bare repository, without files; make a checkout with:\
 git -C '$path' worktree add FOLDER ${commit[$tree]-COMMIT}"
    fi
    cd -P -- "$path"
    dir[$tree]=$PWD
    cd -- "$from"
  done
}

read_digests() { # TREE
  local path sum files=()
  for path in "${required_paths[@]}"; do
    if [[ $path != "$1"/* ]]; then continue; fi
    digest[$path]=unreadable path=${path#*/}
    if [[ -f ${dir[$1]}/$path ]]; then
      files+=("$path")
    elif [[ ! -e ${dir[$1]}/$path && ! -L ${dir[$1]}/$path ]]; then
      digest[$1/$path]=absent
    fi
  done
  if ((${#files[@]} == 0)); then return; fi
  while read -r sum path; do digest[$1/$path]=$sum; done < <(
    cd -- "${dir[$1]}" && exec sha256sum -- "${files[@]}" 2>/dev/null
  )
}

check_links() { # TREE: a patch would write through a symbolic link, maybe to outside of the copy
  local path part
  for path in "${required_paths[@]}"; do
    if [[ $path != "$1"/* ]]; then continue; fi
    part=${path#*/}
    while :; do
      if [[ -L ${dir[$1]}/$part ]]; then
        die 4 "$1: $part in ${dir[$1]} is a symbolic link, and the series touches ${path#*/}; give\
 a tree with the file itself"
      fi
      if [[ $part != */* ]]; then break; fi
      part=${part%/*}
    done
  done
}

# Undoes the series on copies of the touched files. What comes out is the pinned state exactly if
# the whole series, or its first patches, had been applied. -> how many patches are in the tree
applied_patches() { # TREE
  local tree=$1 scratch=$work/undo path count patches_in=() files i sums
  for path in "${selected[@]}"; do if [[ $path == "$tree"/* ]]; then patches_in+=("$path"); fi; done
  for ((count = ${#patches_in[@]}; count > 0; count--)); do
    remove "$scratch"
    mkdir -p -- "$scratch/$tree"
    files=()
    for path in "${required_paths[@]}"; do
      if [[ $path == "$tree"/* && -f ${dir[$tree]}/${path#*/} ]]; then files+=("${path#*/}"); fi
    done
    (cd -- "${dir[$tree]}" && cp --parents -- "${files[@]}" "$scratch/$tree")
    files=()
    for ((i = count - 1; i >= 0; i--)); do files+=("${file_of[${patches_in[i]}]}"); done
    if ! cat -- "${files[@]}" | patch -d "$scratch" -R -p1 -f -s -F0 -r - --no-backup-if-mismatch \
      >/dev/null 2>&1; then continue; fi
    sums=''
    for path in "${required_paths[@]}"; do
      if [[ $path != "$tree"/* ]]; then continue; fi
      if [[ ${pin[$path]} == absent ]]; then
        if [[ -e $scratch/$path ]]; then continue 2; fi
      else
        sums+="${pin[$path]}  $path"$'\n'
      fi
    done
    if [[ -z $sums ]] ||
      (cd -- "$scratch" && sha256sum --quiet -c) <<<"${sums%$'\n'}" >/dev/null 2>&1; then
      echo "$count of ${#patches_in[@]}"
      return
    fi
  done
}

adds_are_there() { # TREE: worth a try whether it is patched?
  local path none=yes
  for path in "${required_paths[@]}"; do
    if [[ $path != "$1"/* || ${required[$path]} != absent ]]; then continue; fi
    none=
    if [[ ${digest[$path]} != absent ]]; then return; fi
  done
  [[ $none ]]
}

only_line_ends() { # TREE PATH...: all of them are the pinned files but for CRLF
  local tree=$1 path sum
  shift
  for path; do
    if [[ ${digest[$tree/$path]} == absent || ${pin[$tree/$path]} == absent ]]; then return 1; fi
    sum=$(tr -d '\r' <"${dir[$tree]}/$path" | sha256sum)
    if [[ ${sum%% *} != "${pin[$tree/$path]}" ]]; then return 1; fi
  done
}

is_other_tree() { # TREE: nothing of it is there, and what the pins know of the other one is
  local path other=wolf mine=0 others=0
  if [[ $1 == wolf ]]; then other=gst-interpipe; fi
  for path in "${!pin[@]}"; do
    if [[ ${pin[$path]} == absent ]]; then continue; fi
    if [[ $path == "$1"/* && -e ${dir[$1]}/${path#*/} ]]; then mine=$((mine + 1)); fi
    if [[ $path == "$other"/* && -e ${dir[$1]}/${path#*/} ]]; then others=$((others + 1)); fi
  done
  ((others > mine))
}

where_head_is() { # TREE: of a checkout without the pinned commit
  local tree=$1 head
  if ! is_checkout "${dir[$tree]}"; then return; fi
  head=$(plain_git -C "${dir[$tree]}" rev-parse -q --verify HEAD 2>/dev/null) || return 0
  printf '\n%s' "Its HEAD is $head"
  if [[ $(plain_git -C "${dir[$tree]}" rev-parse --is-shallow-repository) == true ]]; then
    printf '%s' ". It is a shallow clone without the pinned commit: git fetch origin\
 ${commit[$tree]-COMMIT} brings it."
  else
    printf '%s' ", and it does not have the pinned commit: git fetch brings it."
  fi
}

check_tree() { # TREE: every touched file is the pinned one, or the run ends with the reason
  local tree=$1 path list='' differ=() in_it source line
  check_links "$tree"
  read_digests "$tree"
  for path in "${required_paths[@]}"; do
    if [[ $path != "$tree"/* || ${digest[$path]} == "${pin[$path]}" ]]; then continue; fi
    differ+=("${path#*/}")
    if ((${#differ[@]} > shown_files)); then continue; fi
    list+=$'\n'"  ${path#*/}"$'\n'"    pinned ${pin[$path]}"$'\n'"    found  ${digest[$path]}"
  done
  if ((${#differ[@]} == 0)); then return; fi
  if ((${#differ[@]} > shown_files)); then
    list+=$'\n'"  and $((${#differ[@]} - shown_files)) more"
  fi
  if is_other_tree "$tree"; then
    die 4 "$tree: ${dir[$tree]} is the other tree; exchange --wolf and --interpipe"
  fi
  if only_line_ends "$tree" "${differ[@]}"; then
    die 4 "$tree: in ${dir[$tree]} ${#differ[@]} file(s) differ only in line ends (CRLF); check it\
 out with core.autocrlf=false"
  fi
  for path in "${differ[@]}"; do
    if [[ -f ${dir[$tree]}/$path ]] &&
      IFS= read -r -N 27 line <"${dir[$tree]}/$path" && [[ $line == 'version https://git-lfs.git' ]]
    then
      die 4 "$tree: $path in ${dir[$tree]} is only a pointer of Git LFS; bring the file:\
 git lfs pull"
    fi
  done
  if adds_are_there "$tree"; then
    in_it=$(trap - ERR EXIT; set +e; applied_patches "$tree")
    if [[ $in_it && ${in_it% of *} == "${in_it#* of }" ]]; then
      die 4 "$tree: ${dir[$tree]} is patched already; use it as it is, or give the pristine tree"
    elif [[ $in_it ]]; then
      die 4 "$tree: ${dir[$tree]} has the first $in_it patches; give the pristine tree"
    fi
  fi
  source=$(trap - ERR; pinned_source "$tree")
  if [[ $source ]]; then
    moving["$tree"]=$source
    return
  fi
  die 4 "$tree: in ${dir[$tree]} ${#differ[@]} file(s) that the series touches are not those of\
 $(published "$tree"):$list$(where_head_is "$tree")"$'\n'"Check that commit out; or, so that the\
 series moves to this tree by itself, give a git checkout that has it, or --pinned DIR with a\
 pristine copy of it."
}

tell_dirt() { # TREE: local changes outside of the series go into the copy
  local count
  if ! is_checkout "${dir[$1]}"; then return; fi
  count=$(plain_git -C "${dir[$1]}" status --porcelain 2>/dev/null | wc -l)
  if ((count)); then
    echo "$1: $count local change(s) in ${dir[$1]} outside of the series go into the copy"
  fi
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
  local tree path files
  for tree in "${!dir[@]}"; do
    mkdir -p -- "$1/$tree"
    files=()
    for path in "${required_paths[@]}"; do
      if [[ $path == "$tree"/* && -f ${dir[$tree]}/${path#*/} ]]; then files+=("${path#*/}"); fi
    done
    if ((${#files[@]})); then
      (cd -- "${dir[$tree]}" && exec cp --parents -- "${files[@]}" "$1/$tree")
    fi
  done
}
