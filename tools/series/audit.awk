# SPDX-License-Identifier: MIT
# Calls that can wait for a pipeline, a daemon or a network, in code that serves somebody: by
# pattern, not by a parser. One line a site: FILE:LINE, TAB, what it is, TAB, the line.
#
#   awk -v top=TREE/ -f audit.awk FILE...
#
# Served code is a handler of the event bus, from register_handler to its closing bracket, and all
# files of requests. Comments and strings are not looked at.

function site(what,   text) {
  text = $0
  gsub(/^[ \t]+|[ \t]+$/, "", text)
  print substr(FILENAME, length(top) + 1) ":" FNR "\t" what "\t" text
}

FNR == 1 {
  depth = 0
  serves = FILENAME ~ /\/(rest|rtsp|api|control)\//
}
{
  code = $0
  gsub(/\\./, "", code)
  gsub(/"[^"]*"/, "\"\"", code)
  sub(/\/\/.*/, "", code)
  if (code ~ /^[ \t]*\*|^[ \t]*\/\*/) next
}
depth == 0 && code ~ /register_handler</ { starting = 1 }
{
  inside = depth > 0 || starting
  opened = gsub(/[({]/, "&", code)
  closed = gsub(/[)}]/, "&", code)
  if (inside) depth += opened - closed
  if (opened) starting = 0
  if (depth < 0) depth = 0
}
code ~ /gst_element_send_event[ \t]*\(/ { site("sends an event into an element: waits for a lock") }
code ~ /gst_element_set_state[ \t]*\(/ { site("changes a pipeline's state: waits for its threads") }
!inside && !serves { next }
code ~ /g_object_set[ \t]*\(/ { site("sets a property: waits for the element's locks") }
code ~ /gstreamer::send_message[ \t]*\(/ { site("sends a message into a pipeline") }
code ~ /docker_api\.[a-z_]+[ \t]*\(/ { site("asks the Docker daemon") }
code ~ /get_icon[ \t]*\(|curl_easy_perform|http_get[ \t]*\(/ { site("asks another server") }
code ~ /emplace[ \t]*\(virtual_display::/ { site("ends a device, which sends into a pipeline") }
code ~ /\.join[ \t]*\(\)|\.get_future\(\)\.(get|wait)[ \t]*\(/ { site("waits for another thread") }
