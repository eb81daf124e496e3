# SPDX-License-Identifier: MIT
# The trees that a series needs, as far as the series itself tells: every line that a patch replaces
# at its place, all
# other lines blank. It plays the patches forward on files whose lines are not known yet: a line
# that no patch brought, and
# that one removes, is the tree's. A line that an earlier patch brought must be the one that a later
# patch removes.
#
#   cat patches in order | awk -v out=DIR -f skeleton.awk      makes DIR/wolf/…, DIR/gst-interpipe/…
#
# Ends with 1 and says why when the patches contradict each other.

function fail(message) { print FILENAME ": " message > "/dev/stderr"; failed = 1; exit 1 }

function path(s) {
  s = substr(s, 5)
  sub(/\t.*/, "", s)
  return s == "/dev/null" ? "" : substr(s, index(s, "/") + 1)
}

# "-12,3" -> start 12, number 3 (1 if not told)
function range(s, part) {
  number = split(substr(s, 2), part, ",") > 1 ? part[2] + 0 : 1
  return part[1] + 0
}

function ensure(f, last) { # the file's lines up to this one exist: unknown ones of the tree
  if (last > length_of[f] && (f in closed)) fail(f ": line " last " is beyond the file's end")
  while (length_of[f] < last) line[f, ++length_of[f]] = "?" (++originals[f])
}

# The lines of a hunk are in hand: exchange them, and move what follows.
function splice(f, at, gone, come,   i, shift) {
  ensure(f, at + gone - 1)
  for (i = 1; i <= gone; i++) {
    token = line[f, at + i - 1]
    if (substr(token, 1, 1) == "?") text[f, substr(token, 2) + 0] = minus[i]
    else if (token != "=" minus[i])
      fail(f ":" at + i - 1 ": removes \"" minus[i] "\", where an earlier patch put \"" \
        substr(token, 2) "\"")
  }
  shift = come - gone
  if (shift > 0) for (i = length_of[f]; i >= at + gone; i--) line[f, i + shift] = line[f, i]
  if (shift < 0) for (i = at + gone; i <= length_of[f]; i++) line[f, i + shift] = line[f, i]
  for (i = 1; i <= come; i++) line[f, at + i - 1] = "=" plus[i]
  length_of[f] += shift
  delta += shift
}

function hunk_done() {
  ensure(new, at - 1)
  splice(new, at, old_number, new_number)
  if (unended || removed) closed[new] = 1
  in_hunk = 0
}

FNR == 1 { if (in_hunk) hunk_done(); left_minus = left_plus = 0 }
left_minus > 0 || left_plus > 0 {
  sign = substr($0, 1, 1)
  if (sign == "-") { minus[old_number - left_minus + 1] = substr($0, 2); left_minus-- }
  else if (sign == "+") { plus[new_number - left_plus + 1] = substr($0, 2); left_plus-- }
  else if (sign == "\\") { if (last_sign == "-") bare[new] = 1; unended = 1 }
  else fail("a line of context")
  last_sign = sign
  next
}
/^\\/ { if (last_sign == "-") bare[new] = 1; unended = 1; next }
in_hunk { hunk_done() }
/^--- / { old = path($0); next }
/^\+\+\+ / {
  new = path($0)
  removed = new == ""
  if (removed) new = old
  if (old == "") { closed[new] = 1; created[new] = 1; length_of[new] = 0 }
  if (!(new in known)) { known[new] = ++files; name_of[files] = new }
  delta = 0
  next
}
/^@@ / {
  start = range($2); old_number = number
  at = range($3); new_number = number
  if (old_number == 0) start++
  if (new_number == 0) at++
  if (at != start + delta && !removed)
    fail(new ": " $0 ": the line numbers do not add up, " start + delta " was due")
  left_minus = old_number; left_plus = new_number; in_hunk = 1; unended = 0; last_sign = ""
}

END {
  if (failed) exit 1
  if (in_hunk) hunk_done()
  for (i = 1; i <= files; i++) {
    f = name_of[i]
    if (f in created) continue
    folder = f
    sub(/\/[^\/]*$/, "", folder)
    if (system("mkdir -p '" out "/" folder "'")) exit 1
    # Some lines more, so that no patch happens to end at the end; but not where a patch says that
    # the file ends.
    rest = (f in closed) ? 0 : 5
    printf "" > (out "/" f)
    for (k = 1; k <= originals[f] + rest; k++)
      printf "%s%s", text[f, k], (k == originals[f] && (f in bare)) ? "" : "\n" > (out "/" f)
    close(out "/" f)
  }
}
