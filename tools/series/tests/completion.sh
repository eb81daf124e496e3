#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
#   tools/series/tests/completion.sh BUILD
#
# What Debian's packages add to the programs in BUILD: a manual page made of each --help, and
# completion of their options, choices and names in bash. Also: the versions agree.
# shellcheck source=lib.sh
. "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"

root=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/../../.." && pwd -P)
programs=(wg-fault wolf-interpipe wolf-lab wolf-locks wolf-probe wolf-scenarios)
mkdir -- "$scratch/bin"
for program in "${programs[@]}"; do
  found=$(find "$1" -type f -name "$program" -perm -u+x -print -quit)
  ln -s -- "$(realpath -- "$found")" "$scratch/bin/$program"
done

of_debian=$(sed -n '1s/.*(\(.*\)).*/\1/p' "$root/debian/changelog")
of_cmake=$(sed -n 's/^project(.* VERSION \([0-9.]*\) .*/\1/p' "$root/CMakeLists.txt")
check "debian/changelog has the project's version" test "$of_debian" = "$of_cmake"
check 'each program is in debian/rules' \
  test "$(sed -n 's/^programs = //p' "$root/debian/rules")" = "${programs[*]}"
check 'the completion names each program' \
  grep -qx "complete -F _wolf_guard ${programs[*]}" "$root/debian/completion/wolf-probe"

if type -P help2man >/dev/null; then
  "$root/debian/man" "$scratch/bin" "$scratch/man" "${programs[@]}" 2>"$scratch/log"
  check 'help2man makes the manual pages' test "$?" = 0 -a ! -s "$scratch/log"
  bad=''
  for program in "${programs[@]}" wolf-probe-{abuse,cert,health,latency,malformed,session}; do
    page=$scratch/man/$program.1
    for part in NAME SYNOPSIS DESCRIPTION '"SEE ALSO"'; do
      grep -q "^.SH $part" "$page" || bad+=" $program:$part"
    done
    command=("$scratch/bin/$program")
    if [[ $program == wolf-probe-* ]]; then
      command=("$scratch/bin/wolf-probe" "${program#wolf-probe-}")
    fi
    # Each option is the head of an entry, not a word in a paragraph.
    options=$("${command[@]}" --help 2>/dev/null | grep -c '^  \(-[a-z], \)\?--')
    heads=$(grep -A1 '^\.TP' "$page" | grep -c '^\\fB\\-')
    if ((options != heads)); then bad+=" $program:$options:$heads"; fi
  done
  check "each page has its parts:$bad" test -z "$bad"
else
  skip 'manual pages' 'help2man is not installed'
fi

complete_words() { # WORD...: what bash would offer for the last one
  PATH=$scratch/bin:$PATH bash --norc -O extglob -c '. "$1" || exit; shift
    COMP_WORDS=("$@") COMP_CWORD=$(($# - 1)) COMPREPLY=()
    _wolf_guard "$1"; printf "%s\n" "${COMPREPLY[@]}"' \
    bash "$root/debian/completion/wolf-probe" "$@"
}
# grep reads to the end: with -q it may leave a writer without a reader, which pipefail tells.
offers() { complete_words "${@:2}" | grep -xF -e "$1" >/dev/null; }
offers_only() { [[ $(complete_words "${@:2}" | paste -s -d ' ') == "$1" ]]; }
check 'an option' offers --preset= wolf-lab --pre
check 'an option with a short form' offers --socket= wg-fault --so
check 'choices of an option' offers_only 'before after' wolf-scenarios --side = ''
check 'a choice in part' offers_only after wolf-scenarios --side = a
check 'a choice behind a space' offers_only after wolf-scenarios --side a
check 'names of scenarios' offers cancel-stuck-push wolf-scenarios --only = cancel
check "commands of wolf-probe" \
  offers_only 'health session latency abuse malformed cert' wolf-probe ''
check "a command's own option" offers --keepalive wolf-probe latency --keep
check 'and not that of another' offers_only '' wolf-probe cert --keep
check "the tracer's commands" offers_only 'release' wg-fault rel
: >"$scratch/certificate.pem"
check 'a file where it is no choice' \
  offers "$scratch/certificate.pem" wolf-probe health --cert = "$scratch/cert"
finish
