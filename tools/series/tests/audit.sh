#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# build.sh audit finds calls that can wait in served code, and nothing elsewhere.
# shellcheck source=lib.sh
. "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"

subject=toy house=$scratch/toy/house wolf=$scratch/toy/wolf place="$scratch/place"
make_toy "$scratch/toy"
mkdir -p -- "$place" "$wolf/src/moonlight-server/rest" "$wolf/src/core/src"
printf '%s\n' 'auto h = bus->register_handler<StopEvent>(' '    [p](const StopEvent &ev) {' \
  '      if (ev->id == 1) {' '        g_object_set(p, "a", 1, nullptr);' '      }' '    });' \
  'g_object_set(p, "b", 2, nullptr);' '// gst_element_send_event(p, e);' \
  'log("gst_element_send_event(p, e)");' >"$wolf/src/moonlight-server/handlers.cpp"
echo '  gst_element_send_event(p, eos);' >"$wolf/src/core/src/send.hpp"
echo 'auto icon = get_icon(path);' >"$wolf/src/moonlight-server/rest/endpoints.hpp"

build audit --wolf "$wolf"
check 'sites are told by a status' test "$status" = 8
finds() { check "finds: $1" grep -q "^  src/$2: " "$scratch/log"; }
finds 'a property set in a handler' moonlight-server/handlers.cpp:4
finds 'an event into an element, anywhere' core/src/send.hpp:1
finds 'a download in a request' moonlight-server/rest/endpoints.hpp:1
check 'and nothing outside of handlers, in comments or strings' \
  test "$(grep -c '^  src/' "$scratch/log")" = 3
printf '%s\t%s\t%s\n' src/moonlight-server/handlers.cpp 'g_object_set' reason \
  src/core/src/send.hpp send_event reason src/moonlight-server/rest/endpoints.hpp get_icon reason \
  >"$house/patches/audit"
build audit --wolf "$wolf"
check 'accepted ones are none' test "$status" = 0

# The real tree: the eight handlers that send EOS, and the rest of what is known; patched, nothing.
if [[ -n ${WOLF_TREE-} ]]; then
  house=$repository
  build audit --wolf "$WOLF_TREE"
  check 'real: the eight handlers that send EOS' \
    test "$(grep -c 'streaming.cpp:.*gst_event_new_eos' "$scratch/log")" = 8
  for known in 'streaming.cpp:.*listen-to' 'docker.cpp:.*stop_by_id' 'gstreamer.hpp:.*send_event' \
    'streaming.hpp:.*set_state'; do
    check "real: $known" grep -q "$known" "$scratch/log"
  done
  build patch --wolf "$WOLF_TREE" --out "$place/out"
  build audit --wolf "$place/out/wolf"
  check 'real: patched, none that is not accepted' test "$status" = 0
else
  skip 'real: the known sites' 'WOLF_TREE is not given'
fi
finish
