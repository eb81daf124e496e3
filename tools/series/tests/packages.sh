#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# What packagers make of an export, with their own tools: a Debian source package and its binary,
# RPM's %autosetup; and the archive of build.sh dist, which is the same bytes anywhere.
# shellcheck source=lib.sh
. "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"

as_patched() { # DIR: the tree there is the patched one
  diff -r -q --no-dereference -x .pc -x debian -x .git "$place/out/$tree" "$1" >"$scratch/log"
}
clean() { env -i PATH="$PATH" HOME="$scratch" LC_ALL=C "$@"; }

debian_files() { # DIR: the least that a source package needs; its binary holds the patched sources
  local name
  mkdir -p -- "$1/debian/source"
  echo '3.0 (quilt)' >"$1/debian/source/format"
  printf '%s\n' "toy-$tree (1.0-1) unstable; urgency=low" '' '  * A test.' '' \
    ' -- Nobody <nobody@localhost>  Thu, 01 Jan 2026 00:00:00 +0000' >"$1/debian/changelog"
  printf '%s\n' "Source: toy-$tree" 'Maintainer: Nobody <nobody@localhost>' 'Section: misc' \
    'Priority: optional' 'Standards-Version: 4.6.2' 'Rules-Requires-Root: no' '' \
    "Package: toy-$tree" 'Architecture: all' 'Description: a test' ' Of an exported series.' \
    >"$1/debian/control"
  printf '%s\n' '#!/usr/bin/make -f' 'root = debian/tmp' 'clean build build-indep build-arch:' \
    'binary: binary-indep' 'binary-arch:' 'binary-indep:' \
    $'\tmkdir -p $(root)/usr/share/toy $(root)/DEBIAN' \
    $'\tcp -R $(filter-out debian,$(wildcard *)) $(root)/usr/share/toy' \
    $'\tdpkg-gencontrol -Pdebian/tmp' $'\tdpkg-deb --root-owner-group --build $(root) ..' \
    >"$1/debian/rules"
  chmod 755 -- "$1/debian/rules"
}

debian() { # a source package, unpacked again, and built
  local top=$scratch/debian-$subject source log=$scratch/log
  source=$top/toy-$tree-1.0
  rm -rf -- "$top"
  mkdir -- "$top" && cp -a -- "$from" "$source" && rm -rf -- "$source/.git"
  (cd -- "$top" && tar -czf "toy-${tree}_1.0.orig.tar.gz" "${source##*/}")
  debian_files "$source"
  cp -R -- "$place/debian/$tree/debian/patches" "$source/debian"
  (cd -- "$top" && clean dpkg-source -b "${source##*/}" && rm -rf -- "$source" &&
    clean dpkg-source -x "toy-${tree}_1.0-1.dsc" "$source") >"$log" 2>&1
  check "$subject: $tree: dpkg-source takes the export" test $? = 0
  check "$subject: $tree: unpacked, it is the patched tree" as_patched "$source"
  if [[ $subject != toy ]]; then return; fi
  (cd -- "$source" && clean dpkg-buildpackage -us -uc -b -d) >"$log" 2>&1
  check "$subject: $tree: dpkg-buildpackage builds it" test $? = 0
  clean dpkg-deb -x "$top/toy-${tree}_1.0-1_all.deb" "$top/installed"
  check "$subject: $tree: the package holds the patched sources" \
    as_patched "$top/installed/usr/share/toy"
}

rpm() { # %autosetup -p1
  local top=$scratch/rpm-$subject name patches i=0
  rm -rf -- "$top"
  mkdir -p -- "$top"/{SOURCES,SPECS,BUILD,"toy-1.0"}
  cp -a -- "$from/." "$top/toy-1.0" && rm -rf -- "$top/toy-1.0/.git"
  tar -czf "$top/SOURCES/toy-1.0.tar.gz" -C "$top" toy-1.0
  mapfile -t patches <"$place/quilt/$tree/patches/series"
  cp -- "$place/quilt/$tree/patches"/*.patch "$top/SOURCES"
  {
    printf '%s\n' 'Name: toy' 'Version: 1.0' 'Release: 1' 'Summary: A test' 'License: MIT' \
      'Source0: toy-1.0.tar.gz'
    for name in "${patches[@]}"; do echo "Patch$((++i)): $name"; done
    printf '%s\n' '%description' 'A test.' '%prep' '%autosetup -p1' '%files'
  } >"$top/SPECS/toy.spec"
  # rpm splits its folder at spaces.
  ln -sfn -- "$top" "$link"
  (cd / && clean rpmbuild --nodeps --define "_topdir $link" -bp "$link/SPECS/toy.spec") \
    >"$scratch/log" 2>&1
  check "$subject: $tree: rpmbuild's %autosetup -p1 takes the export" test $? = 0
  check "$subject: $tree: and it gives the patched tree" as_patched "$top/BUILD/toy-1.0"
}

packages() {
  local tree=wolf from=$wolf
  build patch --wolf "$wolf" --out "$place/out"
  build export --wolf "$wolf" --format debian --out "$place/debian"
  build export --wolf "$wolf" --format quilt --out "$place/quilt"
  if type -P dpkg-buildpackage make >/dev/null; then
    debian
  else
    skip "$subject: a Debian source package" 'dpkg-dev is not installed'
  fi
  if type -P rpmbuild >/dev/null; then rpm; else skip "$subject: an RPM" 'rpm is not installed'; fi
}
link=$(mktemp -u)
subjects=(toy real)
each_subject packages
rm -f -- "$link"

"$BUILD" dist --out "$scratch/a.tar.gz" >"$scratch/log" 2>&1
status=$?
if ((status == 3)); then
  skip 'an archive of the repository' 'it has no list of its files'
else
  check 'dist packs the repository' test "$status" = 0
  mkdir -- "$scratch/unpacked"
  tar -xzf "$scratch/a.tar.gz" -C "$scratch/unpacked"
  again() { # with another umask, in another folder
    cd -- "$scratch/unpacked"/* && sha256sum --quiet -c SHA256SUMS && umask 077 &&
      ./build.sh dist --out "$scratch/b.tar.gz"
  }
  (again) >"$scratch/log" 2>&1
  check 'its sums are right, and it packs itself' test $? = 0
  check 'to the same bytes' cmp "$scratch/a.tar.gz" "$scratch/b.tar.gz"
fi
finish
