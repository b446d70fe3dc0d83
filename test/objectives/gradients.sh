#!/bin/sh
# frit check --gradients for every train block of a file: gradients.sh FRIT FILE
set -e
for name in $(sed -n 's/^train \([a-z0-9_]*\) .*/\1/p' "$2"); do
  "$1" check --gradients "$2" --train "$name" > "${TMPDIR:-/tmp}/gradients.$$" 2>&1 ||
    { echo "train $name:"; cat "${TMPDIR:-/tmp}/gradients.$$"; failed=1; }
done
rm -f "${TMPDIR:-/tmp}/gradients.$$"
exit ${failed:-0}
