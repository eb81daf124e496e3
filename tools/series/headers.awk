# SPDX-License-Identifier: MIT
# The headers of patches, each to TO/TREE/NAME: as they are, or as a mail's head for git am.
#
#   awk -v format=git -v to=DIR -f headers.awk PATCH...

function date(text,   p, y, m, c) { # YYYY-MM-DD for a mail; the day of the week by Zeller
  if (text !~ /^[0-9]+-[0-9]+-[0-9]+$/) text = "1970-01-01"
  split(text, p, "-"); y = p[1] + 0; m = p[2] + 0
  if (m < 3) { y--; m += 12 }
  c = int(y / 100)
  day = (p[3] + int(13 * (m + 1) / 5) + y % 100 + int(y % 100 / 4) + int(c / 4) + 5 * c) % 7
  return substr("SatSunMonTueWedThuFri", day * 3 + 1, 3) ", " p[3] + 0 " " \
    substr("JanFebMarAprMayJunJulAugSepOctNovDec", p[2] * 3 - 2, 3) " " p[1] " 00:00:00 +0000"
}
function mail(   author, subject, rest, name, n, i) {
  author = ("Author" in field) ? field["Author"] : field["From"]
  subject = rest = field["Description"]
  sub(/\n.*/, "", subject)
  if (!sub(/^[^\n]*\n/, "", rest)) rest = ""
  if (subject == "") { print patch > (to "/nameless"); return }
  print "From 0000000000000000000000000000000000000000 Mon Sep 17 00:00:00 2001" > out
  print "From: " (author == "" ? "Wolf Guard <wolf-guard@localhost>" : author) > out
  print "Date: " date(field["Last-Update"]) > out
  print "Subject: [PATCH " number[patch] "/" total[tree] "] " subject > out
  print "MIME-Version: 1.0\nContent-Type: text/plain; charset=UTF-8" > out
  print "Content-Transfer-Encoding: 8bit\n" > out
  # A line that looks like the start of a diff would end the message for git.
  gsub(/\n---/, "\n ---", rest); gsub(/\ndiff -/, "\n diff -", rest)
  gsub(/\nIndex: /, "\n Index: ", rest)
  if (rest ~ /^(---|diff -|Index: )/) rest = " " rest
  if (rest != "") print rest "\n" > out
  n = split("Origin Bug Forwarded License Last-Update Depends Evidence", name, " ")
  for (i = 1; i <= n; i++) if (name[i] in field) {
    gsub(/\n/, "\n ", field[name[i]])
    print name[i] ": " field[name[i]] > out
  }
  # By this field refresh finds the patch again.
  print "Wolf-Guard-Patch: " base "\n---\n" > out
}
function finish() { if (format == "git") mail(); if (out != "") close(out); split("", field) }
BEGIN {
  for (i = 1; i < ARGC; i++) {
    n = split(ARGV[i], part, "/")
    number[part[n - 1] "/" part[n]] = ++total[part[n - 1]]
  }
}
FNR == 1 {
  if (NR > 1) finish()
  n = split(FILENAME, part, "/"); base = part[n]; tree = part[n - 1]; patch = tree "/" base
  out = to "/" patch; body = 0; on = ""
  printf "" > out
}
body { next }
/^(---|Index:)[ \t][^ \t]|^diff -/ { body = 1; next }
format != "git" { print > out; next }
/^[^ \t]/ { on = "" }
/^[A-Z][A-Za-z-]*:/ {
  on = $0; sub(/:.*/, "", on); sub(/^[^:]*:[ \t]*/, "")
  field[on] = $0
  next
}
on != "" { sub(/^[ \t]/, ""); field[on] = field[on] "\n" ($0 == "." ? "" : $0) }
END { if (NR) finish() }
