# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# build.sh audit: calls that can wait, in code that serves somebody, which no patch takes out.

audit_tree() { # DIR: a Wolf tree; the sites that patches/audit does not accept, a line each
  local files=() file accepted=$patches/audit
  shopt -s globstar
  for file in "$1"/src/{moonlight-server,core/src}/**/*.{cpp,hpp,h}; do
    if [[ $file != */gst-plugin/* && $file != */wolf-guard/* ]]; then files+=("$file"); fi
  done
  shopt -u globstar
  if ((${#files[@]} == 0)); then return; fi
  awk -v top="$1/" -f "$here/tools/series/audit.awk" "${files[@]}" |
    awk -F'\t' -v accepted="$accepted" '
    BEGIN {
      while ((getline line < accepted) > 0) {
        if (line ~ /^#/ || split(line, part, "\t") < 3) continue
        path[++n] = part[1]
        code[n] = part[2]
      }
    }
    {
      place = $1
      sub(/:[0-9]+$/, "", place)
      for (i = 1; i <= n; i++) if (place == path[i] && $3 ~ code[i]) next
      print "  " $1 ": " $2 ": " $3
    }'
}

subcommand_audit() {
  local sites
  need awk
  if [[ -z ${dir[wolf]-} || ${#dir[@]} != 1 ]]; then
    die 2 "audit needs --wolf DIR, and no other tree"
  fi
  read_pins
  choose_trees
  sites=$(audit_tree "${dir[wolf]}")
  if [[ -z $sites ]]; then
    echo "${dir[wolf]}: no call that can wait, but for those in patches/audit"
    return
  fi
  echo "$sites"
  die 8 "$(wc -l <<<"$sites") calls that can wait, in code that serves somebody; no patch covers\
 them, and patches/audit does not accept them"
}

warn_of_new_sites() { # DIR: after a move, what the new tree has of the old faults
  local sites
  if [[ -z ${moving[wolf]-} || ! -d $1/wolf ]]; then return; fi
  sites=$(audit_tree "$1/wolf")
  if [[ $sites ]]; then
    say "this tree has calls that can wait, which no patch covers (build.sh audit):"$'\n'"$sites"
  fi
}
