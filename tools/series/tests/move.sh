#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# The series on trees that are not the pinned one: moved, merged, left out, in conflict, refused.
# shellcheck source=lib.sh
. "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"

subject=toy house=$scratch/toy/house wolf=$scratch/toy/wolf interpipe=$scratch/toy/gst-interpipe
place="$scratch/place" other=$scratch/other
make_toy "$scratch/toy"
mkdir -- "$place"
out=(--out "$place/out") moved=(--pinned "$wolf")

other() { # COMMAND...: $other is a fresh copy of the Wolf tree, changed by the command
  rm -rf -- "$other" "$place/out"
  cp -a -- "$wolf" "$other"
  (cd -- "$other" && rm -rf .git && "$@")
}
moves() { # NAME PIECE...: with $other the series goes through, and the table has these pieces
  local name=$1 piece bad=0
  shift
  build patch --wolf "$other" "${moved[@]}" "${out[@]}"
  ((status == 0)) || bad=1
  for piece; do grep -q -E -e "$piece" "$scratch/log" || { bad=1; echo "# no word of: $piece"; \
    }; done
  report "$bad" "$name"
}
has() { # LINE FILE
  grep -q -F -x -e "$1" -- "$place/out/wolf/$2"
}

# Without the pinned files there is nothing to merge with.
other sed -i '1i first' src/stacked.cpp
refuses 'without the pinned tree: both ways are named' 4 '--pinned DIR' 'git checkout' -- \
  patch --wolf "$other" "${out[@]}"
refuses 'a --pinned that is another tree' 4 '--pinned DIR' -- patch --wolf "$other" --pinned \
  "$interpipe" "${out[@]}"

moves 'lines further down: moved' '0001-add.patch +as is' \
  '0002-stack.patch +moved \(2 of 2 hunks by \+1\)'
check 'and at their places' test "$(sed -n 6,8p "$place/out/wolf/src/stacked.cpp")" = \
  five$'\n''five B'$'\n''five c'
quilted() {
  (cd -- "$place/out" && unset QUILT_PATCHES QUILT_PATCH_OPTS && quilt --quiltrc patches/quiltrc \
    pop -a &&
    diff -r --no-dereference "$other" wolf && quilt --quiltrc patches/quiltrc push -a) \
      >"$scratch/log" 2>&1
}
check 'the result is a work tree of quilt, down to the given tree' quilted
build export --wolf "$other" "${moved[@]}" --format git --out "$place/git"
check 'an export of a moved series' test "$status" = 0
build export --wolf "$other" "${moved[@]}" --format debian --out "$place/debian"
check 'and as debian/patches' test "$status" = 0

other sed -i 's/^line 4$/LINE 4/; s/^line 21$/line twenty-one/' src/stacked.cpp
refuses 'a changed line that the patch removes: a conflict, with the table' 8 '0002-stack.patch' \
  'in conflict' -- \
  patch --wolf "$other" "${moved[@]}" "${out[@]}"
other sed -i 's/^line 4$/LINE 4/; s/^line 23$/LINE 23/' src/stacked.cpp
moves 'a neighbouring line: merged' 'merged|beside a changed line'
check 'with both changes' has 'LINE 4' src/stacked.cpp
check 'and the patch' has 'five c' src/stacked.cpp
other sed -i 's/^line 5$/int line 5/' src/stacked.cpp
refuses 'the same words on both sides: a conflict' 8 'in conflict' -- patch --wolf "$other" \
  "${moved[@]}" "${out[@]}"
other sed -i '20,21d' src/stacked.cpp
moves 'a change that upstream has, too' '0002-stack.patch +merged'
other sed -i 's/$/ /' src/removed.cpp
refuses 'a file that the patch removes, and that has changed' 8 'removed.cpp' -- patch --wolf \
  "$other" "${moved[@]}" "${out[@]}"
other bash -c 'echo own >src/added.c'
refuses "a tree with its own file in place of an added one" 8 "its own src/added.c" -- patch \
  --wolf "$other" "${moved[@]}" "${out[@]}"
other bash -c 'printf "%s\n" one "-- two" three >src/added.c; echo more >>src/once.cpp'
moves 'the file that the patch adds is there already' '0001-add.patch +already there'
check 'and its patch is not in the series' bash -c '! grep -q 0001 "$1"' - \
  "$place/out/patches/series"

