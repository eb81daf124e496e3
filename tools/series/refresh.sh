# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# build.sh refresh: patches/ rewritten, without context, from an edited work tree or a git branch.

take_series() { # LIST: its lines replace those of its trees in the series, if anything changed
  local tree line new=$work/series
  {
    sed -n '/^[^#]/q; p' "$series"
    for tree in "${trees[@]}"; do
      grep "^$tree/" "$1" || grep "^$tree/" "$series" || true
    done
  } >"$new"
  if [[ $(grep -v '^#\|^$' "$new") == "$(grep -v '^#\|^$' "$series" || true)" ]]; then return; fi
  while IFS= read -r line; do
    if [[ -n $line && $line != '#'* ]]; then
      echo "$line: no longer in the series; its file stays until you remove it"
    fi
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
      mkdir -p -- "$patches/${name%/*}"
      attempt 7 "write $patches/$name" mv -- "$file" "$patches/$name"
      echo "$name: rewritten"
    fi
  done < <(find "$work/new" -type f -print0 | sort -z)
}

lost_edits() { # TOP: files with edits that belong to no patch
  local path
  (cd -- "$1" && { sha256sum --quiet -c .wolf-guard 2>/dev/null || true; }) |
    while IFS= read -r path; do
      path=${path#./} path=${path%: FAILED*}
      if [[ ! $path =~ ^(wolf|gst-interpipe)/ ]]; then continue; fi
      local backups=("$1"/.pc/*/*.patch/"$path")
      if ((${#backups[@]} == 0)); then echo "  $path"; fi
    done
}

# The files of each applied patch: first those that it had, in its order, then new ones. -> $lines
files_of_patches() { # TOP PATCH...
  local top=$1 patch path known file
  shift
  declare -A seen=()
  lines=()
  known=()
  for patch; do
    if [[ -s $top/patches/$patch ]]; then known+=("$top/patches/$patch"); fi
  done
  mapfile -t known < <(if ((${#known[@]})); then touched "${known[@]}"; fi)
  mapfile -t file < <(cd -- "$top/.pc" &&
    find . -type f -path './*/*.patch/*' ! -name .timestamp | sort)
  for patch; do
    for path in "${known[@]}"; do
      if [[ $path != "$patch"$'\t'* ]]; then continue; fi
      path=${path##*$'\t'}
      if [[ -e $top/.pc/$patch/$path ]]; then
        lines+=("$patch"$'\t-\t'"$path") seen[$patch/$path]=1
      fi
    done
    for path in "${file[@]}"; do
      if [[ $path != "./$patch/"* ]]; then continue; fi
      path=${path#"./$patch/"}
      if [[ -z ${seen[$patch/$path]-} ]]; then lines+=("$patch"$'\t-\t'"$path"); fi
    done
  done
}

refresh_quilt() { # TOP: a work tree that build.sh patch made, edited with quilt or without
  local top=$1 applied lost patch lines headers=()
  [[ -s $top/.pc/applied-patches ]] ||
    die 4 "no patch is applied in $top; push them (quilt --quiltrc patches/quiltrc push -a)"
  mapfile -t applied <"$top/.pc/applied-patches"
  if [[ -f $top/.wolf-guard ]]; then
    lost=$(trap - ERR; lost_edits "$top")
    [[ -z $lost ]] || die 8 "edited in $top, but in no patch (revert the edit, quilt add -P PATCH\
 FILE, edit again):"$'\n'"$lost"
  fi
  files_of_patches "$top" "${applied[@]}"
  for patch in "${applied[@]}"; do
    if [[ -e $top/patches/$patch ]]; then headers+=("$top/patches/$patch"); fi
  done
  write_headers plain "$work/new" "${headers[@]}"
  write_diffs 0 "$top" "$work/new" '' lines
  sed 's/[ \t].*//; /^#/d; /^$/d' "$top/patches/series" >"$work/list"
}

refresh_commit() { # TREE DIR COMMIT NAME: one commit becomes one patch
  local tree=$1 top=$2 id=$3 name=$4 path known files
  header "$patches/$tree/$name" >"$work/new/$tree/$name"
  # Files in the order that the patch had them, so that a refresh without a change changes nothing.
  mapfile -t known < <(touched "$patches/$tree/$name" | cut -f3 | sed "s|^$tree/||")
  mapfile -t -d '' files < <(plain_git -C "$top" diff-tree -r -z --no-renames --no-commit-id \
    --name-only "$id^" "$id")
  while IFS= read -r path; do
    plain_git -C "$top" show "$id^:$path" >"$work/before" 2>/dev/null || : >"$work/before"
    plain_git -C "$top" show "$id:$path" >"$work/after" 2>/dev/null || rm -- "$work/after"
    diff_file 0 "$work/before" "$work/after" "$tree/$path" >>"$work/new/$tree/$name"
  done < <(printf '%s\n' "${known[@]}" "${files[@]}" |
    grep -F -x -f <(printf '%s\n' "${files[@]}") | awk '!seen[$0]++')
}

refresh_git() { # TREE DIR: one commit a patch since --base, each with "Wolf-Guard-Patch: NAME"
  local tree=$1 top=$2 from=${base:-${commit[$1]-}} id name
  plain_git -C "$top" rev-parse -q --verify "$from^{commit}" >/dev/null 2>&1 ||
    die 4 "$top has no commit $from; name the one that your branch starts from with --base COMMIT"
  # A file that is merely missing (a partial clone, a sparse checkout) holds no edit.
  [[ -z $(plain_git -C "$top" diff --name-only --diff-filter=d HEAD) ]] ||
    die 4 "$top has uncommitted changes; commit or stash them"
  [[ -z $(plain_git -C "$top" rev-list --merges "$from..HEAD") ]] ||
    die 4 "$top has merges since $from; make it one line with git rebase"
  : >"$work/list"
  mkdir -p -- "$work/new/$tree"
  for id in $(plain_git -C "$top" rev-list --reverse "$from..HEAD"); do
    name=$(plain_git -C "$top" show -s --format=%B "$id" |
      sed -n 's/^Wolf-Guard-Patch: *//p' | tail -n 1)
    [[ $name =~ ^[A-Za-z0-9._-]+\.patch$ ]] || die 8 "commit $id has no line \"Wolf-Guard-Patch:\
 NAME.patch\" in its message; add one with git rebase -i"
    [[ -f $patches/$tree/$name ]] || die 8 "commit $id is to be $tree/$name, which does not exist;\
 write its DEP-3 header there first"
    if grep -q -F -x -- "$tree/$name" "$work/list"; then
      die 8 "two commits are to be $tree/$name; squash them, or rename one"
    fi
    echo "$tree/$name" >>"$work/list"
    refresh_commit "$tree" "$top" "$id" "$name"
  done
  [[ -s $work/list ]] || die 4 "$top has no commits since $from; git am the exported series first"
}

subcommand_refresh() {
  local tree top
  need patch flock diff awk find sha256sum mktemp cmp git
  read_pins
  ((${#base_of[@]} == 0)) ||
    die 2 "the patches of this base are made from the main series; refresh that one instead"
  if ((${#dir[@]} == 0)); then dir[wolf]=$here/out/patched; fi
  choose_trees
  begin "${patches%/*}" patches
  for tree in "${!dir[@]}"; do
    top=${dir[$tree]}
    if [[ ! -d $top/.pc && -d ${top%/*}/.pc ]]; then top=${top%/*}; fi
    if [[ -d $top/.pc ]]; then
      refresh_quilt "$top"
    elif is_checkout "$top"; then
      refresh_git "$tree" "$top"
    else
      die 4 "$top is neither a work tree of build.sh patch (no .pc) nor a git checkout; give one of\
 these"
    fi
    cat -- "$work/list" >>"$work/lists"
  done
  take_patches
  awk '!seen[$0]++' "$work/lists" >"$work/list"
  take_series "$work/list"
}
