# SPDX-License-Identifier: MIT
# shellcheck shell=bash
#
# What the test scripts of build.sh share. Each script prints TAP on stdout and takes nothing but
# its environment:
#
#   BUILD           the build.sh under test (default: this repository's)
# WOLF_TREE       a pristine Wolf tree at the pinned commit, INTERPIPE_TREE a gst-interpipe one:
# optional; with them the
#                   same checks run on the real trees as well
#   SCRATCH         where temporary folders go (default: TMPDIR)
#
# Checks run on up to three subjects: "toy", a small series made here with everything in it that a
# series can have (files
# added, stacked edits, insertions, removals, two trees); "house", the repository's own series on
# its skeleton; "real", the
# repository's own series on the given trees.

set -uo pipefail
export LC_ALL=C
unset POSIXLY_CORRECT QUILTRC

lab=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd -P)
repository=$(realpath -- "$lab/../../..")
BUILD=${BUILD:-$repository/build.sh}
readonly bound_seconds=20 \
  # for any condition that is waited for; a loaded machine needs a fraction of it

scratch=$(mktemp -d -- "${SCRATCH:-${TMPDIR:-/tmp}}/series test.XXXXXX") # with a space, always
# The user's own settings must not matter, so every test runs with hostile ones.
export HOME="$scratch/home"
mkdir -- "$HOME"
printf '%s\n' 'QUILT_PATCHES=elsewhere' 'QUILT_PUSH_ARGS="--fuzz=3 -q"' \
  'QUILT_REFRESH_ARGS="-U5"' >"$HOME/.quiltrc"
printf '%s\n' '[core]' 'autocrlf = true' '[diff]' 'noprefix = true' '[commit]' 'gpgsign = true' \
  >"$HOME/.gitconfig"
export QUILT_PATCHES=nowhere QUILT_PATCH_OPTS=--reverse

exec {pause}<> <(:) # never has anything to read
tests=0 failures=0
report() { # STATUS NAME
  tests=$((tests + 1))
  if (($1 == 0)); then
    echo "ok $tests - $2"
  else
    failures=$((failures + 1))
    echo "not ok $tests - $2"
    [[ ! -s $scratch/log ]] || sed 's/^/#   /' "$scratch/log"
  fi
}

check() { # NAME COMMAND...: passes when the command succeeds
  local name=$1 outcome=0
  shift
  "$@" || outcome=1
  report "$outcome" "$name"
}

skip() { # NAME REASON
  tests=$((tests + 1))
  echo "ok $tests - $1 # SKIP $2"
}

finish() {
  echo "1..$tests"
  chmod -R u+rwX -- "$scratch"
  rm -rf -- "$scratch"
  exit $((failures > 0))
}

build() { # runs build.sh with the subject's files; $status, $scratch/log
  status=0
  "$BUILD" "$@" --series "$house/series" --pins "$house/upstream.pins" >"$scratch/log" 2>&1 \
    </dev/null || status=$?
}

# build.sh gives exactly this status, one message that has all of the given pieces, and leaves
# nothing behind.
refuses() { # NAME STATUS PIECE... -- ARGUMENTS...
  local name=$1 want=$2 pieces=() piece bad=0 before
  shift 2
  while [[ $1 != -- ]]; do pieces+=("$1"); shift; done
  shift
  before=$(listing "$place")
  build "$@"
  ((status == want)) || { bad=1; echo "# status $status, not $want"; }
  for piece in "${pieces[@]}"; do
    grep -q -F -e "$piece" "$scratch/log" || { bad=1; echo "# no word of: $piece"; }
  done
  (($(grep -c '^build\.sh: ' "$scratch/log") == 1)) || { bad=1; echo "# not one message"; }
  [[ $(listing "$place") == "$before" ]] || { bad=1; echo "# left something behind in $place"; }
  report "$bad" "$name"
}

listing() { # DIR: what is there; a folder's own time says only that a run worked beside it
  find "$1" \( -type d -printf '%p %y %m\n' \) -o -printf '%p %y %s %T@ %m\n' | sort
}

fingerprint() { # TREE: contents, names, modes, times; of everything, history included
  find "$1" -printf '%P %y %m %s %T@ %l\n' | sort
  find "$1" -type f -print0 | sort -z | xargs -0 -r sha256sum
}

untouched() { [[ $(fingerprint "$1") == "$(<"$2")" ]]; } # TREE RECORD

await() { # COMMAND...: until it succeeds, within the time limit
  local end=$((SECONDS + bound_seconds))
  until "$@"; do
    ((SECONDS < end)) || return 1
    read -r -t 0.01 -u "$pause" || true # a pause that is no process
  done
}

toy_header() { # WORDS
  printf 'Description: %s\n More words about it.\n .\n A second paragraph.\n' "$1"
  printf '%s\n' 'Origin: vendor' 'Forwarded: no' 'License: MIT' 'Last-Update: 2026-01-02' \
    "Evidence: scenario $1"
}

