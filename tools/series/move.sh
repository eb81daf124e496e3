# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# A tree that is not the pinned one: each patch moves by a three-way merge of whole files. The three
# are the pinned file with the series up to this patch, the same with the patch, the tree's file.

declare -A moving=()    # tree -> where its pinned files come from: a folder, or its own "git"
declare -A state_of=()  # patch -> as is|moved|merged|already there|left out|in conflict
declare -A detail_of=() # patch -> more about it
applied=()              # the patches that the result has
solved=()               # those that a rebase which stopped has already
stop_at_conflict=''     # a rebase stops there, with the conflict in the files

make_folder() { # FILE: the folder that it is in; mostly it is there
  [[ -d ${1%/*} ]] || mkdir -p -- "${1%/*}"
}

pinned_source() { # TREE: prints it, if there is one
  local candidate
  for candidate in ${pinned:+"$pinned/$1" "$pinned"}; do
    if [[ -d $candidate ]] && is_pinned "$1" "$candidate"; then
      realpath -- "$candidate"
      return
    fi
  done
  if [[ -e ${dir[$1]}/.git && -n ${commit[$1]-} ]] &&
    plain_git -C "${dir[$1]}" cat-file -e "${commit[$1]}^{tree}" 2>/dev/null; then
    echo git
  fi
}

is_pinned() { # TREE DIR: has every pinned file
  local path sums=''
  for path in "${required_paths[@]}"; do
    if [[ $path != "$1"/* ]]; then continue; fi
    if [[ ${pin[$path]} == absent ]]; then
      if [[ -e $2/${path#*/} ]]; then return 1; fi
    else
      sums+="${pin[$path]}  ${path#*/}"$'\n'
    fi
  done
  [[ -z $sums ]] || (cd -- "$2" && sha256sum --quiet -c <<<"${sums%$'\n'}") >/dev/null 2>&1
}

