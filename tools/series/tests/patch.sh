#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# build.sh patch applies the series as it should, from anywhere, and the skeleton notices when order
# or stacking is wrong.
# shellcheck source=lib.sh
. "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"

same_as_patch() { # the result is what plain patch makes of plain copies, line by line
  local plain=$scratch/plain files
  rm -rf -- "$plain"
  mkdir -- "$plain"
  cp -a -- "$wolf" "$plain/wolf"
  if [[ -n $interpipe ]]; then cp -a -- "$interpipe" "$plain/gst-interpipe"; fi
  rm -rf -- "$plain"/*/.git
  mapfile -t files < <(series_lines "$house/series")
  if [[ -z $interpipe ]]; then mapfile -t files < <(printf '%s\n' "${files[@]}" | grep ^wolf/); fi
  cat -- "${files[@]/#/$house/patches/}" |
    patch -s -d "$plain" -p1 -F0 -E --no-backup-if-mismatch || return 1
  diff -r --no-dereference "$plain/wolf" "$place/out/wolf" >"$scratch/log" || return 1
  if [[ -n $interpipe ]]; then diff -r --no-dereference "$plain/gst-interpipe" \
    "$place/out/gst-interpipe" >"$scratch/log"; fi
}

# The work tree is one of quilt's, although build.sh does without quilt.
quilt_works() {
  local work=$scratch/quilt q=(quilt --quiltrc patches/quiltrc)
  rm -rf -- "$work"
  cp -a -- "$place/out" "$work"
  (cd -- "$work" && unset QUILT_PATCHES QUILT_PATCH_OPTS && "${q[@]}" pop -a &&
    diff -r -q --no-dereference -x .git "$wolf" wolf && "${q[@]}" push -a) >"$scratch/log" 2>&1 \
      || return 1
  diff -r -q --no-dereference -x .pc "$place/out" "$work" >"$scratch/log"
}

patches_ok() { build patch "${trees[@]}" --out "$place/out" "$@"; ((status == 0)); }

then_is_run() {
  build patch "${trees[@]}" --out "$place/then" --then \
    'printf "%s|" "$PWD" "$WOLF_DIR" "$INTERPIPE_DIR" >"$WOLF_DIR/../seen"; exit 42'
  ((status == 42)) &&
    [[ $(<"$place/then/seen") == \
      "$place/then|$place/then/wolf|${interpipe:+$place/then/gst-interpipe}|" ]]
}

apply() {
  local record=$scratch/record-$subject
  fingerprint "$wolf" >"$record"
  if [[ -n $interpipe ]]; then fingerprint "$interpipe" >"$record-i"; fi

  check "$subject: the series applies" patches_ok
  check "$subject: the result is what the patches say" same_as_patch
  check "$subject: all of the series is applied" diff "$place/out/.pc/applied-patches" \
    <(if [[ -n $interpipe ]]; then series_lines "$house/series"; else series_lines \
      "$house/series" | grep ^wolf/; fi)
  check "$subject: nothing else is left beside the result" test "$(ls -A "$place")" = out
  check "$subject: the given tree is as it was, times included" untouched "$wolf" "$record"
  # The rest does not depend on the series.
  if [[ $subject == house ]]; then return; fi
  check "$subject: quilt takes the series off and on again" quilt_works
  check "$subject: once more over an unchanged result" patches_ok
  check "$subject: from another working folder, with relative paths" relative
  check "$subject: --then runs in the result, and its status is passed on" then_is_run
  check "$subject: only Wolf, with only --wolf" only_wolf
  check "$subject: the given tree is still as it was" untouched "$wolf" "$record"
  if [[ -n $interpipe ]]; then
    check "$subject: the given gst-interpipe is as it was" untouched "$interpipe" "$record-i"
  fi
}

relative() {
  cd -- "$place" || return 1
  local trees=(--wolf "$(realpath --relative-to=. "$wolf")")
  if [[ -n $interpipe ]]; then trees+=(--interpipe "$(realpath --relative-to=. "$interpipe")"); fi
  build patch "${trees[@]}" --out 'not there yet/out'
  cd -- "$scratch" && ((status == 0)) && [[ -d "$place/not there yet/out/wolf" ]] &&
    diff -r -q --no-dereference "$place/out/wolf" "$place/not there yet/out/wolf" >/dev/null
}

only_wolf() {
  build patch --wolf "$wolf" --out "$place/only"
  ((status == 0)) && [[ ! -e $place/only/gst-interpipe ]] && diff -r -q --no-dereference \
    "$place/out/wolf" "$place/only/wolf" >/dev/null
}
each_subject apply

# The entries that the result builds with are named; history is not copied.
subject=toy house=$scratch/toy/house wolf=$scratch/toy/wolf interpipe=$scratch/toy/gst-interpipe \
  place="$scratch/toy place"
trees=(--wolf "$wolf" --interpipe "$interpipe")
build patch "${trees[@]}" --out "$place/out"
check 'toy: the build entries are named' grep -q \
  'wolf builds with: docker/wolf.Dockerfile, CMakeLists.txt' "$scratch/log"
check 'toy: Meson is named' grep -q 'gst-interpipe builds with: meson.build' "$scratch/log"
check 'toy: no history in the copy' test ! -e "$place/out/wolf/.git"
build patch "${trees[@]}" --out "$place/out" --then 'kill -9 $$'
check "toy: a --then command that was killed is told by its status" test "$status" = 137
LC_ALL=C.UTF-8 build patch "${trees[@]}" --out "$place/out" --then '[[ $LC_ALL == C.UTF-8 ]]'
check "toy: --then has the caller's locale" test "$status" = 0

# The toy's skeleton is the toy, where the patches know it; and it sees an order that cannot be.
make_skeleton "$house/series" "$scratch/again"
known() { # FILE LINE TEXT
  [[ $(sed -n "$2p" "$scratch/again/$1") == "$3" ]]
}
check 'skeleton: a replaced line is at its place' known wolf/src/stacked.cpp 5 'line 5'
check 'skeleton: a line that a stacked patch replaces, translated back' known \
  wolf/src/stacked.cpp 22 'line 22'
check 'skeleton: a line that no patch replaces is blank' known wolf/src/stacked.cpp 6 ''
check "skeleton: an earlier patch's own line is not the tree's" test \
  "$(grep -c . "$scratch/again/wolf/src/stacked.cpp")" = 4
check 'skeleton: a file without newline at its end stays one' cmp -s \
  "$scratch/again/wolf/src/bare.cpp" "$wolf/src/bare.cpp"
check 'skeleton: an added file is not there' test ! -e "$scratch/again/wolf/src/added.c"
contradicts() { ! make_skeleton "$scratch/wrong/house/series" "$scratch/none" 2>"$scratch/log" \
  && grep -q -F "$1" "$scratch/log"; }
mkdir -- "$scratch/wrong" && cp -R -- "$house" "$scratch/wrong/house"
sed -i 's/^-five b/-five x/' "$scratch/wrong/house/patches/wolf/0003-again.patch"
check "skeleton: sees that a patch removes what the earlier one did not put" contradicts \
  'where an earlier patch put "five b"'
cp -- "$house/patches/wolf/0003-again.patch" "$scratch/wrong/house/patches/wolf"
sed -i 's/^@@ -22 +22 @@/@@ -22 +23 @@/' "$scratch/wrong/house/patches/wolf/0003-again.patch"
check 'skeleton: sees numbers that do not add up' contradicts 'do not add up'
finish
