# SPDX-License-Identifier: MIT
# Is a patch in the house's form? One line a fault: FILE:LINE: fault. Ends with 1 when there is one.
#
#   awk -f form.awk patches/wolf/*.patch
#
# The form: a DEP-3 header; a/ and b/ paths below the tree's folder, nothing but the paths in the
# file headers; hunks without
# context, nothing after @@, line numbers that add up; no upstream text but the lines that a change
# replaces.

function fault(what) { print FILENAME ":" FNR ": " what; faults++ }

function range(s, part) {
  number = split(substr(s, 2), part, ",") > 1 ? part[2] + 0 : 1
  return part[1] + 0
}

function finish_patch(   i, n) { # of the file before this one
  n = split("Description Origin Forwarded License Last-Update Evidence", wanted, " ")
  for (i = 1; i <= n; i++) {
    if (wanted[i] in field) continue
    print file ": header without " wanted[i]
    faults++
  }
  if (!hunks) { print file ": changes nothing"; faults++ }
  if (minus > 0 || plus > 0) { print file ": ends within a hunk"; faults++ }
}

# A line that stands on both sides of a hunk did not need to be there. Braces and blank lines meet
# by chance.
function finish_hunk(   i) {
  for (i = 1; i <= news; i++)
    if (added[i] in gone && added[i] ~ /[A-Za-z0-9]/)
      fault("carries upstream text that it does not change: " added[i])
  split("", gone)
  news = 0
}

FNR == 1 {
  if (file != "") finish_patch()
  file = FILENAME
  base = file
  sub(/.*\//, "", base)
  tree = file
  sub(/\/[^\/]*$/, "", tree)
  sub(/.*\//, "", tree)
  if (base !~ /^[0-9][0-9][0-9][0-9]-[a-z0-9-]+\.patch$/)
    fault("its name is not of the form NNNN-what-it-does.patch")
  split("", field)
  body = hunks = minus = plus = 0
  split("", gone)
  news = 0
}

minus > 0 || plus > 0 {
  sign = substr($0, 1, 1)
  if (sign == "-") { minus--; gone[substr($0, 2)] = 1 }
  else if (sign == "+") { plus--; added[++news] = substr($0, 2) }
  else if (sign != "\\") { fault("a line of context"); minus--; plus-- }
  if (minus <= 0 && plus <= 0) finish_hunk()
  next
}
/^\\ No newline at end of file$/ && hunks { next }

/^--- / {
  body = 1
  if ($0 != "--- /dev/null" && index($0, "--- a/" tree "/") != 1)
    fault("path not below a/" tree "/")
  if ($0 ~ /\t/) fault("more than the path")
  delta = 0
  next
}
/^\+\+\+ / && body {
  if ($0 != "+++ /dev/null" && index($0, "+++ b/" tree "/") != 1)
    fault("path not below b/" tree "/")
  if ($0 ~ /\t/) fault("more than the path")
  removed = $0 == "+++ /dev/null"
  next
}
/^@@/ {
  body = 1
  hunks++
  if ($0 !~ /^@@ -[0-9]+(,[0-9]+)? \+[0-9]+(,[0-9]+)? @@$/) fault("not a plain hunk header: " $0)
  old = range($2); minus = number; if (!minus) old++
  new = range($3); plus = number; if (!plus) new++
  if (new != old + delta && !removed) fault("the line numbers do not add up: " $0)
  delta += plus - minus
  next
}
body { fault("neither file header nor hunk: " $0); next }

/^(diff|Index:|====)/ { fault("a line of another tool: " $0); next }
/^[A-Z][A-Za-z0-9-]*: *[^ ]/ { field[substr($1, 1, length($1) - 1)] = 1 }
/^Last-Update:/ && !/^Last-Update: [0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]$/ {
  fault("Last-Update is no date YYYY-MM-DD")
}
# Any other value says that it was sent.
/^Forwarded:/ && !/^Forwarded: (no|not-needed|https:\/\/[^ ]+)$/ {
  fault("Forwarded is neither no, not-needed nor an address")
}
/^---$/ { next } # DEP-3's own end of a header
/^[^ A-Z#]/ { fault("a continuation line of the header does not begin with a space") }

END {
  if (file != "") finish_patch()
  exit faults > 0
}
