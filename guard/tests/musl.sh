#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# musl.sh: do all sources of guard compile against musl? By Debian's musl-tools, with the kernel's,
# GLib's and GStreamer's headers. Nothing is linked: Debian has no GLib for musl.
set -euo pipefail

guard=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.." && pwd)
headers=$(mktemp -d)
trap 'rm -rf -- "$headers"' EXIT
machine=$(gcc -print-multiarch)
for name in linux asm-generic; do ln -s "/usr/include/$name" "$headers/$name"; done
ln -s "/usr/include/$machine/asm" "$headers/asm"
includes=()
for flag in $(pkg-config --cflags-only-I gstreamer-1.0); do
  # glibc's own headers must not come in.
  if [[ $flag != "-I/usr/include/$machine" ]]; then includes+=(-isystem "${flag#-I}"); fi
done
failed=0
for file in "$guard"/src/*.c; do
  musl-gcc -fsyntax-only -std=gnu11 -D_GNU_SOURCE -Wall -Wextra -Werror -I"$guard/include" \
    -I"$guard/src" "${includes[@]}" -isystem "$headers" "$file" || failed=1
done
exit "$failed"
