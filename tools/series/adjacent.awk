# SPDX-License-Identifier: MIT
# Solves those conflicts of `git merge-file --diff3` in which both sides changed different things
# side by side: neighbouring lines, or different words of one line. Anything else stays a conflict,
# and the exit status is 1. What it solves is told as "beside a changed line"; patches/rules checks
# the result.

function longer(x, y) { return x > y ? x : y }

# The edits that turn A into B (arrays of NA and NB elements), by their longest common subsequence:
# from[e]..to[e] of A (to < from: an insertion before from) become first[e]..last[e] of B.
function compare(a, na, b, nb, from, to, first, last,   i, j, n, length_at) {
  for (i = na; i >= 1; i--)
    for (j = nb; j >= 1; j--)
      length_at[i, j] = a[i] == b[j] ? length_at[i + 1, j + 1] + 1 : \
        longer(length_at[i + 1, j] + 0, length_at[i, j + 1] + 0)
  n = 0
  i = j = 1
  while (i <= na || j <= nb) {
    if (i <= na && j <= nb && a[i] == b[j]) { i++; j++; continue }
    n++
    from[n] = i; first[n] = j
    while ((i <= na || j <= nb) && !(i <= na && j <= nb && a[i] == b[j])) {
      if (j > nb || (i <= na && length_at[i + 1, j] + 0 >= length_at[i, j + 1] + 0)) i++; else j++
    }
    to[n] = i - 1; last[n] = j - 1
  }
  return n
}

# Merges the changes B->O and B->T of the elements. Returns how many are in merged[1..], or -1.
# WORDS: lines of an overlap are merged word by word.
function merge(b, nb, o, no, t, nt, words, merged,   eo, et, x, y, n, i, pos, s, e, co, ct,
    of, ot, oa, oz, tf, tt, ta, tz, po, pt, in_o, in_t) {
  eo = compare(b, nb, o, no, of, ot, oa, oz)
  et = compare(b, nb, t, nt, tf, tt, ta, tz)
  n = 0; pos = po = pt = 1; x = y = 1
  while (x <= eo || y <= et) {
    # A group: edits that overlap, or the one that comes first.
    s = x > eo || (y <= et && (tf[y] < of[x] || (tf[y] == of[x] && tt[y] < tf[y]))) ? tf[y] : of[x]
    for (; pos < s; pos++) { merged[++n] = b[pos]; po++; pt++ }
    if (x <= eo && y <= et && overlap(of[x], ot[x], tf[y], tt[y])) {
      s = of[x] < tf[y] ? of[x] : tf[y]
      e = ot[x] > tt[y] ? ot[x] : tt[y]
      x++; y++
      while ((x <= eo && of[x] <= e) || (y <= et && tf[y] <= e)) {
        if (x <= eo && of[x] <= e) { if (ot[x] > e) e = ot[x]; x++ }
        else { if (tt[y] > e) e = tt[y]; y++ }
      }
      co = oz[x - 1] + (e - ot[x - 1]); ct = tz[y - 1] + (e - tt[y - 1])
      if (same(o, po, co, t, pt, ct)) for (i = po; i <= co; i++) merged[++n] = o[i]
      else {
        if (!words || !align(b, s, e, o, po, co, in_o)) return -1
        if (!align(b, s, e, t, pt, ct, in_t)) return -1
        for (i = s; i <= e + 1; i++) {
          if (in_o[i] - po && in_t[i] - pt) return -1 # both have lines of their own here
          for (; po < in_o[i]; po++) merged[++n] = o[po]
          for (; pt < in_t[i]; pt++) merged[++n] = t[pt]
          if (i > e) break
          if (!merge_words(b[i], o[po++], t[pt++])) return -1
          merged[++n] = line_merged
        }
      }
      pos = e + 1; po = co + 1; pt = ct + 1
    } else if (x <= eo && (y > et || of[x] < tf[y] || (of[x] == tf[y] && ot[x] < of[x]))) {
      for (i = oa[x]; i <= oz[x]; i++) merged[++n] = o[i]
      for (pos = of[x]; pos <= ot[x]; pos++) pt++
      po = oz[x] + 1; pos = ot[x] + 1; x++
    } else {
      for (i = ta[y]; i <= tz[y]; i++) merged[++n] = t[i]
      for (pos = tf[y]; pos <= tt[y]; pos++) po++
      pt = tz[y] + 1; pos = tt[y] + 1; y++
    }
  }
  for (; pos <= nb; pos++) merged[++n] = b[pos]
  return n
}
function overlap(f1, t1, f2, t2) {
  if (t1 < f1 && t2 < f2) return f1 == f2 # two insertions at one place
  return f1 <= t2 && f2 <= t1
}

