# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# Patches written and applied. A work tree has quilt's layout: .pc/PATCH/ holds each touched file as
# it was before that patch. So quilt works in it, and no run of build.sh needs quilt.

lay_out() { # DIR: the series and quilt's settings, as quilt expects them
  local patch main=() based=()
  mkdir -p -- "${trees[@]/#/$1/patches/}" "$1/.pc" "${selected[@]/#/$1/.pc/}"
  for patch in "${selected[@]}"; do
    case ${file_of[$patch]} in
    "$patches/$patch") main+=("$patch") ;;
    *) based+=("$patch") ;;
    esac
  done
  if ((${#main[@]})); then
    (cd -- "$patches" && exec cp -L --parents -- "${main[@]}" "$1/patches")
  fi
  if ((${#based[@]})); then
    (cd -- "$moved" && exec cp --parents -- "${based[@]}" "$1/patches")
  fi
  cp -- "$here/quiltrc" "$1/patches/quiltrc"
  printf '%s\n' "${selected[@]}" >"$1/patches/series"
  echo 2 >"$1/.pc/.version"
  echo patches >"$1/.pc/.quilt_patches"
  echo series >"$1/.pc/.quilt_series"
}

apply_one() { # DIR PATCH FILE: as quilt push --fuzz=0 does; the log is $work/log
  TMPDIR=$work patch -d "$1" -p1 -f -F0 -E --backup --prefix=".pc/$2/" --reject-file=- \
    --input="$3" >"$work/log" 2>&1
}

# Lines of patch's log that say more than a file's name. "patching file …" names a file and says
# nothing about its hunks.
apply_log() { grep -v '^patching file ' "$work/log" | head -n 20 || true; }

push_series() { # DIR
  local patch line
  for patch in "${selected[@]}"; do
    if ! apply_one "$1" "$patch" "${file_of[$patch]}"; then
      if [[ $(<"$work/log") == *'No space left'* ]]; then
        die 7 "no space while $patch was applied; free some, or choose another place with --out"
      fi
      die 8 "$patch does not apply, although every touched file is the pinned one; series and $pins\
 do not belong together:"$'\n'"$(apply_log)"
    fi
    while IFS= read -r line; do
      if [[ $line != 'patching file '* && ${line,,} == *@(offset|fuzz)* ]]; then
        die 8 "$patch applies only beside its place (patch says so below); series and $pins do not\
 belong together:"$'\n'"$(apply_log)"
      fi
    done <"$work/log"
    : >"$1/.pc/$patch/.timestamp"
    echo "$patch" >>"$1/.pc/applied-patches"
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

# The patches of a work tree as diffs, appended to TO/PATCH. LINES: "PATCH TAB KIND TAB PATH", in
# order; STRIP: "tree" leaves the tree's name out of the paths. Only patches whose head is in TO.
write_diffs() { # CONTEXT TOP TO STRIP LINES (name of an array)
  local context=$1 top=$2 to=$3 strip=$4 i patch path after name
  local -n lines_in=$5
  declare -A next=()
  local -a afters=()
  # From the end: what a patch leaves is what the next patch of the same file found.
  for ((i = ${#lines_in[@]} - 1; i >= 0; i--)); do
    IFS=$'\t' read -r patch _ path <<<"${lines_in[i]}"
    after=$top/$path
    if [[ -n ${next[$path]-} ]]; then
      after=$top/.pc/${next[$path]}/$path
      if [[ ! -s $after ]]; then after=$to/none; fi
    fi
    afters[i]=$after
    next[$path]=$patch
  done
  for i in "${!lines_in[@]}"; do
    IFS=$'\t' read -r patch _ path <<<"${lines_in[i]}"
    if [[ ! -e $to/$patch ]]; then continue; fi
    name=$path
    if [[ $strip == tree ]]; then name=${path#*/}; fi
    diff_file "$context" "$top/.pc/$patch/$path" "${afters[i]}" "$name" >>"$to/$patch" ||
      die 7 "cannot write $to/$patch; free some space, or choose another place with --out"
  done
}
