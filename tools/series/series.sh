# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# The series: which patches it has, what they touch, what their headers say.

selected=()            # the patches for the given trees, in order
declare -A file_of=()  # patch -> its file
touched_by=()          # patch TAB add|change|remove TAB path, in the patches' order
declare -A required=() # path -> sha256|absent: what must hold before the first patch
required_paths=()      # the same paths, sorted

read_series() { # a line is TREE/NAME.patch and nothing else, so no patch can bring options
  local line tree
  [[ -r $series ]] || die 8 "$series cannot be read; name the series with --series FILE"
  while IFS= read -r line || [[ -n $line ]]; do
    if [[ $line == *$'\r' ]]; then
      die 8 "$series has CRLF line ends; check this repository out with core.autocrlf=false"
    fi
    if [[ -z $line || $line == '#'* ]]; then continue; fi
    [[ $line =~ ^(wolf|gst-interpipe)/[A-Za-z0-9._-]+\.patch$ ]] ||
      die 8 "$series: \"$line\" is not of the form TREE/NAME.patch"
    [[ -z ${file_of[$line]-} ]] || die 8 "$series names $line twice"
    tree=${line%%/*}
    file_of[$line]=$patches/$line
    if [[ -n ${base_of[$tree]-} ]]; then
      file_of[$line]=$here/patches/$line
      if [[ -z $series_given ]] && ! grep -q -F -x -- "$line" "${base_of[$tree]%/*}/series"; then
        continue
      fi
    fi
    [[ -f ${file_of[$line]} && -r ${file_of[$line]} ]] ||
      die 8 "$series names $line, which is not in ${file_of[$line]%/*/*}"
    if [[ -n ${dir[$tree]-} ]]; then selected+=("$line"); fi
  done <"$series"
  read_rules
  for tree in "${!base_of[@]}"; do move_to_base "$tree"; done
  read_touched
}

# The main series' patches at the places of the tree's base. A patch of the base's own takes the
# place of the main one, whose hunks still say where those of later patches go.
move_to_base() { # TREE
  local main files=() patch log without='' pins=${base_of[$1]}
  mapfile -t main < <(grep "^$1/" "$here/series")
  for patch in "${main[@]}"; do
    files+=("$here/patches/$patch")
    if [[ " ${selected[*]} " != *" $patch "* ]]; then without+=" $patch"; fi
  done
  if ((${#files[@]} == 0)); then return; fi
  moved=${moved:-$(mktemp -d)}
  mkdir -- "$moved/$1"
  log=$(awk -v out="$moved" -v without="$without" -f "$here/tools/series/base.awk" "$pins" \
    "${files[@]}" 2>&1) || die 8 "$pins: $log"
  for patch in "${selected[@]}"; do
    if [[ $patch != "$1"/* ]]; then continue; fi
    file_of[$patch]=$moved/$patch
    if [[ -e ${pins%/*}/$patch ]]; then cp -- "${pins%/*}/$patch" "$moved/$patch"; fi
  done
}

selected_files() { # -> $files
  local patch
  files=()
  for patch in "${selected[@]}"; do files+=("${file_of[$patch]}"); done
}

# The lines of each hunk are counted, so that a removed line "-- x", which looks like a file header,
# is not taken for one.
touched() { # FILE...: patch, TAB, add|change|remove, TAB, path below a/ or b/
  awk '
    function path(s) {
      s = substr(s, 5); sub(/\t.*/, "", s)
      return s == "/dev/null" ? "" : s ~ /^[ab]\// ? substr(s, 3) : s
    }
    function count(range,   part) { return split(substr(range, 2), part, ",") > 1 ? part[2] : 1 }
    FNR == 1 {
      minus = plus = 0
      n = split(FILENAME, name, "/"); patch = name[n - 1] "/" name[n]
    }
    minus > 0 || plus > 0 {
      c = substr($0, 1, 1)
      if (c != "+" && c != "\\") minus--
      if (c != "-" && c != "\\") plus--
      next
    }
    /^--- / { old = path($0) }
    /^\+\+\+ / {
      new = path($0)
      kind = old == "" ? "add" : new == "" ? "remove" : "change"
      print patch "\t" kind "\t" (new == "" ? old : new)
    }
    /^@@ / { minus = count($2); plus = count($3) }
  ' "$@"
}

read_touched() { # and refuses what a patch may not do
  local files line patch kind path ends
  selected_files
  if ((${#files[@]} == 0)); then return; fi
  ends=$(tail -q -c 1 -- "${files[@]}"; echo .)
  if [[ ${ends//$'\n'} != . ]]; then
    for path in "${files[@]}"; do
      if [[ $(tail -c 1 -- "$path") ]]; then
        die 8 "$path does not end in a newline; it is cut off, or an editor took the newline"
      fi
    done
  fi
  mapfile -t touched_by < <(touched "${files[@]}")
  for line in "${touched_by[@]}"; do
    IFS=$'\t' read -r patch kind path <<<"$line"
    if [[ $path == *$'\r' ]]; then
      die 8 "$patch has CRLF line ends; check this repository out with core.autocrlf=false"
    fi
    if [[ $path == /* || $path == *\\* || /$path/ == *'/../'* || /$path/ == *'/.git/'* ]]; then
      die 8 "$patch touches $path, which is no path inside a tree"
    fi
    [[ $path == "${patch%%/*}"/* ]] || die 8 "$patch touches $path, outside ${patch%%/*}/; move\
 that part to a patch of the other tree"
    if [[ -z ${required[$path]-} ]]; then
      if [[ $kind == add ]]; then required[$path]=absent; else required[$path]=sha256; fi
    fi
  done
  mapfile -t required_paths < <(printf '%s\n' "${!required[@]}" | sort)
}

header() { # PATCH-FILE: what stands before its first file
  awk '/^(---|Index:)[ \t][^ \t]|^diff -/ { exit } { print }' "$1"
}

# The headers of all patches, each to TO/TREE/NAME: as they are, or as a mail's head for git am.
write_headers() { # FORMAT TO FILE...
  local format=$1 to=$2
  shift 2
  mkdir -p -- "${trees[@]/#/$to/}"
  awk -v format="$format" -v to="$to" -f "$here/tools/series/headers.awk" "$@"
  if [[ -e $to/nameless ]]; then
    die 8 "$(head -n 1 "$to/nameless") has no Description in its header, and git needs a subject"
  fi
}
