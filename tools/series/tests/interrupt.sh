#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Two runs at once, and runs that are ended at any moment: a result is whole or not there, and the
# next run clears up.
# shellcheck source=lib.sh
. "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"

subject=toy house=$scratch/toy/house wolf=$scratch/toy/wolf interpipe=$scratch/toy/gst-interpipe \
  place="$scratch/place"
make_toy "$scratch/toy"
mkdir -- "$place"
trees=(--wolf "$wolf" --interpipe "$interpipe")
args=(patch "${trees[@]}" --series "$house/series" --out "$place/out")
began=${EPOCHREALTIME/./}
build patch "${trees[@]}" --out "$scratch/whole"
took_ms=$(((${EPOCHREALTIME/./} - began) / 1000 + 1)) # moments are chosen within it
if ((took_ms > 999)); then took_ms=999; fi
mkfifo -- "$scratch/gate"

# A shim stops build.sh at a chosen program: it says where it is, and goes on when the gate is
# opened.
mkdir -- "$scratch/shims"
stop_at() { # NAME [CONDITION on "$*"]
  rm -f -- "$scratch/shims/"* "$scratch/arrived"
  cat >"$scratch/shims/$1" <<EOF
#!/bin/bash
if [[ ! -e '$scratch/arrived' && ${2:-1} ]]; then : >'$scratch/arrived'; read -r \
  <'$scratch/gate'; fi
PATH=\${PATH#'$scratch/shims:'} exec $1 "\$@"
EOF
  chmod 755 -- "$scratch/shims/$1"
}
start() { # in the background, in a process group of its own (bash would let it ignore SIGINT)
  PATH="$scratch/shims:$PATH" setsid --fork --wait env --default-signal=INT "$BUILD" \
    "${args[@]}" "$@" >"$scratch/log" 2>&1 </dev/null &
  job=$!
  await test -e "$scratch/arrived" || { echo "# never came to where it should stop"; sed \
    's/^/# /' "$scratch/log"; }
  group=$(pgrep -P "$job") # setsid's child leads it
}
let_go() { echo go >"$scratch/gate"; }
whole() { diff -r -q --no-dereference -x .pc -x .wolf-guard "$scratch/whole" "$place/out" \
  >/dev/null; }
gone() { ! kill -0 -- "-$group" 2>/dev/null; }

# At these points a run is ended: while it copies, while it applies, while it notes, between its two
# renames.
last='mv|$* == */result*'
points=('cp|$* == *gst-interpipe*' 'patch|$* == *0002*' \
  'sha256sum|-d "$(echo "'"$place"'"/.*/result/.pc)"' 'mv|$* == *former*' "$last")
for former in no yes; do
  for point in "${points[@]}"; do
    if [[ $former == no && $point == *former* ]]; then continue; fi
    for signal in INT TERM HUP KILL; do
      # How a signal is named makes no difference to where it comes: one place is enough for all of
      # them.
      if [[ $signal == @(INT|HUP) && $point != patch* ]]; then continue; fi
      rm -rf -- "$place" && mkdir -- "$place"
      if [[ $former == yes ]]; then cp -a -- "$scratch/whole" "$place/out"; fi
      stop_at "${point%%|*}" "${point#*|}"
      start
      if [[ $signal == KILL ]]; then
        kill -s KILL -- "-$group"
      else
        # Only build.sh gets it, as from a service manager; what it waits for then comes to its end.
        kill -s "$signal" "$group"
        let_go
      fi
      wait "$job" 2>/dev/null
      status=$?
      await gone
      name="former result: $former, at ${point%%|*} (${point#*|}), SIG$signal"
      bad=0
      if [[ -e $place/out ]] && ! whole; then bad=1 && echo "# half a result"; fi
      if [[ $signal != KILL ]]; then
        ((status == 128 + $(kill -l "$signal"))) || { bad=1; echo "# status $status"; }
        (($(grep -c '^build.sh: ' "$scratch/log") == 1)) || { bad=1; echo "# not one message"; }
        # The last rename cannot be stopped any more: then the result is there, and the message says
        # so.
        if [[ $former == yes || $point == "$last" ]]; then left=out; else left=; fi
        if [[ $point == "$last" ]]; then grep -q 'is complete' "$scratch/log" || { bad=1; echo \
          "# does not say that it is complete"; }; fi
        [[ $(ls -A "$place") == "$left" ]] || { bad=1; echo "# left: $(ls -A "$place")"; }
      fi
      report "$bad" "$name: nothing half-done"
      rm -f -- "$scratch/shims/"*
      leftover=$(find "$place" -maxdepth 1 -name '.out.*')
      build patch "${trees[@]}" --out "$place/out"
      bad=0
      ((status == 0)) && whole && [[ $(ls -A "$place") == out ]] || bad=1
      if [[ -n $leftover ]]; then grep -q 'left by an interrupted run' "$scratch/log" || bad=1; fi
      report "$bad" "$name: the next run clears up, and succeeds"
    done
  done
done

# At any moment, by every signal: the given trees stay, and the next run (here the next round)
# clears up. Five at a time, each in a place of its own, on the same trees.
rm -f -- "$scratch/shims/"*
rm -rf -- "$place" && mkdir -- "$place"
fingerprint "$scratch/toy" >"$scratch/record"
signals=(INT TERM KILL) slots=5
moments() { # SLOT: ten rounds; a line for each run that ended, and for each half result
  local place="$place/$1" round job group status
  mkdir -- "$place"
  for ((round = $1; round < 50; round += slots)); do
    setsid --fork --wait env --default-signal=INT "$BUILD" patch "${trees[@]}" --series \
      "$house/series" --out "$place/out" >"$scratch/log$1" 2>&1 </dev/null &
    job=$!
    read -r -t "0.$(printf '%03d' $((RANDOM % took_ms)))" -u "$pause" || true
    if group=$(pgrep -P "$job"); then
      kill -s "${signals[round % 3]}" -- "-$group" 2>/dev/null || true
    fi
    status=0
    wait "$job" || status=$?
    [[ -z $group ]] || await gone || echo "# round $round: it does not end"
    if ((status)); then echo ended; fi
    if [[ -e $place/out ]] && ! whole; then echo "# round $round: half a result"; fi
  done
  build patch "${trees[@]}" --out "$place/out"
  if ((status)) || [[ $(ls -A "$place") != out ]] || ! whole; then
    echo "# slot $1: the next run leaves $(ls -A "$place")"
  fi
}
for ((slot = 0; slot < slots; slot++)); do moments "$slot" >"$scratch/slot$slot" & done
wait
ended=$(cat -- "$scratch"/slot[0-9] | grep -c '^ended$')
check 'at 50 moments: the given trees are as they were' untouched "$scratch/toy" "$scratch/record"
check "at 50 moments, $ended runs ended" test "$ended" -gt 0
grep -h '^#' "$scratch"/slot[0-9]
check 'never half a result, and the next run succeeds and leaves nothing else' test $? = 1

# Two at once, for one result and for two.
rm -rf -- "$place" && mkdir -- "$place"
stop_at patch
start
refuses 'a second run for the same result is told' 6 'another build.sh' --out -- patch \
  "${trees[@]}" --out "$place/out"
build patch "${trees[@]}" --out "$place/other"
check 'a second run for another result succeeds meanwhile' test "$status" = 0
let_go
wait "$job"
check 'the first one is not disturbed' whole

# --then: the result is complete and stays, the signal reaches the command, nobody replaces the tree
# under it.
rm -f -- "$scratch/shims/"* "$scratch/arrived"
rm -rf -- "$place" && mkdir -- "$place"
start --then \
  "trap 'echo heard >\"$scratch/heard\"; exit 3' TERM; : >'$scratch/arrived'; exec 9<> <(:)
  while :; do read -r -t 0.05 -u 9; done"
refuses 'a second run while --then works in the result is told' 6 'at work in' -- patch \
  "${trees[@]}" --out "$place/out"
kill -s TERM "$group"
wait "$job"
status=$?
check 'SIGTERM during --then: the command hears it' await test -e "$scratch/heard"
check 'SIGTERM during --then: the status says so' test "$status" = 143
check 'SIGTERM during --then: the result is complete' whole
await gone
build patch "${trees[@]}" --out "$place/out"
check 'and can be replaced afterwards' test "$status" = 0

# Six at once, for one result: those that succeed, succeed; the others are told; the result is
# whole.
rm -rf -- "$place" && mkdir -- "$place"
for i in 1 2 3 4 5 6; do
  { "$BUILD" "${args[@]}" >"$scratch/log$i" 2>&1; echo $? >"$scratch/status$i"; } &
done
wait
bad=0 succeeded=0
for i in 1 2 3 4 5 6; do
  case $(<"$scratch/status$i") in
  0) succeeded=$((succeeded + 1)) ;;
  6) grep -q 'another build.sh is working' "$scratch/log$i" || bad=1 ;;
  *) bad=1 && sed 's/^/# /' "$scratch/log$i" ;;
  esac
done
((succeeded >= 1)) && whole && [[ $(ls -A "$place") == out ]] || bad=1
report "$bad" 'six at once: one at least succeeds, the others are told, the result is whole'
finish
