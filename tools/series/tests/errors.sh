#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Every way in which build.sh patch refuses: its status, its one message, and nothing left behind.
# shellcheck source=lib.sh
. "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"

tools_without() { # TOOL...: a folder with every program of PATH but these
  local folder=$scratch/tools tool
  rm -rf -- "$folder"
  mkdir -- "$folder"
  for tool in /bin /usr/sbin /usr/bin; do ln -sf -t "$folder" -- "$tool"/* 2>/dev/null; done
  for tool; do rm -f -- "$folder/$tool"; done
  echo "$folder"
}

shim() { # NAME SCRIPT: a folder to put before PATH, in which NAME is the script
  local folder=$scratch/shims/$1
  mkdir -p -- "$folder"
  printf '#!/bin/bash\n%s\n' "$2" >"$folder/$1"
  chmod 755 -- "$folder/$1"
  echo "$folder"
}

spoil() { # COMMAND...: on $bad, a fresh copy of the Wolf tree
  rm -rf -- "$scratch/bad"
  cp -a -- "$wolf" "$scratch/bad"
  (cd -- "$scratch/bad" && "$@")
}

errors() {
  local changed added sum commit first second
  out=(--out "$place/out")
  changed=$(sed -n 's/^tree wolf$/on/; /^on/,/^tree g/ s/^sha256 [^ ]*  //p' \
    "$house/upstream.pins" | head -n 1)
  changed=${changed:-$(awk '/^tree/ { t = $2 } t == "wolf" && /^sha256/ { print $3; exit }' \
    "$house/upstream.pins")}
  added=$(awk '/^tree/ { t = $2 } t == "wolf" && /^absent/ { print $2; exit }' \
    "$house/upstream.pins")
  commit=$(awk '/^tree/ { t = $2 } t == "wolf" && /^commit/ { print $2 }' "$house/upstream.pins")

  refuses "$subject: a missing tree: which commit, published where" 3 "$scratch/nowhere" \
    "$commit" "$(awk '/^url/ { print $2; exit }' "$house/upstream.pins")" --wolf -- \
    patch --wolf "$scratch/nowhere" "${out[@]}"

  if [[ -n $changed ]]; then
    spoil bash -c "echo >>'$changed'"
    sum=$(sha256sum <"$scratch/bad/$changed")
    refuses "$subject: a changed file: both digests" 4 "$changed" "${sum%% *}" \
      "$(sha256sum <"$wolf/$changed" | cut -d' ' -f1)" -- \
      patch --wolf "$scratch/bad" "${out[@]}"
    spoil rm -- "$changed"
    refuses "$subject: a file that is gone" 4 "$changed" absent -- patch --wolf "$scratch/bad" \
      "${out[@]}"
  fi
  if [[ -n $added ]]; then
    spoil bash -c "mkdir -p '$(dirname "$added")' && : >'$added'"
    refuses "$subject: a file that the series adds is there already" 4 "$added" 'pinned absent' \
      -- patch --wolf "$scratch/bad" "${out[@]}"
  fi
  build patch "${trees[@]}" --out "$scratch/done-$subject"
  refuses "$subject: patched already" 4 'patched already' -- patch --wolf \
    "$scratch/done-$subject/wolf" "${out[@]}"

  PATH=$(tools_without patch flock) refuses "$subject: missing tools, one command" 5 \
    'patch flock' 'apt-get install patch util-linux' -- patch "${trees[@]}" "${out[@]}"

  PATH=$(shim df 'printf "Avail\n10\n"'):$PATH refuses \
    "$subject: too little space, before anything is copied" 7 \
    'there are 10 KiB' --out -- patch "${trees[@]}" "${out[@]}"
  PATH=$(shim cp \
    'last=${!#}; mkdir -p "$last"; echo half >"$last/half"
    echo "cp: error writing: No space left on device" >&2; exit 1'):$PATH \
    refuses "$subject: no space while it copies" 7 'No space left' --out -- patch "${trees[@]}" \
      "${out[@]}"
  PATH=$(shim patch 'echo "patch: write error : No space left on device" >&2; exit 2'):$PATH \
    refuses "$subject: no space while it applies" 7 'no space' -- patch "${trees[@]}" "${out[@]}"

  refuses "$subject: a place that cannot be written" 6 /proc/ --out -- patch "${trees[@]}" --out \
    /proc/wolf-guard/out
  if ((EUID == 0)) && type -P setpriv >/dev/null && [[ $subject != real ]]; then
    chmod 755 -- "$scratch"
    mkdir -p -- "$place/read only"
    if setpriv --reuid=65534 --regid=65534 --clear-groups test -r "$BUILD" -a -r "$house/series" \
      -a -x "$place"; then
      BUILD=$(shim as-nobody \
        "exec setpriv --reuid=65534 --regid=65534 --clear-groups '$BUILD' \"\$@\"")/as-nobody \
        refuses "$subject: a folder that the user may not write" 6 'Permission denied' --out -- \
          patch "${trees[@]}" --out "$place/read only/out"
    else
      skip "$subject: a folder that the user may not write" \
        'nobody cannot read the repository or the temporary folder'
    fi
  elif ((EUID)); then
    mkdir -p -- "$place/read only" && chmod 555 -- "$place/read only"
    refuses "$subject: a folder that the user may not write" 6 'Permission denied' --out -- \
      patch "${trees[@]}" --out "$place/read only/out"
  fi

  mkdir -p -- "$place/mine" && echo dear >"$place/mine/file"
  refuses "$subject: something of somebody else's in the way" 6 "$place/mine" 'did not make it' \
    -- patch "${trees[@]}" --out "$place/mine"
  refuses "$subject: a file in the way" 6 "$place/mine/file" -- patch "${trees[@]}" --out \
    "$place/mine/file"
  if [[ $subject != real ]]; then # a real tree is never even put at risk
    refuses "$subject: a result inside a given tree" 6 'lie in one another' -- patch \
      "${trees[@]}" --out "$wolf/out"
    refuses "$subject: a result around a given tree" 6 'lie in one another' -- patch \
      "${trees[@]}" --out "$(dirname "$wolf")"
  fi

  build patch "${trees[@]}" --out "$place/edited"
  first=$(series_lines "$house/series" | grep -m 1 ^wolf/)
  second=$(sed -n 's|^+++ b/||p' "$house/patches/$first" | head -n 1)
  echo edit >>"$place/edited/$second"
  refuses "$subject: a former result with edits is not replaced" 6 'has changes since' "$second" \
    -- patch "${trees[@]}" --out "$place/edited"
}
# What is refused does not depend on the series: its skeleton would say the same as the toy.
subjects=(toy real)
each_subject errors

# What only the toy is bent for: series and pins that do not belong together, and plain misuse.
subject=toy wolf=$scratch/toy/wolf interpipe=$scratch/toy/gst-interpipe place="$scratch/toy place"
trees=(--wolf "$wolf" --interpipe "$interpipe") out=(--out "$place/out")
bent() { # COMMAND...: a fresh copy of the toy's house, changed by the command
  house=$scratch/bent
  rm -rf -- "$house"
  cp -R -- "$scratch/toy/house" "$house"
  (cd -- "$house" && "$@")
}
repin() { "$BUILD" pins "${trees[@]}" --series "$house/series" >/dev/null; }

bent sed -i 's/^@@ -20,2 +21,0 @@/@@ -19,2 +20,0 @@/' patches/wolf/0002-stack.patch
refuses 'toy: a hunk that fits only with an offset' 8 0002-stack.patch 'beside its place' -- \
  patch "${trees[@]}" "${out[@]}"
bent sed -i 's/^-line 5/-line five/' patches/wolf/0002-stack.patch
refuses 'toy: a hunk that does not fit' 8 0002-stack.patch 'does not apply' -- patch \
  "${trees[@]}" "${out[@]}"
bent sed -i '/0002/d; $a wolf/0002-stack.patch' series
refuses 'toy: a wrong order' 8 0003-again.patch -- patch "${trees[@]}" "${out[@]}"
bent sed -i '/once.cpp/d' upstream.pins
refuses 'toy: a touched file without pin' 8 src/once.cpp 'build.sh pins' -- patch "${trees[@]}" \
  "${out[@]}"
bent sed -i 's/0002-stack/0002-other/' series
refuses 'toy: a named patch that is missing' 8 0002-other.patch -- patch "${trees[@]}" "${out[@]}"
bent sed -i 's/0002-stack.patch/& -p2/' series
refuses 'toy: a series line with options' 8 'TREE/NAME.patch' -- patch "${trees[@]}" "${out[@]}"
bent sed -i \
  's|/wolf/src/once.cpp|/gst-interpipe/gst/g.c|' patches/wolf/0003-again.patch
refuses 'toy: a patch outside its tree' 8 gst-interpipe/gst/g.c -- patch "${trees[@]}" "${out[@]}"
bent sed -i 's/^url/ulr/' upstream.pins
refuses 'toy: pins with an unknown word' 8 ulr -- patch "${trees[@]}" "${out[@]}"
bent sed -i 's/$/\r/' series
refuses 'toy: a series with CRLF' 8 'core.autocrlf=false' -- patch "${trees[@]}" "${out[@]}"
bent sed -i 's/$/\r/' upstream.pins
refuses 'toy: pins with CRLF' 8 'core.autocrlf=false' -- patch "${trees[@]}" "${out[@]}"
bent sed -i 's/$/\r/' patches/wolf/0001-add.patch
refuses 'toy: a patch with CRLF' 8 0001-add.patch 'core.autocrlf=false' -- patch "${trees[@]}" \
  "${out[@]}"
bent truncate -s -1 patches/wolf/0002-stack.patch
refuses 'toy: a patch without its last newline' 8 0002-stack.patch newline -- patch \
  "${trees[@]}" "${out[@]}"
for path in wolf/../../x /etc/x wolf/.git/config; do
  bent sed -i "s|^+++ b/wolf/src/added.c|+++ b/$path|" patches/wolf/0001-add.patch
  refuses "toy: a patch that touches $path" 8 0001-add.patch 'no path inside' -- patch \
    "${trees[@]}" "${out[@]}"
done
bent sed -i '$p' series
refuses 'toy: a patch that is named twice' 8 twice -- patch "${trees[@]}" "${out[@]}"
bent rm upstream.pins
refuses 'toy: no pins' 8 upstream.pins --pins -- patch "${trees[@]}" "${out[@]}"
bent rm series
refuses 'toy: no series' 8 series --series -- patch "${trees[@]}" "${out[@]}"
bent rm "patches/wolf/0003-again.patch"
sed -i '/0003/d' "$house/series"
repin
build patch "${trees[@]}" "${out[@]}"
check 'toy: pins follow a shorter series' test "$status" = 0
rm -rf -- "$place/out"

house=$scratch/toy/house
refuses 'toy: an unknown subcommand' 2 '"no-such"' -h -- no-such
refuses 'toy: an unknown option' 2 '"--wulf"' -h -- patch --wulf x
refuses 'toy: an option without its value' 2 --wolf -- patch --series "$house/series" --wolf ''
refuses 'toy: --then is not for export' 2 --then -- export --then x

# Refusals that diagnose: the tree is another one than it should be, in a way that has a name.
git_in() { git -c commit.gpgSign=false -C "$scratch/bad" -c core.autocrlf=false -c user.name=t \
  -c user.email=t@localhost "$@" >/dev/null; }
spoil sed -i 's/$/\r/' src/once.cpp src/stacked.cpp
refuses 'toy: a tree with CRLF' 4 'line ends' 'core.autocrlf=false' -- patch --wolf \
  "$scratch/bad" "${out[@]}"
refuses 'toy: trees swapped' 4 'exchange --wolf and --interpipe' -- patch --wolf "$interpipe" \
  --interpipe "$wolf" "${out[@]}"
spoil bash -c 'mv src/once.cpp src/once && ln -s once src/once.cpp'
refuses 'toy: a symbolic link in the way' 4 src/once.cpp 'symbolic link' -- patch --wolf \
  "$scratch/bad" "${out[@]}"
spoil bash -c 'mv src elsewhere && ln -s elsewhere src'
refuses 'toy: a folder that is a symbolic link' 4 'symbolic link' -- patch --wolf "$scratch/bad" \
  "${out[@]}"
spoil rm -rf .git
git init -q --bare "$scratch/bare"
refuses 'toy: a bare repository' 3 'bare repository' 'worktree add' -- patch --wolf \
  "$scratch/bare" "${out[@]}"
git_in init -q . && git_in add -A && git_in commit -q -m pinned
git_in commit -q --allow-empty -m later
echo more >>"$scratch/bad/src/once.cpp" && git_in commit -q -a -m other
refuses 'toy: another commit: its id' 4 "Its HEAD is $(git -C "$scratch/bad" rev-parse HEAD)" -- \
  patch --wolf "$scratch/bad" "${out[@]}"
cp -- "$house/upstream.pins" "$scratch/kept.pins"
sed -i "s/^commit 1.*/commit $(git -C "$scratch/bad" rev-parse HEAD~2)/" "$house/upstream.pins"
build patch --wolf "$scratch/bad" --out "$place/moved"
check 'toy: with the pinned commit it goes, and how far it is is told' grep -q \
  '2 commits after and 0 before' "$scratch/log"
cp -- "$scratch/kept.pins" "$house/upstream.pins"
git_in reset -q --hard HEAD~1
echo dirty >>"$scratch/bad/src/not ours.txt"
build patch --wolf="$scratch/bad" --out="$place/dirty"
check 'toy: local changes outside of the series are told' grep -q '1 local change(s)' "$scratch/log"
check 'toy: --wolf=DIR is taken' test "$status" = 0
"$BUILD" patch --version >"$scratch/log"
check '--version says it, everywhere' grep -q -x 'wolf-guard .*' "$scratch/log"
status=0
sh "$BUILD" -h >"$scratch/log" 2>&1 || status=$?
check 'sh build.sh says bash, or is bash' test "$status" = 0 -o -n \
  "$(grep 'bash build.sh' "$scratch/log")"

says_help() { "$BUILD" "$@" >"$scratch/log" && (($(wc -l <"$scratch/log") <= 24)) && (($(wc -L \
  <"$scratch/log") <= 82)); }
check 'help fits a screen' says_help -h

# Without a subcommand: what verify/demo says, then the way to a patched tree, or the patched trees
# themselves.
alone=$scratch/alone
mkdir -p -- "$alone/verify" "$alone/tools/series"
cp -- "$repository/build.sh" "$repository/upstream.pins" "$alone"
cp -- "$repository"/tools/series/*.sh "$alone/tools/series"
demo() { # STATUS: of a demo that ends so
  printf '#!/bin/sh\necho shown\nexit %s\n' "$1" >"$alone/verify/demo"
  chmod +x -- "$alone/verify/demo"
  status=0
  "$alone/build.sh" >"$scratch/log" 2>&1 || status=$?
}
status=0
"$alone/build.sh" >"$scratch/log" 2>&1 || status=$?
check 'no subcommand, no suite' test "$status" = 3 -a -n "$(grep verify/demo "$scratch/log")"
demo 0
check 'no subcommand: shown, and how to go on' test "$status" = 0 -a -n \
  "$(grep -e '--wolf DIR' "$scratch/log")"
demo 1
check 'no subcommand: a scenario that fails is told' test "$status" = 1 -a -n \
  "$(grep -e '--wolf DIR' "$scratch/log")"
demo 3
check 'no subcommand: tools are missing' test "$status" = 3 -a -z \
  "$(grep -e '--wolf DIR' "$scratch/log")"
mkdir -p -- "$alone/upstream/wolf"
demo 0
check 'no subcommand: what lies in upstream/ is patched, or refused' test "$status" != 0 -a -n \
  "$(grep series "$scratch/log")"

check 'every exit status stands in the help' test \
  "$("$BUILD" -h | sed -n '/^Exit/,$p' | grep -o '\b[0-9] ' | sort -u | wc -l)" = 10
finish