# Where each line FROM..TO of B stands in the lines FIRST..LAST of A, changed or not: AT. Those
# between them are new. 0 when one has no like there.
function align(b, from, to, a, first, last, at,   i, j, wb, wa, nb, na, alike, most) {
  at[to + 1] = last + 1
  for (i = from; i <= to; i++) {
    if (last - first == to - i) { at[i] = first++; continue }
    nb = split_words(b[i], wb)
    most = 0
    for (j = first; last - j >= to - i; j++) {
      na = split_words(a[j], wa)
      alike = common(wb, nb, wa, na)
      if (alike > most) { most = alike; at[i] = j }
    }
    if (most * 2 < nb || !most) return 0
    first = at[i] + 1
  }
  return 1
}
function same(a, i, last_a, b, j, last_b) {
  if (last_a - i != last_b - j) return 0
  for (; i <= last_a; i++) if (a[i] != b[j++]) return 0
  return 1
}

function split_words(line, word,   n) {
  n = 0
  while (line != "") {
    if (!match(line, /^[A-Za-z0-9_]+|^[ \t]+/)) RLENGTH = 1
    word[++n] = substr(line, 1, RLENGTH)
    line = substr(line, RLENGTH + 1)
  }
  return n
}
# Only lines that are still alike: else words meet by chance.
function merge_words(b, o, t,   wb, wo, wt, nb, no, nt, n, i, result, alike) {
  nb = split_words(b, wb); no = split_words(o, wo); nt = split_words(t, wt)
  alike = common(wb, nb, wo, no)
  if (alike * 2 < nb) return 0
  n = merge(wb, nb, wo, no, wt, nt, 0, result)
  if (n < 0) return 0
  line_merged = ""
  for (i = 1; i <= n; i++) line_merged = line_merged result[i]
  return 1
}
function common(a, na, b, nb,   f, t, x, y, n, e, gone) {
  n = compare(a, na, b, nb, f, t, x, y)
  for (e = 1; e <= n; e++) gone += t[e] - f[e] + 1
  return na - gone
}

# The patch changes code that the tree does not have at all: OPTIONAL matches it, and the caller has
# made sure that nothing in the tree does.
function lacks(   i) {
  for (i = 1; i <= nb; i++) if (b[i] ~ optional) return 1
  return 0
}

# The patch replaces this code wholly, and what the tree has of its own there is known (REWRITES).
function only_rewritten(   i, known) {
  for (i = 1; i <= nb; i++) known[b[i]] = 1
  for (i = 1; i <= no; i++) if (!(o[i] in known) && o[i] !~ rewrites) return 0
  return 1
}

/^<<<<<<< / { side = 1; no = nb = nt = 0; next }
side == 1 && /^\|\|\|\|\|\|\| / { side = 2; next }
side == 2 && /^=======$/ { side = 3; next }
side == 3 && /^>>>>>>> / {
  side = 0
  n = merge(b, nb, o, no, t, nt, 1, merged)
  if (n < 0 && rewrites != "" && only_rewritten()) {
    n = nt
    for (i = 1; i <= n; i++) merged[i] = t[i]
  }
  if (n < 0) {
    if (optional == "" || !lacks()) exit 1
    skipped++
    n = no
    for (i = 1; i <= n; i++) merged[i] = o[i]
  }
  for (i = 1; i <= n; i++) print merged[i]
  next
}
side == 1 { o[++no] = $0; next }
side == 2 { b[++nb] = $0; next }
side == 3 { t[++nt] = $0; next }
{ print }
END { if (skipped) print skipped > "/dev/stderr" }
