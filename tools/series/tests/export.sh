#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# What build.sh export writes applies with the ordinary tools, to the same result; refresh brings
# edits back.
# shellcheck source=lib.sh
. "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"

# Nobody's settings, as on a packager's clean machine.
clean() { env -i PATH="$PATH" HOME="$scratch" LC_ALL=C EMAIL=t@localhost GIT_CONFIG_NOSYSTEM=1 \
  GIT_CONFIG_GLOBAL=/dev/null "$@"; }

fresh() { # TREE FROM: copy without history, at $scratch/fresh
  rm -rf -- "$scratch/fresh"
  cp -a -- "$2" "$scratch/fresh"
  rm -rf -- "$scratch/fresh/.git"
}

as_patched() { # TREE
  rm -rf -- "$scratch/fresh/"{.git,.pc,debian/patches,patches}
  rmdir -- "$scratch/fresh/debian" 2>/dev/null
  diff -r -q --no-dereference "$scratch/fresh" "$place/out/$1" >"$scratch/log"
}

with_patch() { # TREE FROM: plain patch -p1, as in a spec file
  local names
  fresh "$@"
  mapfile -t names <"$place/quilt/$1/patches/series"
  cat -- "${names[@]/#/$place/quilt/$1/patches/}" |
    patch -s -p1 -F0 -E -d "$scratch/fresh" --no-backup-if-mismatch || return 1
  as_patched "$1"
}

with_quilt() { # TREE FROM
  fresh "$@"
  mkdir -p -- "$scratch/fresh/debian"
  cp -R -- "$place/debian/$1/debian/patches" "$scratch/fresh/debian"
  (cd -- "$scratch/fresh" && clean QUILT_PATCHES=debian/patches quilt --quiltrc - push -a \
    --fuzz=0) >"$scratch/log" 2>&1 || return 1
  ! grep -q '^Hunk' "$scratch/log" && as_patched "$1"
}

