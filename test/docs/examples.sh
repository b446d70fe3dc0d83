#!/bin/sh
# Every ```frit block of docs/language.md and docs/objectives.md is a whole program and checks; every rule there is cited
# by a test. $1: the frit to use.
set -eu
cd "$(dirname "$0")/../.."
frit=$1
fresh=$(mktemp -d)
trap 'rm -rf "$fresh"' EXIT
awk -v dir="$fresh" '
  /^```frit$/ { inside = 1; file = sprintf("%s/line%04d.frit", dir, NR); next }
  /^```/      { inside = 0; next }
  inside      { print > file }' docs/language.md docs/objectives.md
count=$(ls "$fresh" | wc -l)
[ "$count" -ge 6 ] || { echo "docs/language.md has only $count programs"; exit 1; }
status=0
for program in "$fresh"/*.frit; do
  said=$("$frit" check "$program" 2>&1) || status=1
  case $said in
  "$program: ok") ;;
  *) echo "$said"; status=1 ;;
  esac
done
for rule in $(grep -oE '(^- |\. )[A-Z][0-9]+ ' docs/language.md | grep -oE '[A-Z][0-9]+' | sort -u); do
  grep -rqwF "$rule" test/language test/syntax test/errors test/runtime ||
    { echo "docs/language.md: no test cites rule $rule"; status=1; }
done
exit $status
