#!/bin/sh
# docs/ops.md and docs/passes.md come from the records. Compares them with what the records say now;
# with --write, writes them.
set -eu
cd "$(dirname "$0")/../.."
include=$(llvm-config-22 --includedir)
make_ops() {
  printf '# The ops\n\nGenerated from the records in `dialect/ops` by `test/docs/generated.sh --write`.\n\n'
  mlir-tblgen-22 -gen-op-doc -I . -I "$include" dialect/Ops.td | sed '/^<!--/d'
}
make_passes() {
  printf '# The passes\n\nGenerated from the records in `passes/Passes.td` by `test/docs/generated.sh --write`. Their order and its reasons: `passes/Pipeline.cpp`.\n\n'
  mlir-tblgen-22 -gen-pass-doc -I . -I "$include" passes/Passes.td | sed '/^<!--/d'
}
if [ "${1:-}" = --write ]; then
  make_ops > docs/ops.md
  make_passes > docs/passes.md
  exit 0
fi
fresh=$(mktemp -d)
trap 'rm -rf "$fresh"' EXIT
make_ops > "$fresh/ops.md"
make_passes > "$fresh/passes.md"
for page in ops passes; do
  diff -u "docs/$page.md" "$fresh/$page.md" || { echo "docs/$page.md is stale: run test/docs/generated.sh --write"; exit 1; }
done