# What patches/rules says.
rules() { printf '%s\n' "$@" >"$house/patches/rules"; }
other sed -i 's/^line 21$/line twenty-one/' src/stacked.cpp
rules 'patch wolf/0003' 'needs 0002'
build patch --wolf "$other" "${moved[@]}" "${out[@]}" --keep-going
check '--keep-going leaves out what conflicts' test "$status" = 0 -a -n \
  "$(grep '0002-stack.patch .*in conflict' "$scratch/log")"
check 'and what needs it' grep -q '0003-again.patch .*left out (needs 0002-stack.patch)' \
  "$scratch/log"
check 'and says what is missing' grep -q 'build.sh: left out: 0002-stack.patch 0003-again.patch' \
  "$scratch/log"
check 'the rest is applied' has three src/added.c
rm -rf -- "$place/out"
rules 'patch wolf/0002' core
refuses '--keep-going does not leave out the core' 8 'core' 0002-stack.patch -- patch --wolf \
  "$other" "${moved[@]}" "${out[@]}" --keep-going
rules 'patch wolf/0001' core
other true
build patch --wolf "$other" "${out[@]}" --only core
check '--only core: the pinned tree needs nothing else' test "$status" = 0 -a \
  "$(<"$place/out/patches/series")" = wolf/0001-add.patch
rules 'patch wolf/0003' 'has 2 src/stacked.cpp ^(five B|twenty-two)$' 'none src/ ^line 5$' \
  $'every src/stacked.cpp ^five\t^five'
rm -rf -- "$place/out"
moves 'postconditions hold' '3 patches applied'
other sed -i '$a line 5' src/stacked.cpp
refuses 'planted: one more of the lines that the patch removes' 8 'patches/rules' \
  'src/stacked.cpp:' -- \
  patch --wolf "$other" "${moved[@]}" "${out[@]}"
other bash -c 'echo "line 5" >src/new.cpp'
refuses 'planted: in a file that the series does not know' 8 'src/new.cpp:1' -- patch --wolf \
  "$other" "${moved[@]}" "${out[@]}"
rules 'patch wolf/0003' 'has 3 src/stacked.cpp ^(five B|twenty-two)$'
other true
refuses 'on the pinned tree as well' 8 '2 lines, not 3' -- patch --wolf "$other" "${out[@]}"
rules 'patch wolf/0003' 'optional src/once.cpp ^b 3$'
other sed -i '1,6c other' src/once.cpp
moves 'code that the tree lacks, where a rule allows it' '0003-again.patch +merged \(1 place'
other sed -i 's/^line 21$/line twenty-one/' src/stacked.cpp
rules 'patch wolf/0002' 'rewrites src/stacked.cpp ^line t'
moves 'another form of code that the patch replaces wholly, where a rule knows it' \
  '0002-stack.patch +merged'
check 'is replaced' bash -c '! grep -q twenty-one "$1"' - "$place/out/wolf/src/stacked.cpp"
# One line changed by both, and lines of one side's own beside it.
solves() { # LINE...: a conflict of git merge-file --diff3, as it comes out without one
  printf '%s\n' "$@" | awk -f "$repository/tools/series/adjacent.awk"
}
use='run(queue.get(), id);'
check "the patch's own line beside one that both change" test "$(solves '<<<<<<< tree' \
  'run(queue.get(), id, size);' '||||||| pinned' "$use" ======= 'auto limit = 5;' \
  'run(queue->get(), id);' '>>>>>>> patch')" = 'auto limit = 5;'$'\n''run(queue->get(), id, size);'
check "the tree's own line beside it" test "$(solves '<<<<<<< tree' 'run(queue.get(), id, size);' \
  'more();' '||||||| pinned' "$use" ======= 'run(queue->get(), id);' '>>>>>>> patch')" = \
  'run(queue->get(), id, size);'$'\n''more();'
solves '<<<<<<< tree' 'before();' 'run(queue.get(), id, size);' '||||||| pinned' "$use" ======= \
  'auto limit = 5;' 'run(queue->get(), id);' '>>>>>>> patch' >"$scratch/log"
