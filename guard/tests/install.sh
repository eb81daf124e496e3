#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# install.sh BUILD CC SANITIZE: install guard from BUILD and build a program by its pkg-config file.
# Each header is included by itself, in C, and in C++ where there is a compiler.
set -euo pipefail

build=$1 cc=$2 sanitize=$3
place=$(mktemp -d)
trap 'rm -rf -- "$place"' EXIT
cmake --install "$build" --component guard --prefix "$place/usr" >/dev/null
pc=$(find "$place/usr" -name wolf-guard.pc -printf '%h')
sed -i "s|^prefix=.*|prefix=$place/usr|" "$pc/wolf-guard.pc" # as if it were the configured one
export PKG_CONFIG_PATH=$pc
read -ra cflags <<<"$(pkg-config --cflags wolf-guard)"
read -ra libs <<<"$(pkg-config --libs wolf-guard)"

cd -- "$place/usr/include"
for header in wolf-guard/*.h; do
  echo "#include <$header>" |
    "$cc" -std=c11 -Wall -Wextra -Werror "${cflags[@]}" -fsyntax-only -x c -
done
if cxx=$(type -P g++ || type -P clang++); then
  for header in wolf-guard/*; do
    echo "#include <$header>" |
      "$cxx" -std=c++17 -Wall -Wextra -Werror "${cflags[@]}" -fsyntax-only -x c++ -
  done
fi

cat >"$place/main.c" <<'C'
#include <wolf-guard/loop.h>
int
main (void)
{
  WgLoop *loop = wg_loop_new ();

  wg_loop_stop (loop);
  return wg_loop_run (loop) ? 0 : 1;
}
C
"$cc" ${sanitize:+"-fsanitize=$sanitize"} "${cflags[@]}" "$place/main.c" "${libs[@]}" \
  -o "$place/main"
ASAN_OPTIONS=detect_leaks=0 "$place/main"
