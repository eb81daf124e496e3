# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# build.sh deb: the tools and relay as Debian packages, the same bytes from the same commit.

subcommand_deb() {
  local epoch missing source
  need tar dpkg-buildpackage dpkg-checkbuilddeps sha256sum xargs sort flock mktemp
  # "Unmet build dependencies: a (>= 1) b | c": the command names a and b.
  if ! missing=$(dpkg-checkbuilddeps "$here/debian/control" 2>&1); then
    missing=$(sed 's/.*: //; s/ ([^)]*)//g; s/ |  *[^ ]*//g; s/:native//g' <<<"$missing")
    die 5 "missing: $missing; install as root with: apt-get update && apt-get install $missing"
  fi
  out=${out:-$here/out/deb}
  begin_result
  if is_checkout "$here"; then
    epoch=$(plain_git -C "$here" log -1 --format=%ct)
  else
    epoch=$(date -u -d "$(dist_date)" +%s)
  fi
  source=$work/build/wolf-guard
  dist_files | sort -z >"$work/list"
  mkdir -p -- "$source" "$work/result"
  # The files get the commit's date and no right that depends on the umask.
  tar --create --mtime="@$epoch" --mode=go=rX,u+rw,a-s --no-recursion --directory="$here" --null \
    --files-from="$work/list" | tar --extract --same-permissions --directory="$source"
  say "building; this takes minutes"
  if ! (umask 022 && cd -- "$source" && SOURCE_DATE_EPOCH=$epoch dpkg-buildpackage -us -uc -b) \
    >"$work/log" 2>&1; then
    die 1 "dpkg-buildpackage failed:"$'\n'"$(tail -n 30 "$work/log")"
  fi
  mv -- "$work/build"/*.deb "$work/result"
  finish_result
  (cd -- "$out" && sha256sum -- *.deb)
}
