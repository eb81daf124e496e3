# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# build.sh embed: the patches that add guard/ to the trees, generated from guard/.

# The file in guard/embed/ that builds it in a tree, the patch, and its place in the tree.
readonly -A embed_build=([wolf]=CMakeLists.txt [gst-interpipe]=meson.build)
readonly -A embed_patch=([wolf]=wolf/0001-guard-sources.patch
  [gst-interpipe]=gst-interpipe/0010-guard-lock-sources.patch)
readonly -A embed_place=([wolf]=wolf/src/wolf-guard
  [gst-interpipe]=gst-interpipe/gst/interpipe/wolf-guard)

embedded_files() { # TREE: the build file and the files that it names
  local build=$guard/embed/${embed_build[$1]}
  printf '%s\n' "$build"
  grep -oE "(^|[ '])(include|src)/[^' )]*\.(c|h|hpp)" "$build" | sed "s|^[ ']*|$guard/|"
}

guard_patch() { # TREE TARGET: on stdout; its own header is kept, so it is edited there
  local tree=$1 file files name
  if [[ -s $2 ]]; then
    header "$2"
  else
    cat <<EOF
Description: add the sources of wolf-guard
 The C library that the hooks of the following patches call. Nothing calls it
 yet, so this patch changes no behaviour; it costs its compile time.
 Generated from guard/ by build.sh embed: edit there.
Origin: vendor
Forwarded: no
License: MIT
Last-Update: $(date -u +%F)
Evidence: ctest guard-*
EOF
  fi
  mapfile -t files < <(embedded_files "$tree")
  for file in "${files[@]}"; do
    name=${file#"$guard/"}
    [[ -s $file ]] || die 8 "$file is missing or empty; a patch cannot add it"
    diff_file 0 /dev/null "$file" "${embed_place[$tree]}/${name#embed/}"
  done
}

subcommand_embed() {
  local tree target
  need diff awk flock mktemp cmp
  [[ -d $guard/src ]] || die 3 "$guard has no src/; name the library's folder with --guard DIR"
  if [[ -z $check ]]; then begin "${patches%/*}" patches; fi
  for tree in "${trees[@]}"; do
    if [[ ! -e $guard/embed/${embed_build[$tree]} ]]; then continue; fi
    target=$patches/${embed_patch[$tree]}
    if [[ -n $check ]]; then
      [[ -r $target ]] || die 9 "$target does not exist; run build.sh embed"
      guard_patch "$tree" "$target" | cmp -s -- - "$target" ||
        die 9 "$target is not what $guard says; run build.sh embed"
      echo "$target: as in $guard"
    else
      mkdir -p -- "$work/new/$tree"
      guard_patch "$tree" "$target" >"$work/new/${embed_patch[$tree]}"
    fi
  done
  if [[ -z $check ]]; then take_patches; fi
}