check 'but not lines of both at one place' test $? = 1
solves '<<<<<<< tree' 'run(queue.get(), id, size);' '||||||| pinned' "$use" ======= \
  'auto limit = 5;' 'something(else);' '>>>>>>> patch' >"$scratch/log"
check 'nor a line that is gone' test $? = 1
# What a block has. The patch puts "five" into the first function here.
within() { # FIRST LAST: the lines of the second function
  other blocks "$@"
}
blocks() {
  awk -v first="$1" -v last="$2" 'NR == first { print "}\n  void second (void)\n{" }
    NR == 1 { print "/* { " $0 "\n { */ void first(int a, // {\n  int b) {"; next }
    { print }
    NR == last { print "\"}\"\n}" }' src/stacked.cpp >blocks && mv -- blocks src/stacked.cpp
}
within 10 24
rules 'patch wolf/0002' \
  'inside src/stacked.cpp void first\(int a,int b\)	^line 2.*five five B five c' \
  'inside src/stacked.cpp void second\(void\)	line 19 twenty-two' \
  'inside src/stacked.cpp void second\(void\)	!line 20' 'inside src/stacked.cpp *	^void first\('
moves 'a block has what it should have, in any form' '0002-stack.patch +(merged|moved)'
within 4 24
refuses 'planted: what belongs to one function comes to another' 8 'patches/rules' \
  'the block of void first(int a,int b) does not match ^line 2.*five five B' -- \
  patch --wolf "$other" "${moved[@]}" "${out[@]}"
within 10 24
rules 'patch wolf/0002' 'inside src/stacked.cpp void first\(int a,int b\)	five B.*line 4'
refuses 'planted: what has to come before something comes behind it' 8 \
  'does not match five B.*line 4' -- patch --wolf "$other" "${moved[@]}" "${out[@]}"
rules 'patch wolf/0002' 'inside src/stacked.cpp void second\(void\)	!line 19'
refuses 'planted: a block has what it must not have' 8 'void second(void) matches line 19' -- \
  patch --wolf "$other" "${moved[@]}" "${out[@]}"
rules 'patch wolf/0002' 'inside src/stacked.cpp void third\(	five'
refuses 'planted: the block is not there' 8 'no block, of which the head matches void third' -- \
  patch --wolf "$other" "${moved[@]}" "${out[@]}"
rules 'patch wolf/0002' 'optional src/stacked.cpp nowhere' \
  'inside? src/stacked.cpp void third\(	five'
moves 'a block that only trees with optional code have' '3 patches applied'
rules 'patch wolf/0003' 'haz 1 x y'
refuses 'a rule with an unknown word' 8 haz -- patch --wolf "$other" "${moved[@]}" "${out[@]}"
rm -- "$house/patches/rules"

# Another base: it has once.cpp no more, and a second patch of its own.
copy=$scratch/copy
mkdir -p -- "$copy/bases/old/wolf" "$copy/tools"
cp -- "$repository"/{build.sh,quiltrc,CHANGELOG.md} "$copy"
cp -R -- "$repository/tools/series" "$copy/tools"
cp -R -- "$house"/{series,patches,upstream.pins} "$copy"
other rm src/once.cpp
other=$scratch/old && rm -rf -- "$other" && mv -- "$scratch/other" "$other"
sed 's/+five c/+FIVE C/' "$house/patches/wolf/0002-stack.patch" \
  >"$copy/bases/old/wolf/0002-stack.patch"
printf '%s\n' wolf/0001-add.patch wolf/0002-stack.patch >"$copy/bases/old/series"
printf '%s\n' 'tree wolf' "commit $(printf '3%.0s' {1..40})" >"$copy/bases/old/upstream.pins"
printf '%s\n' 'patch wolf/0002' 'has 1 src/stacked.cpp ^FIVE' >"$copy/bases/old/rules"
printf '%s\n' 'patch wolf/0002' 'none src/stacked.cpp ^FIVE' >"$copy/patches/rules"
"$copy/build.sh" pins --wolf "$other" --series "$copy/bases/old/series" >"$scratch/log" 2>&1
check 'the pins of a base' grep -q '^sha256 .*  src/stacked.cpp' "$copy/bases/old/upstream.pins"
based() { # ARGUMENT...
  rm -rf -- "$place/out"
  status=0
  "$copy/build.sh" patch "$@" "${out[@]}" >"$scratch/log" 2>&1 || status=$?
}
based --wolf "$other"
check 'a tree that is a base: its series, with its own patch' test "$status" = 0 -a \
  "$(sed -n 5,7p "$place/out/wolf/src/stacked.cpp")" = $'five\nfive b\nFIVE C'
