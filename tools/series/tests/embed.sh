#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# The patches that add guard/ to the trees are generated from guard/, always the same, and the check
# notices any difference.
# shellcheck source=lib.sh
. "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"

subject=embed house=$scratch/house wolf=$scratch/wolf place=$scratch/house guard=$scratch/guard
mkdir -p -- "$house/patches/wolf" "$wolf" "$guard/embed" "$guard/include/wolf-guard" "$guard/src"
echo wolf/0001-guard-sources.patch >"$house/series"
toy_pins "$house"
printf '%s\n' 'add_library(wolf-guard include/wolf-guard/a.hpp' '    include/wolf-guard/b.h' \
  '    src/z.h' '    src/z.c)' \
  >"$guard/embed/CMakeLists.txt"
printf '%s\n' '#pragma once' '-- not a header' >"$guard/include/wolf-guard/b.h"
echo 'class A;' >"$guard/include/wolf-guard/a.hpp"
printf 'no newline at the end' >"$guard/src/z.c"
echo 'int private;' >"$guard/src/z.h"
echo 'not embedded' | tee "$guard/src/README" >"$guard/src/unnamed.c"
target=$house/patches/wolf/0001-guard-sources.patch

# A tree gets what its build file names and nothing else; without one it gets nothing.
subset() {
  printf '%s\n' "wolf_guard = [" "  'src/z.c'," "  'include/wolf-guard/b.h'," "]" \
    >"$guard/embed/meson.build"
  mkdir -p -- "$house/patches/gst-interpipe"
  build embed --guard "$guard"
  check 'embed writes the patch of gst-interpipe' test "$status" = 0 -a -s \
    "$house/patches/gst-interpipe/0010-guard-lock-sources.patch"
  check 'with the files that are named, and no others' test \
    "$(sed -n 's|^+++ b/gst-interpipe/gst/interpipe/wolf-guard/||p' \
    "$house/patches/gst-interpipe/0010-guard-lock-sources.patch" | paste -s -d \
      ' ')" = 'meson.build src/z.c include/wolf-guard/b.h'
  sed -i "s/^  'src.z.c',//" "$guard/embed/meson.build"
  refuses 'check: finds a file that is no longer named' 9 0010-guard -- embed --check --guard \
    "$guard"
  rm -- "$guard/embed/meson.build"
}

refuses 'check: no patch yet' 9 "$target" 'build.sh embed' -- embed --check --guard "$guard"
build embed --guard "$guard"
check 'embed writes the patch' test "$status" = 0 -a -s "$target"
check 'the patch is in form' awk -f "$lab/form.awk" "$target"
cp -- "$target" "$scratch/first"
build embed --guard "$guard"
check 'the same sources give the same bytes' cmp -s "$target" "$scratch/first"
build embed --check --guard "$guard"
check 'check: it agrees' test "$status" = 0
subset

"$BUILD" pins --wolf "$wolf" --series "$house/series" >/dev/null
build patch --wolf "$wolf" --out "$scratch/out"
as_guard() { # every file at its place, and no others
  diff -r "$guard/include" "$scratch/out/wolf/src/wolf-guard/include" && diff -r -x README -x \
    unnamed.c "$guard/src" "$scratch/out/wolf/src/wolf-guard/src" &&
    cmp "$guard/embed/CMakeLists.txt" "$scratch/out/wolf/src/wolf-guard/CMakeLists.txt" &&
    (($(find "$scratch/out/wolf" -type f | wc -l) == 5))
}
check 'the patched tree has guard/, byte by byte' as_guard

for change in 'echo x >>"$1/src/z.c"' 'sed -i "/z.h/d" "$1/embed/CMakeLists.txt"' \
  'echo x >>"$1/embed/CMakeLists.txt"'; do
  rm -rf -- "$scratch/changed" && cp -R -- "$guard" "$scratch/changed"
  bash -c "$change" - "$scratch/changed"
  refuses "check: finds ${change//\"/}" 9 "$target" -- embed --check --guard "$scratch/changed"
done
sed -i 's/^Forwarded: no/Forwarded: not-needed/' "$target"
build embed --guard "$guard"
check 'an edited header is kept' grep -q -x 'Forwarded: not-needed' "$target"
: >"$guard/src/empty.c"
echo 'target_sources(wolf-guard src/empty.c)' >>"$guard/embed/CMakeLists.txt"
refuses 'an empty source, which a patch cannot add' 8 empty.c -- embed --guard "$guard"
refuses 'no sources' 3 "$scratch/none" --guard -- embed --guard "$scratch/none"

if [[ -e $repository/patches/wolf/0001-guard-sources.patch ]]; then
  "$BUILD" embed --check >"$scratch/log" 2>&1
  report $? "this repository's patch is what guard/ says"
else
  skip "this repository's patch is what guard/ says" 'it has none yet'
fi
finish
