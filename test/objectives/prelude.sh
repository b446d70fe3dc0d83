#!/bin/sh
# Every objective of the prelude through `frit check --objective`; the loss and gradients of a step in
# pieces are those of the whole batch, but for the objectives whose rows are coupled, which are refused:
# the ones that the comments of the train blocks here name, and no other. prelude.sh FRIT [OPTIONS]
frit=$1; shift
said=$("$frit" check --objective prelude --only objectives "$@") || status=1
echo "$said"
refused=$(echo "$said" | sed -n 's/^  \([a-z0-9_]*\) .*rows are coupled$/\1/p' | sort)
coupled=$(awk '/^# Rows are coupled/ { c = 1 } /^train / { if (c) print $2; c = 0 }' "$(dirname "$0")"/*.frit |
  while read -r name; do echo "$said" | grep -q "^  $name " && echo "$name"; done | sort)
[ "$refused" = "$coupled" ] ||
  { echo "coupled, by the check:"; echo "$refused"; echo "by the tests:"; echo "$coupled"; status=1; }
[ -n "$refused" ] || status=1
exit ${status:-0}
