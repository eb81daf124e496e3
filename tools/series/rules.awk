# SPDX-License-Identifier: MIT
# Checks the conditions of patches/rules. Input: a condition a line (KIND, PATCH, COUNT, REGEX,
# REGEX; with tabs), and below it each file for it, behind a tab. Prints what is not so.

function finish() {
  if (kind ~ /^inside/ && !found) print "  " patch ": no block, of which the head matches " regex
  if (kind != "has") return
  if (found == count + 0 || (count ~ /\+$/ && found >= count + 0)) return
  print "  " patch ": " found " lines, not " count ", match " regex
}

# The code of a file: no comments, and no space but between words. What is left of the form says
# nothing of the meaning.
function code_of(file,   line, text, rest, quote, comment) {
  if (file in code) return code[file]
  text = ""
  while ((getline line < file) > 0) {
    rest = line
    line = ""
    while (rest != "") {
      if (comment) {
        if (!match(rest, /\*\//)) break
        rest = substr(rest, RSTART + 2)
        comment = 0
      } else if (!match(rest, /\/\/|\/\*|"([^"\\]|\\.)*"|'([^'\\]|\\.)'/)) {
        line = line rest
        break
      } else {
        line = line substr(rest, 1, RSTART - 1)
        quote = substr(rest, RSTART, RLENGTH)
        rest = substr(rest, RSTART + RLENGTH)
        if (quote == "//") break
        if (quote == "/*") comment = 1
        else {
          gsub(/[{}]/, "", quote) # braces of a text are no blocks
          line = line quote
        }
      }
    }
    text = text " " line
  }
  close(file)
  gsub(/[ \t\r]+/, " ", text) # one at the beginning, from the first line
  return code[file] = pressed(substr(text, 2))
}
function pressed(text,   result) {
  result = ""
  while (match(text, / [^A-Za-z0-9_]|[^A-Za-z0-9_ ] /)) {
    result = result substr(text, 1, RSTART - 1)
    if (substr(text, RSTART, 1) == " ") text = substr(text, RSTART + 1)
    else text = substr(text, RSTART, 1) substr(text, RSTART + 2)
  }
  return result text
}

# Each block whose head matches HEAD has to match BODY, or with a "!" before it must not.
function inside(file, head, body,   n, i, part, opens, never) {
  never = sub(/^!/, "", body)
  if (head == "*") {
    found++
    if ((code_of(file) ~ body) == never) wrong(file, "it", never, body)
    return
  }
  n = split(code_of(file), part, "{") # part[i] ends where a block opens
  for (i = 1; i < n; i++) {
    opens = part[i]
    sub(/.*[;}]/, "", opens)
    if (opens !~ head) continue
    found++
    if ((block(part, i + 1, n) ~ body) == never) wrong(file, "the block of " opens, never, body)
  }
}
function wrong(file, what, never, body) {
  if (length(what) > 80) what = "the block of …" substr(what, length(what) - 59)
  print "  " patch ": " substr(file, length(top) + 1) ": " what (never ? " matches " : \
    " does not match ") body
}
function block(part, i, n,   depth, text, k, c, rest) {
  depth = 1
  text = ""
  for (; i <= n; i++) {
    rest = part[i]
    while ((k = index(rest, "}"))) {
      text = text substr(rest, 1, k - 1)
      rest = substr(rest, k + 1)
      if (--depth == 0) return text
      text = text "}"
    }
    text = text rest "{"
    depth++
  }
  return text
}

$1 != "" {
  finish()
  kind = $1; patch = $2; count = $3; regex = $4; second = $5; found = 0
  next
}
kind ~ /^inside/ { inside($2, regex, second); next }
{
  number = 0
  while ((getline line < $2) > 0) {
    number++
    if (line !~ regex) continue
    found++
    place = substr($2, length(top) + 1) ":" number
    if (kind == "none") print "  " patch ": " place " matches " regex
    if (kind == "every" && line !~ second) print "  " patch ": " place " does not match " second
  }
  close($2)
}
END { finish() }
