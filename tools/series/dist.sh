# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# build.sh dist: the repository as one archive, the same bytes from the same content anywhere.

dist_files() { # the tracked files; in an unpacked archive those of its own list
  if is_checkout "$here"; then
    plain_git -C "$here" ls-files -z
  elif [[ -r $here/SHA256SUMS ]]; then
    sed 's/^[^ ]*  //' "$here/SHA256SUMS" | tr '\n' '\0'
  else
    die 3 "$here is neither a git checkout nor an unpacked archive; nothing says what belongs to it"
  fi
}

dist_date() { # of the content: the newest date in a patch's header
  local files
  files=("$here"/patches/*/*.patch)
  sed -n 's/^Last-Update: //p' "${files[@]}" | sort | tail -n 1
}

subcommand_dist() {
  local name date
  need tar gzip sha256sum xargs sort flock mktemp
  name=$(version)
  name=${name/ /-}
  out=$(realpath -m -- "${out:-$here/out/$name.tar.gz}")
  begin "${out%/*}" "${out##*/}"
  dist_files | sort -z >"$work/list"
  (cd -- "$here" && xargs -0 sha256sum <"$work/list") >"$work/SHA256SUMS"
  date=$(dist_date)
  attempt 7 "write $out" pack "$name" "$date"
  attempt 7 "write $out" mv -- "$work/archive" "$out"
  echo "$out: $(wc -l <"$work/SHA256SUMS") files, as of $date"
}

pack() { # NAME DATE
  tar --create --format=gnu --sort=name --owner=0 --group=0 --numeric-owner --mtime="$2 00:00:00Z" \
    --mode=go=rX,u+rw,a-s --no-recursion --transform="s,^,$1/," --directory="$here" --null \
    --files-from="$work/list" --directory="$work" SHA256SUMS |
    gzip --best --no-name >"$work/archive"
}
