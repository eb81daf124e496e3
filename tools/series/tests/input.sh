#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Trees as people have them: odd names, worktrees, sparse, read-only, half patched, a full disk.
# shellcheck source=lib.sh
. "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"

subject=toy house=$scratch/toy/house wolf=$scratch/toy/wolf
place="$scratch/place" other=$scratch/other
make_toy "$scratch/toy"
mkdir -- "$place"
build patch --wolf "$wolf" --out "$scratch/whole"
out=(--out "$place/out")
g() {
  git -C "$other" -c commit.gpgSign=false -c core.autocrlf=false -c user.name=t \
    -c user.email=t@localhost -c protocol.file.allow=always "$@" >/dev/null 2>&1
}
other() { # [COMMAND...]: $other is a checkout of the toy, changed by the command
  chmod -R u+w -- "$other" 2>/dev/null || true
  rm -rf -- "$other" "$place/out"
  cp -a -- "$wolf" "$other" && rm -rf -- "$other/.git"
  g init -q . && g add -A && g commit -q -m pinned
  (cd -- "$other" && "$@")
}
goes() { # NAME [TREE]: the tree gets the patches, and is as it was
  local tree=${2-$other} bad=0 file=wolf/src/stacked.cpp
  fingerprint "$tree" >"$scratch/record"
  rm -rf -- "$place/out"
  build patch --wolf "$tree" "${out[@]}"
  ((status == 0)) && cmp -s -- "$scratch/whole/$file" "$place/out/$file" || bad=1
  untouched "$tree" "$scratch/record" || { bad=1; echo '# the tree has changed'; }
  report "$bad" "$1"
}

other mkdir 'a folder of Bär'
echo x >"$other/a folder of Bär/ü \"quoted\" \$HOME.txt"
goes 'spaces, quotes, umlauts in names'
cp -a -- "$other" "$scratch/Wolf für uns"
goes 'and in the path of the tree' "$scratch/Wolf für uns"

other true
g worktree add -q --detach "$scratch/worktree"
goes 'a git worktree' "$scratch/worktree"

other true
git init -q "$scratch/sub" && git -C "$scratch/sub" -c commit.gpgSign=false -c user.name=t \
  -c user.email=t@localhost commit -q --allow-empty -m one
g submodule add -q "$scratch/sub" lib && g commit -q -m submodule
goes 'a tree with a submodule'

other chmod -R a-w .
goes 'a tree without write permissions'
check 'the copy can be written' test -w "$place/out/wolf/src/stacked.cpp" -o "$EUID" = 0
chmod -R u+w -- "$other" "$place"

other rm src/once.cpp
g sparse-checkout set src docker
refuses 'a sparse checkout without a file that the series touches' 4 src/once.cpp absent -- \
  patch --wolf "$other" "${out[@]}"
other true
printf '%s\n' 'version https://git-lfs.github.com/spec/v1' 'oid sha256:0' 'size 1' \
  >"$other/src/once.cpp"
refuses 'a pointer of Git LFS in place of a file' 4 src/once.cpp 'git lfs pull' -- \
  patch --wolf "$other" "${out[@]}"

other true
rm -rf -- "$other/.git"
patch -s -d "$other" -p2 <"$house/patches/wolf/0001-add.patch"
refuses 'a tree that has the first patch' 4 'first 1 of 3' -- patch --wolf "$other" "${out[@]}"
patch -s -d "$other" -p2 <"$house/patches/wolf/0002-stack.patch"
refuses 'one that has two' 4 'first 2 of 3' -- patch --wolf "$other" "${out[@]}"

other true
head -c 200000 /dev/zero >"$other/big"
full() { # a file system without room, as far as a process can be told of one
  (ulimit -f 100 && trap '' XFSZ && build patch --wolf "$other" "${out[@]}" && exit "$status")
}
full
check 'no room for the copy: told, nothing left' test "$?" = 7 -a -z "$(ls -A "$place")"
finish