with_git() { # TREE FROM
  fresh "$@"
  (cd -- "$scratch/fresh" && clean git init -q . && clean git -c core.autocrlf=false add -A -f &&
    clean git -c user.name=t commit -q -m pinned &&
    clean git -c user.name=t am -q -- "$place/git/$1"/*.patch) >"$scratch/log" 2>&1 || return 1
  [[ $(cd -- "$scratch/fresh" && clean git log --format=%s --reverse | sed 1d) == "$(
    series_lines "$house/series" | grep "^$1/" | while IFS= read -r name; do sed -n \
      's/^Description: //p; /^Description/q' "$house/patches/$name"; done)" ]] || {
    echo 'subjects differ' >"$scratch/log"; return 1; }
  as_patched "$1"
}

has_context() { grep -q '^ ' <(sed '1,/^@@/d' "$place/$1"/*/*.patch \
  "$place/$1"/*/patches/*.patch "$place/$1"/*/debian/patches/*.patch 2>/dev/null); }

exports() {
  local format tree from record=$scratch/record-$subject formats=(quilt debian git)
  # The other formats differ in the head of a patch only, which the toy shows.
  if [[ $subject == house ]]; then formats=(quilt); fi
  fingerprint "$wolf" >"$record"
  build patch "${trees[@]}" --out "$place/out"
  for format in "${formats[@]}"; do
    build export "${trees[@]}" --format "$format" --out "$place/$format"
    check "$subject: export --format $format" test "$status" = 0
  done
  for tree in wolf gst-interpipe; do
    from=$wolf
    if [[ $tree == gst-interpipe ]]; then from=$interpipe; fi
    if [[ -z $from ]]; then continue; fi
    if ! series_lines "$house/series" | grep "^$tree/" >/dev/null; then continue; fi
    check "$subject: $tree: the quilt export applies with plain patch" with_patch "$tree" "$from"
    if [[ $subject == house ]]; then continue; fi
    check "$subject: $tree: the debian export applies with quilt" with_quilt "$tree" "$from"
    check "$subject: $tree: the git export applies with git am, subjects kept" with_git "$tree" \
      "$from"
  done
  check "$subject: the given tree is as it was" untouched "$wolf" "$record"
  if [[ $subject != house ]]; then
    build export "${trees[@]}" --format quilt --out "$place/quilt"
    check "$subject: an export a second time" test "$status" = 0
  fi

  # refresh, on a copy of the house: without an edit it changes nothing, from quilt and from git.
  cp -R -- "$house/patches" "$house/series" "$house/upstream.pins" "$place"
  local kept=$house house=$place
  build refresh --wolf "$place/out/wolf"
  check "$subject: refresh of an unedited work tree changes nothing" same_house "$kept"
  if [[ $subject == house ]]; then return; fi
  fresh wolf "$wolf"
  (cd -- "$scratch/fresh" && clean git init -q . && clean git -c core.autocrlf=false add -A -f \
    && clean git -c user.name=t commit -q -m pinned &&
    clean git tag pin && clean git -c user.name=t am -q -- "$place/git/wolf"/*.patch)
  build refresh --wolf "$scratch/fresh" --base pin
  check "$subject: refresh from the same commits in git changes nothing" same_house "$kept"
}
# On a skeleton a new diff may be another one: nearly all lines are alike there. What it makes of
# the tree may not.
same_house() {
  if [[ $subject == house ]]; then same_effect; else same_bytes "$1"; fi
}
same_effect() {
  ((status == 0)) || return 1
  build patch "${trees[@]}" --out "$place/again"
  ((status == 0)) && diff -r -q --no-dereference -x .pc -x patches -x .wolf-guard "$place/out" \
    "$place/again" >>"$scratch/log"
}
same_bytes() { ((status == 0)) && diff -r "$1/patches" "$place/patches" >>"$scratch/log" && diff \
  "$1/series" "$place/series" >>"$scratch/log"; }
each_subject exports

subject=toy wolf=$scratch/toy/wolf interpipe=$scratch/toy/gst-interpipe \
  place="$scratch/toy place" house="$scratch/toy place"
trees=(--wolf "$wolf" --interpipe "$interpipe")
check 'toy: an export has context' has_context quilt
refuses 'toy: an export of a wrong format' 2 --format -- export "${trees[@]}" --format rpm --out \
  "$place/rpm"
echo >>"$place/git/wolf/0001-add.patch"
refuses 'toy: an edited export is not replaced' 6 0001-add.patch -- export "${trees[@]}" \
  --format git --out "$place/git"

# The edits of a maintainer: in a file of a patch, in a new patch; and one that would have been
# lost.
in_form() { awk -f "$lab/form.awk" "$house"/patches/*/*.patch >"$scratch/log"; }
tree=$place/out
sed -i 's/^line 30/thirty/; s/^five$/FIVE/' "$tree/wolf/src/stacked.cpp"
(cd -- "$tree" && clean bash -c \
  'q() { quilt --quiltrc patches/quiltrc "$@"; }; q new wolf/0004-more.patch
  q add wolf/CMakeLists.txt; echo more >>wolf/CMakeLists.txt' >/dev/null)
build refresh --wolf "$tree"
check 'toy: refresh takes edits' test "$status" = 0
check 'toy: an edit is in the last patch of its file' grep -q -x +thirty \
  "$house/patches/wolf/0003-again.patch"
check 'toy: a new patch is in the series, at its place' grep -q -x wolf/0004-more.patch \
  "$house/series"
check "toy: comments in the series stay" grep -q -x '# a toy' "$house/series"
check 'toy: headers stay' grep -q -x 'Evidence: scenario again' \
  "$house/patches/wolf/0003-again.patch"
{ toy_header more; cat -- "$house/patches/wolf/0004-more.patch"; } >"$scratch/new" && mv -- \
  "$scratch/new" "$house/patches/wolf/0004-more.patch"
check 'toy: what refresh wrote is in form' in_form
echo lost >>"$tree/wolf/src/not ours.txt"
refuses 'toy: an edit in a file of no patch' 8 'wolf/src/not ours.txt' 'in no patch' -- refresh \
  --wolf "$tree"
refuses 'toy: refresh of a plain tree' 4 "$wolf" -- refresh --wolf "$wolf"

# The same from git: a patch amended, one dropped.
edit_in_git() {
  cd -- "$scratch/fresh" && clean git reset -q --hard pin && clean git -c user.name=t am -q -- \
    "$scratch/toy place/git2/wolf"/000[12]*.patch &&
    sed -i 's/^five c/five C/' src/stacked.cpp && clean git -c user.name=t commit -q -a --amend \
      --no-edit
}
house=$scratch/toy/house
build export "${trees[@]}" --format git --out "$place/git2"
house=$place
rm -rf -- "$place/patches" "$place/series" && cp -R -- "$scratch/toy/house/patches" \
  "$scratch/toy/house/series" "$place"
fresh wolf "$wolf"
(cd -- "$scratch/fresh" && clean git init -q . && clean git add -A -f && clean git -c \
  user.name=t commit -q -m pinned && clean git tag pin)
(edit_in_git) >"$scratch/log" 2>&1
build refresh --wolf "$scratch/fresh" --base pin
check 'toy: refresh from git takes an amended commit' grep -q -x '+five C' \
  "$place/patches/wolf/0002-stack.patch"
check 'toy: refresh from git drops what has no commit' bash -c \
  '! grep -q 0003 "$1" && grep -q gst-interpipe/0001 "$1"' - "$place/series"
check 'toy: and says so' grep -q 'wolf/0003-again.patch: no longer in the series' "$scratch/log"
(cd -- "$scratch/fresh" && clean git -c user.name=t commit -q --allow-empty -m nameless)
refuses 'toy: a commit that names no patch' 8 Wolf-Guard-Patch -- refresh --wolf \
  "$scratch/fresh" --base pin
echo dirty >>"$scratch/fresh/CMakeLists.txt"
refuses 'toy: uncommitted changes' 4 uncommitted -- refresh --wolf "$scratch/fresh" --base pin
refuses 'toy: an unknown base' 4 nothing-like-it -- refresh --wolf "$scratch/fresh" --base \
  nothing-like-it

# pins, from a git checkout: the commit follows, local changes are refused.
(cd -- "$scratch/fresh" && clean git checkout -q -f pin)
build pins --wolf "$scratch/fresh"
check 'toy: pins takes the commit of a checkout' grep -q -x \
  "commit $(cd -- "$scratch/fresh" && clean git rev-parse HEAD)" "$place/upstream.pins"
check "toy: pins leaves the other tree's lines" diff <(sed -n '/^tree gst/,$p' \
  "$scratch/toy/house/upstream.pins") <(sed -n '/^tree gst/,$p' "$place/upstream.pins")
echo dirty >>"$scratch/fresh/src/stacked.cpp"
refuses 'toy: pins of a locally changed file' 4 'local changes' -- pins --wolf "$scratch/fresh"
finish