make_toy() { # DIR: DIR/house (series, patches, pins), DIR/wolf, DIR/gst-interpipe
  local house=$1/house
  mkdir -p -- "$1/wolf/src" "$1/wolf/docker" "$1/wolf/.git" "$1/gst-interpipe/gst" \
    "$house/patches/wolf" "$house/patches/gst-interpipe"
  seq 1 30 | sed 's/^/line /' >"$1/wolf/src/stacked.cpp"
  seq 1 10 | sed 's/^/b /' >"$1/wolf/src/once.cpp"
  printf 'no newline' >"$1/wolf/src/bare.cpp"
  echo gone >"$1/wolf/src/removed.cpp"
  echo history >"$1/wolf/.git/HEAD"
  echo recipe >"$1/wolf/docker/wolf.Dockerfile"
  echo recipe >"$1/wolf/CMakeLists.txt"
  echo spaces >"$1/wolf/src/not ours.txt"
  echo run >"$1/wolf/run.sh" && chmod 755 "$1/wolf/run.sh"
  ln -s run.sh "$1/wolf/link"
  seq 1 10 | sed 's/^/g /' >"$1/gst-interpipe/gst/g.c"
  echo recipe >"$1/gst-interpipe/meson.build"

  # An added line "++ plus", a removed one "-- two": they look like file headers.
  { toy_header add; printf '%s\n' '--- /dev/null' '+++ b/wolf/src/added.c' '@@ -0,0 +1,3 @@' \
    +one '+-- two' +three; } \
    >"$house/patches/wolf/0001-add.patch"
  { toy_header stack; printf '%s\n' '--- a/wolf/src/stacked.cpp' '+++ b/wolf/src/stacked.cpp' \
    '@@ -5 +5,3 @@' '-line 5' +five '+five b' '+five c' '@@ -20,2 +21,0 @@' '-line 20' \
      '-line 21'; } \
    >"$house/patches/wolf/0002-stack.patch"
  { toy_header again; printf '%s\n' '--- a/wolf/src/stacked.cpp' '+++ b/wolf/src/stacked.cpp' \
    '@@ -6 +6 @@' '-five b' '+five B' '@@ -22 +22 @@' '-line 22' +twenty-two \
    '--- a/wolf/src/added.c' '+++ b/wolf/src/added.c' '@@ -2 +2,2 @@' '--- two' '+-- TWO' \
      '+++ plus' \
    '--- a/wolf/src/once.cpp' '+++ b/wolf/src/once.cpp' '@@ -3,0 +4 @@' +inserted \
    '--- a/wolf/src/bare.cpp' '+++ b/wolf/src/bare.cpp' '@@ -1 +1 @@' '-no newline' \
      '\ No newline at end of file' '+a newline' \
    '--- a/wolf/src/removed.cpp' '+++ /dev/null' '@@ -1 +0,0 @@' -gone; } \
    >"$house/patches/wolf/0003-again.patch"
  { toy_header interpipe; printf '%s\n' '--- a/gst-interpipe/gst/g.c' \
    '+++ b/gst-interpipe/gst/g.c' '@@ -4 +4 @@' '-g 4' '+G 4'; } \
    >"$house/patches/gst-interpipe/0001-interpipe.patch"
  printf '%s\n' '# a toy' wolf/0001-add.patch wolf/0002-stack.patch wolf/0003-again.patch \
    gst-interpipe/0001-interpipe.patch \
    >"$house/series"
  toy_pins "$house"
  "$BUILD" pins --wolf "$1/wolf" --interpipe "$1/gst-interpipe" --series "$house/series" >/dev/null
}

toy_pins() { # HOUSE: without digests
  printf '%s\n' 'tree wolf' 'url https://toy.invalid/wolf' 'branch stable' \
    "commit $(printf '1%.0s' {1..40})" \
    '' 'tree gst-interpipe' 'url https://toy.invalid/interpipe' \
      "commit $(printf '2%.0s' {1..40})" >"$1/upstream.pins"
}

series_lines() { grep -v '^#\|^$' -- "$1"; } # SERIES

make_skeleton() { # SERIES DIR: the series' own house and trees in DIR
  local series=$1 to=$2 line files=()
  mkdir -p -- "$to/house" "$to/wolf" "$to/gst-interpipe"
  if [[ ! $series -ef $to/house/series ]]; then
    cp -RL -- "$(dirname -- "$series")/patches" "$series" "$to/house"
    # Most of a tree's code is blank lines there, so there are no whole blocks.
    if [[ -e $to/house/patches/rules ]]; then sed -i '/^inside/d' "$to/house/patches/rules"; fi
  fi
  while IFS= read -r line; do files+=("$to/house/patches/$line"); done < <(series_lines "$series")
  (cd -- "$to" && awk -v out=. -f "$lab/skeleton.awk" "${files[@]}") || return 1
  toy_pins "$to/house"
  "$BUILD" pins --wolf "$to/wolf" --interpipe "$to/gst-interpipe" --series "$to/house/series" \
    >/dev/null
}

subjects=(toy house real)
# Runs FUNCTION once a subject, with $subject, $house, $wolf, $interpipe (maybe empty), $place (an
# empty folder).
each_subject() { # FUNCTION
  for subject in "${subjects[@]}"; do
    house=$scratch/$subject/house wolf=$scratch/$subject/wolf \
      interpipe=$scratch/$subject/gst-interpipe
    place="$scratch/$subject place"
    case $subject in
    toy) make_toy "$scratch/toy" ;;
    house)
      if [[ -z $(series_lines "$repository/series") ]]; then skip "house: $1" \
        'the series is empty'; continue; fi
      if ! make_skeleton "$repository/series" "$scratch/house" 2>"$scratch/log"; then
        report 1 'house: the skeleton of the series can be made'
        continue
      fi
      ;;
    real)
      if [[ -z ${WOLF_TREE-} || -z $(series_lines "$repository/series") ]]; then skip "real: $1" \
        'WOLF_TREE is not given'; continue; fi
      house=$repository wolf=$WOLF_TREE interpipe=${INTERPIPE_TREE-}
      ;;
    esac
    mkdir -p -- "$place"
    trees=(--wolf "$wolf")
    if [[ -n $interpipe ]]; then trees+=(--interpipe "$interpipe"); fi
    "$1"
  done
}
