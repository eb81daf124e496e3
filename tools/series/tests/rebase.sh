#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# build.sh rebase cuts the series anew for another tree, or stops at a conflict and goes on.
# shellcheck source=lib.sh
. "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"

subject=toy wolf=$scratch/toy/wolf place="$scratch/place" other=$scratch/other
make_toy "$scratch/toy"
mkdir -- "$place"
again() { # COMMAND...: a fresh house, and a tree changed by the command
  house=$scratch/house
  rm -rf -- "$house" "$other" "${place:?}"/*
  cp -R -- "$scratch/toy/house" "$house"
  cp -a -- "$wolf" "$other"
  (cd -- "$other" && rm -rf .git && "$@")
  args=(--wolf "$other" --pinned "$wolf" --out "$place/rebase")
}
kept() { diff -r -q "$scratch/toy/house" "$house"; }
fits() { # the rewritten series needs no move any more
  build patch --wolf "$other" --out "$place/out"
  ((status == 0)) && ! grep -q 'moved\|merged' "$scratch/log" && awk -f "$lab/form.awk" \
    "$house"/patches/wolf/*.patch
}

again sed -i '1i first' src/stacked.cpp
build rebase "${args[@]}" --check
check '--check: fits' test "$status" = 0 -a -n "$(grep '0002-stack.patch .*moved' "$scratch/log")"
check '--check changes nothing' kept
build patch --wolf "$other" --pinned "$wolf" --out "$place/moved"
build rebase "${args[@]}"
check 'rebase rewrites patches and pins' test "$status" = 0 -a -n \
  "$(grep 'upstream.pins: rewritten' "$scratch/log")"
check 'the series fits then, in form' fits
check 'and gives what moving gave' diff -r "$place/moved/wolf" "$place/out/wolf"
check 'a moved patch has a date of today' grep -q -x "Last-Update: $(date -u +%F)" \
  "$house/patches/wolf/0002-stack.patch"
check 'one that stays as it is has its own' grep -q -x 'Last-Update: 2026-01-02' \
  "$house/patches/wolf/0001-add.patch"
check "the other tree's patch is as it was" cmp \
  "$scratch/toy/house/patches/gst-interpipe/0001-interpipe.patch" \
  "$house/patches/gst-interpipe/0001-interpipe.patch"
check 'no work tree is left' test ! -e "$place/rebase"
build rebase --wolf "$other" --out "$place/rebase"
check 'nothing to move' test "$status" = 2

again sed -i 's/^line 21$/line twenty-one/' src/stacked.cpp
build rebase "${args[@]}" --check
check '--check: does not fit' test "$status" = 8 -a -n \
  "$(grep '0002-stack.patch .*in conflict' "$scratch/log")"
check 'and leaves nothing behind' test -z "$(ls -A "$place")"
build rebase "${args[@]}"
check 'a conflict stops the rebase' test "$status" = 8 -a -n \
  "$(grep 'rebase --continue' "$scratch/log")"
check 'patches/ is as it was' kept
check 'the conflict is in the file' grep -q '^<<<<<<< ' "$place/rebase/wolf/src/stacked.cpp"
check 'quilt stands at the patch' test "$(tail -n 1 "$place/rebase/.pc/applied-patches")" = \
  wolf/0002-stack.patch
build rebase --continue --out "$place/rebase"
check '--continue with the conflict still there' test "$status" = 8 -a -n \
  "$(grep 'conflicts are left' "$scratch/log")"
# Solved: the patch removes the line as it is now.
sed -i '/^<<<<<<< /,/^>>>>>>> /d' "$place/rebase/wolf/src/stacked.cpp"
build rebase --continue --out "$place/rebase"
check '--continue goes on to the end' test "$status" = 0
check 'the patch is the solved one' grep -q -x -e '-line twenty-one' \
  "$house/patches/wolf/0002-stack.patch"
check 'the next patch has followed' test -n "$(grep '0003-again' "$house/series")"
check 'the series fits then, in form, after a conflict' fits
build rebase --continue --out "$place/rebase"
check '--continue without a rebase' test "$status" = 3

again bash -c 'printf "%s\n" one "-- two" three >src/added.c; echo more >>src/once.cpp'
build rebase "${args[@]}"
check 'a patch that upstream has leaves the series' bash -c '! grep -q wolf/0001 "$1"' - \
  "$house/series"
check 'and the series fits' fits
finish
