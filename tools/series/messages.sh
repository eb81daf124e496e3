# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# What build.sh says, and how a run ends by itself.

say() { printf 'build.sh: %s\n' "$*" >&2; }

die() { # STATUS MESSAGE: the one message of a failed run
  trap - ERR
  say "$2"
  exit "$1"
}

catch_defects() {
  trap 'die 1 "unexpected failure in ${BASH_SOURCE[0]##*/}, line $LINENO: $BASH_COMMAND; please \
report it with the command that you ran"' ERR
}

remedy='make it writable' # for a place that cannot be written; --out knows a better one

attempt() { # STATUS WHAT COMMAND...: runs it, or dies with its first line of complaint
  local status=$1 what=$2 log code
  shift 2
  # Not "if log=…": bash ignores set -e in whatever a condition runs.
  trap - ERR
  set +e
  log=$(set -e; "$@" 2>&1)
  code=$?
  set -e
  catch_defects
  if ((code == 0)); then return; fi
  log=${log:-"$1 ended with status $code"}
  if [[ $log =~ 'No space left'|'Disk quota exceeded'|'File too large' ]]; then
    die 7 "cannot $what: ${log%%$'\n'*}; free some space, or $remedy"
  fi
  die "$status" "cannot $what: ${log%%$'\n'*}; $remedy"
}

need() { # TOOL...: all that are missing, in one message with one command
  local tool missing=() packages=()
  for tool; do
    if hash "$tool" 2>/dev/null; then continue; fi
    missing+=("$tool")
    case $tool in
    flock) packages+=(util-linux) ;;
    diff | cmp) packages+=(diffutils) ;;
    find | xargs) packages+=(findutils) ;;
    awk) packages+=(mawk) ;;
    dpkg-*) packages+=(dpkg-dev) ;;
    patch | git) packages+=("$tool") ;;
    *) packages+=(coreutils) ;;
    esac
  done
  if ((${#missing[@]})); then
    mapfile -t packages < <(printf '%s\n' "${packages[@]}" | sort -u)
    die 5 "missing: ${missing[*]}; install as root with: apt-get update && apt-get install\
 ${packages[*]}"
  fi
}
