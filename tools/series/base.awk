# SPDX-License-Identifier: MIT
# The main series' patches as they are for another base: the same hunks at other places, and none
# where the base has no such lines. What differs is in the base's pins, by line numbers alone:
#
#   without PATH LINE COUNT   the base lacks these lines of the main pin's file
#   extra   PATH LINE COUNT   the base has as many lines of its own after that line
#
#   awk -v out=DIR -v without="TREE/NAME.patch..." -f base.awk bases/NAME/upstream.pins PATCH...
#
# Writes DIR/TREE/NAME.patch for each of the main series' patches, in order, but for those of
# WITHOUT, which the base does not have: their lines are none of its own.
#
# It plays the patches forward on the number of base lines for each line of the main file: 0, 1, or
# more with lines of its own. Ends with 1 when a hunk lies across such a place.

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
function lines(f, i) { return (f, i) in count_of ? count_of[f, i] : 1 }

# Exchanges GONE lines of F from AT for COME ones, of which the base has as many or none.
function splice(f, at, gone, come, each,   i, shift, last) {
  shift = come - gone
  last = length_of[f]
  if (last < at + gone) last = at + gone
  if (shift > 0) for (i = last; i >= at + gone; i--) count_of[f, i + shift] = lines(f, i)
  if (shift < 0) for (i = at + gone; i <= last; i++) count_of[f, i + shift] = lines(f, i)
  for (i = 1; i <= come; i++) count_of[f, at + i - 1] = each
  length_of[f] = last + shift
  for (i = length_of[f] + 1; i <= last; i++) delete count_of[f, i]
}

# The same for a hunk that the base does not have: its old lines stay, as many as there are.
function pass_over(f, at, gone, come,   i, kept) {
  kept = 0
  for (i = 0; i < gone; i++) kept += lines(f, at + i)
  splice(f, at, gone, come, 0)
  if (come) count_of[f, at] = kept
  else count_of[f, at - 1] = lines(f, at - 1) + kept # with at = 1 of no line, and the first one
}

function hunk_head(   i, none, place) {
  at = start + (old_number == 0) + delta # in the main file as patched so far, 1st line of the hunk
  for (; walked < at - 1; walked++) sum += lines(file, walked + 1)
  none = 0
  if (left_out) {
    pass_over(file, at, old_number, new_number)
    delta += new_number - old_number
    omitted = 1
    return
  }
  for (i = 0; i < old_number; i++) none += lines(file, at + i) == 0
  if (none && none < old_number) fail(file ": " $0 " lies across lines that the base lacks")
  omitted = old_number ? none == old_number : at > 1 && !lines(file, at - 1) && !lines(file, at)
  splice(file, at, old_number, new_number, !omitted)
  delta += new_number - old_number
  if (omitted) return
  if (!named) print minus_line "\n" plus_line > target
  named = 1
  # "extra" lines follow the line that they belong to, and so does an insertion, before them.
  place = sum + 1
  if (!old_number && lines(file, at - 1) > 1) place -= lines(file, at - 1) - 1
  # sum counts lines as patched; the old side is without what this patch has added so far.
  printf "@@ -%s +%s @@\n", side(place - base_delta - (old_number == 0), old_number),
    side(place - (new_number == 0), new_number) > target
  base_delta += new_number - old_number
}
function side(first, number) { return number == 1 ? first : first "," number }

FNR == 1 && NR == 1 { reading_pins = 1 }
FNR == 1 && NR > 1 {
  reading_pins = 0
  n = split(FILENAME, part, "/")
  if (target) close(target)
  target = out "/" part[n - 1] "/" part[n]
  left_out = index(" " without " ", " " part[n - 1] "/" part[n] " ")
  if (left_out) target = "/dev/null"
  printf "" > target
  minus = plus = body = 0
}
reading_pins {
  if ($1 == "tree") tree = $2
  if ($1 == "without") for (i = 0; i < $4; i++) count_of[tree "/" $2, $3 + i] = 0
  f = tree "/" $2
  if ($1 == "extra") { n = lines(f, $3) + $4; count_of[f, $3] = n }
  if (($1 == "without" || $1 == "extra") && length_of[f] < $3 + $4) length_of[f] = $3 + $4
  next
}
minus > 0 || plus > 0 || (body && /^\\/) {
  if (!omitted) print > target
  sign = substr($0, 1, 1)
  if (sign == "-") minus--
  if (sign == "+") plus--
  next
}
/^--- [^ ]/ { minus_line = $0; body = 1; next }
/^\+\+\+ / && body {
  plus_line = $0
  file = path($0) == "" ? path(minus_line) : path($0)
  delta = base_delta = sum = walked = named = 0
  next
}
/^@@ / && body {
  start = range($2); old_number = minus = number
  range($3); new_number = plus = number
  hunk_head()
  next
}
{ print > target }
END { exit failed }