cp -R -- "$other" "$scratch/close" && sed -i '1i first' "$scratch/close/src/stacked.cpp"
based --wolf "$scratch/close" --pinned "$other"
check 'a tree that lacks what only the main pin has: from the base' grep -q \
  'is close to what bases/old is cut against' "$scratch/log"
check 'moved' grep -q '0002-stack.patch *moved (2 of 2 hunks by +1)' "$scratch/log"
printf '%s\n' 'patch wolf/0002' 'none src/stacked.cpp ^FIVE' >"$copy/bases/old/rules"
based --wolf "$other"
check "a base's rules are for its own patches" test "$status" = 8
based --wolf "$wolf"
check 'the main tree is none of it' bash -c 'test "$1" = 0 && ! grep -q bases/ "$2"' - "$status" \
  "$scratch/log"
other=$scratch/other

# A git checkout brings its pinned files itself.
g() { git -C "$other" -c commit.gpgSign=false -c core.autocrlf=false -c user.name=t -c \
  user.email=t@localhost "$@" >/dev/null; }
other true
g init -q . && g add -A && g commit -q -m pinned
sed -i "s/^commit 1.*/commit $(git -C "$other" rev-parse HEAD)/" "$house/upstream.pins"
sed -i '1i first' "$other/src/stacked.cpp" && g commit -q -a -m later
moved=()
moves 'a git checkout with the pinned commit' '0002-stack.patch +moved'
fingerprint "$other" >"$scratch/record"
rm -rf -- "$place/out"
build patch --wolf "$other" "${out[@]}"
check 'which is as it was' untouched "$other" "$scratch/record"
git -c core.autocrlf=false -c protocol.file.allow=always clone -q --depth 1 "file://$other" \
  "$scratch/shallow" 2>/dev/null
rm -rf -- "$place/out"
refuses 'a shallow clone: how to deepen it' 4 'shallow clone' 'git fetch origin' -- patch --wolf \
  "$scratch/shallow" "${out[@]}"
blob=$(git -C "$other" rev-parse HEAD~1:src/once.cpp)
rm -f -- "$other/.git/objects/${blob:0:2}/${blob:2}"
refuses 'a pinned commit with a missing blob' 4 'partial clone' src/once.cpp -- patch --wolf \
  "$other" "${out[@]}"

# The series' own rules, on the real tree: a hunk of a patch at a wrong place is refused.
misplaced() { # PATCH FROM TO REGEX: its hunk "@@ FROM @@" goes to TO
  local name file
  name=$(sed -n "s,^wolf/$1.*,&,p" "$repository/series")
  rm -rf -- "$scratch/planted" "$place/out"
  mkdir -- "$scratch/planted"
  cp -RL -- "$repository/patches" "$repository/series" "$repository/upstream.pins" \
    "$scratch/planted"
  file=$scratch/planted/patches/$name
  sed -i "s/^@@ -$2 @@\$/@@ -$3 @@/" "$file"
  cmp -s "$file" "$repository/patches/$name"
  check "real: $name has such a hunk" test $? = 1
  sed -n "1,\\,^$name\$,p" "$repository/series" >"$scratch/planted/series"
  house=$scratch/planted
  refuses "real: planted in $name: $4" 8 'patches/rules' "$name: " -- patch --wolf "$WOLF_TREE" \
    "${out[@]}"
}
if [[ ${WOLF_TREE-} ]]; then
  misplaced 0020 '200,0 +252,3' '205,0 +257,3' 'a check behind what it protects'
  misplaced 0023 '139,0 +140,4' '100,0 +101,4' 'a time limit in another function'
  misplaced 0024 '66,0 +72,3' '67,0 +73,3' 'a size is looked at too late'
  misplaced 0027 '388,0 +428,3' '440,0 +480,3' 'limits of another request'
  misplaced 0030 '247,0 +252,2' '300,0 +305,2' 'a start that is over too late'
else
  skip 'real: hunks at wrong places' 'WOLF_TREE is not given'
fi
finish