lay_pinned() { # TREE: its pinned files to $work/pinned/TREE
  local tree=$1 path to=$work/pinned/$1
  mkdir -p -- "$to"
  for path in "${required_paths[@]}"; do
    if [[ $path != "$tree"/* || ${required[$path]} == absent ]]; then continue; fi
    path=${path#*/}
    make_folder "$to/$path"
    if [[ ${moving[$tree]} == git ]]; then
      plain_git -C "${dir[$tree]}" cat-file blob "${commit[$tree]}:$path" \
        >"$to/$path" 2>"$work/log" ||
        die 4 "$tree: ${dir[$tree]} has the pinned commit, but not its file $path (a partial\
 clone?): git fetch it, or give a pinned tree with --pinned DIR"
    else
      cp -- "${moving[$tree]}/$path" "$to/$path"
    fi
  done
  is_pinned "$tree" "$to" ||
    die 4 "$tree: the files of ${commit[$tree]} are not those of $pins; give a pinned tree with\
 --pinned DIR"
}

# The pinned files with the series on them. Each patch's states come from its quilt layout.
declare -A state_after=() # patch/path -> the file as that patch leaves it, in $work/pinned
make_states() {
  local tree i patch path kept=("${selected[@]}")
  declare -A next=()
  selected=()
  for patch in "${kept[@]}"; do
    if [[ -n ${moving[${patch%%/*}]-} ]]; then selected+=("$patch"); fi
  done
  for tree in "${!moving[@]}"; do lay_pinned "$tree"; done
  attempt 6 "lay the series out" lay_out "$work/pinned"
  push_series "$work/pinned"
  selected=("${kept[@]}")
  for ((i = ${#touched_by[@]} - 1; i >= 0; i--)); do
    IFS=$'\t' read -r patch _ path <<<"${touched_by[i]}"
    state_after[$patch/$path]=$work/pinned/${next[$path]-}$path
    next[$path]=.pc/$patch/
  done
}

# One file of one patch. -> $work/merged/PATH (none when the patch removes it); status 1: a conflict
merge_file() { # TREE-COPY PATCH KIND PATH
  local ours=$1/$4 base=$work/pinned/.pc/$2/$4 theirs=${state_after[$2/$4]}
  local to=$work/merged/$4 optional
  make_folder "$to"
  case $3 in
  add)
    if [[ -e $ours ]] && ! cmp -s -- "$ours" "$theirs"; then
      why="the tree has its own ${4#*/}"
      return 1
    fi
    cp -- "$theirs" "$to"
    ;;
  remove)
    if [[ -e $ours ]] && ! cmp -s -- "$ours" "$base"; then
      why="${4#*/} is removed by the patch and changed in the tree"
      return 1
    fi
    ;;
  *)
    if [[ ! -f $ours ]]; then
      why="the tree has no ${4#*/}"
      return 1
    fi
    if git merge-file -p --diff3 -L "${dir[${4%%/*}]}" -L pinned -L "$2" "$ours" "$base" "$theirs" \
      >"$to" 2>"$work/log"; then return; fi
    optional=${optional_in[$2/$4]-}
    if [[ $optional ]] && grep -q -E -e "$optional" -- "$ours"; then optional=''; fi
    if awk -v optional="$optional" -v rewrites="${rewrites_in[$2/$4]-}" \
      -f "$here/tools/series/adjacent.awk" "$to" >"$to.solved" 2>"$work/log"; then
      mv -- "$to.solved" "$to"
      near=yes
      if [[ -s $work/log ]]; then lacking=$((lacking + $(<"$work/log"))); fi
      return
    fi
    rm -f -- "$to.solved"
    why="${4#*/}: $(grep -c '^<<<<<<< ' "$to") place(s)"
    return 1
    ;;
  esac
}

# Files of the tree that are not what the pinned ones are at this point of the series. A patch that
# touches none of them needs no merge.
declare -A differs=()
note_differing() { # [PATCH]: at the beginning the tree's own; then those of a patch that is not in
  local path line
  if (($# == 0)); then
    for path in "${required_paths[@]}"; do
      if [[ ${digest[$path]-} != "${pin[$path]-}" ]]; then differs[$path]=yes; fi
    done
    return
  fi
  for line in "${touched_by[@]}"; do
    if [[ $line == "$1"$'\t'* ]]; then differs[${line##*$'\t'}]=yes; fi
  done
}
fits() { # PATCH
  local line
  for line in "${touched_by[@]}"; do
    if [[ $line == "$1"$'\t'* && ${differs[${line##*$'\t'}]-} ]]; then return 1; fi
  done
}
apply_as_is() { # DIR PATCH
  local own=("${selected[@]}")
  selected=("$2")
  push_series "$1"
  selected=("${own[@]}")
  applied+=("$2")
}

move_one() { # DIR PATCH: on the copy in DIR; status 1 and $why: it does not fit, DIR is as before
  local top=$1 patch=$2 line kind path near='' lacking=0 conflicts=()
  why=''
  remove "$work/merged"
  for line in "${touched_by[@]}"; do
    if [[ $line != "$patch"$'\t'* ]]; then continue; fi
    IFS=$'\t' read -r _ kind path <<<"$line"
    merge_file "$top" "$patch" "$kind" "$path" || conflicts+=("$why")
  done
  if ((${#conflicts[@]})); then
    printf -v why '%s; ' "${conflicts[@]}"
    why=${why%; }
    return 1
  fi
  take_merged "$top" "$patch"
  if ((lacking)); then
    lacking_in[$patch]=$lacking detail_of[$patch]="$lacking place(s) are not in this tree"
  elif [[ $near ]]; then
    detail_of[$patch]='beside a changed line'
  fi
}

take_merged() { # DIR PATCH: what merge_file has made, into the copy and its quilt layout
  local top=$1 patch=$2 line kind path
  for line in "${touched_by[@]}"; do
    if [[ $line != "$patch"$'\t'* ]]; then continue; fi
    IFS=$'\t' read -r _ kind path <<<"$line"
    make_folder "$top/.pc/$patch/$path"
    make_folder "$top/$path"
    if [[ -e $top/$path ]]; then
      cp -p -- "$top/$path" "$top/.pc/$patch/$path"
    else
      : >"$top/.pc/$patch/$path"
    fi
    if [[ ! -e $work/merged/$path ]]; then
      if [[ $kind == remove && -z $why ]]; then rm -f -- "$top/$path"; fi
    elif [[ -e $top/$path ]]; then
      cat -- "$work/merged/$path" >"$top/$path" # the file keeps its mode
    else
      cp -- "$work/merged/$path" "$top/$path"
    fi
  done
  : >"$top/.pc/$patch/.timestamp"
  echo "$patch" >>"$top/.pc/applied-patches"
}

# Which hunks a moved patch has, against those that it had: writes state and detail of each.
compare_patches() { # DIR-OF-NEW
  local patch state detail files=()
  for patch in "${applied[@]}"; do
    if [[ -e $1/$patch ]]; then files+=("${file_of[$patch]}" "$1/$patch"); fi
  done
  if ((${#files[@]} == 0)); then return; fi
  while IFS=$'\t' read -r patch state detail; do
    state_of[$patch]=$state
    detail_of[$patch]=${detail_of[$patch]-}${detail_of[$patch]:+${detail:+, }}$detail
  done < <(awk '
    function finish() {
      if (FILENAME == "" || !second) return
      if (!hunks[2]) state = "already there"
      else if (text[1] != text[2]) state = "merged"
      else {
        state = "as is"; moved = 0; least = most = 0
        for (i = 1; i <= hunks[2]; i++) {
          by = place[2, i] - place[1, i]
          if (!by) continue
          if (!moved || by < least) least = by
          if (!moved || by > most) most = by
          moved++
        }
        if (moved) state = "moved"
      }
      printf "%s\t%s\t", patch, state
      if (state == "moved") printf "%d of %d hunks by %+d", moved, hunks[2], least
      if (state == "moved" && most != least) printf " to %+d", most
      print ""
    }
    FNR == 1 {
      which = NR == 1 || second ? 1 : 2
      if (which == 1) { finish(); second = 0; text[1] = text[2] = ""; hunks[1] = hunks[2] = 0 }
      else { second = 1; n = split(FILENAME, part, "/"); patch = part[n - 1] "/" part[n] }
      body = 0
    }
    /^--- [^ ]/ { body = 1 }
    !body { next }
    /^@@ / {
      place[which, ++hunks[which]] = substr($2, 2) + 0
      text[which] = text[which] "@@\n"
      next
    }
    { text[which] = text[which] $0 "\n" }
    END { finish() }
  ' "${files[@]}")
}

series_on() { # DIR: applies the selected patches to the copies there, moving where it has to
  local top=$1 patch lines new=$work/rewritten files=() own=()
  if ((${#moving[@]} == 0)); then
    push_series "$top"
    applied=("${selected[@]}")
    return
  fi
  make_states
  note_differing
  for patch in "${selected[@]}"; do
    if [[ $only == core && -z ${core_patch[$patch]-} ]]; then
      left_out_for[$patch]='not of the core'
    fi
  done
  for patch in "${selected[@]}"; do
    if [[ -z ${moving[${patch%%/*}]-} ]]; then
      apply_as_is "$top" "$patch"
    elif [[ -n ${left_out_for[$patch]-} ]]; then
      state_of[$patch]='left out' detail_of[$patch]=${left_out_for[$patch]}
      note_differing "$patch"
    elif [[ " ${solved[*]} " == *" $patch "* ]]; then
      applied+=("$patch")
      note_differing "$patch"
    elif fits "$patch"; then
      apply_as_is "$top" "$patch"
      state_of[$patch]='as is'
    elif move_one "$top" "$patch"; then
      applied+=("$patch")
    else
      state_of[$patch]='in conflict' detail_of[$patch]=$why
      note_differing "$patch"
      conflict "$patch"
      if [[ $stop_at_conflict ]]; then
        take_merged "$top" "$patch"
        return
      fi
    fi
  done
  files_of_patches "$top" "${applied[@]}"
  for patch in "${applied[@]}"; do
    if [[ ${state_of[$patch]-} != 'as is' ]]; then files+=("${file_of[$patch]}"); fi
  done
  if ((${#files[@]})); then
    write_headers plain "$new" "${files[@]}"
    write_diffs 0 "$top" "$new" '' lines
    compare_patches "$new"
  fi
  own=("${applied[@]}") applied=()
  for patch in "${own[@]}"; do
    if [[ ${state_of[$patch]-} == 'already there' ]]; then # an empty patch is none
      rm -rf -- "$top/.pc/$patch" "$top/patches/$patch"
      if [[ -n ${lacking_in[$patch]-} ]]; then state_of[$patch]='not needed'; fi
    else
      applied+=("$patch")
      if [[ -e $new/$patch ]]; then mv -- "$new/$patch" "$top/patches/$patch"; fi
    fi
  done
  printf '%s\n' "${applied[@]}" | tee -- "$top/patches/series" >"$top/.pc/applied-patches"
}

declare -A left_out_for=() # patch -> why it is left out
declare -A lacking_in=()  # patch -> in how many places the tree has no such code
conflict() { # PATCH: the run ends, or goes on without it and all that depends on it
  local other need depends
  if [[ -z $keep_going ]]; then return; fi
  for other in "${selected[@]}"; do
    for need in ${depends_of[$other]-}; do
      if [[ $need == "$1" || -n ${left_out_for[$need]-} ]]; then
        left_out_for[$other]="needs ${1#*/}"
      fi
    done
  done
}

table() { # what became of each patch that had to move
  local patch tree before after
  for tree in "${!moving[@]}"; do
    if [[ ${moving[$tree]} != git ]]; then continue; fi
    read -r before after < <(plain_git -C "${dir[$tree]}" rev-list --left-right --count \
      "${commit[$tree]}...HEAD")
    echo "  $tree: HEAD is $after commits after and $before before the pinned one"
  done
  for patch in "${selected[@]}"; do
    if [[ -z ${state_of[$patch]-} ]]; then continue; fi
    printf '  %-52s %s%s\n' "$patch" "${state_of[$patch]}" \
      "${detail_of[$patch]:+ (${detail_of[$patch]})}"
  done
}

check_moved() { # after series_on: a conflict ends the run; with --keep-going, one of the core does
  local patch bad='' core=''
  if ((${#moving[@]} == 0)); then return; fi
  for patch in "${selected[@]}"; do
    case ${state_of[$patch]-} in
    'in conflict' | 'left out')
      if [[ ${detail_of[$patch]} == 'not of the core' ]]; then continue; fi
      bad+=" ${patch#*/}"
      if [[ -n ${core_patch[$patch]-} ]]; then core+=" ${patch#*/}"; fi
      ;;
    esac
  done
  if [[ -z $bad ]]; then return; fi
  if [[ -z $keep_going ]]; then
    die 8 "the series does not fit this tree as a whole; --keep-going leaves out what conflicts,\
 and docs/rebasing.md tells how to solve it:"$'\n'"$(table)"
  fi
  if [[ -n $core ]]; then
    die 8 "patches of the core are among what does not fit (${core# }), so the hang would stay:\
"$'\n'"$(table)"
  fi
  say "left out:${bad}; what they protect from is not protected from"
}
