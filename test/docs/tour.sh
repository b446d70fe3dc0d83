#!/bin/sh
# docs/tour.md is what the compiler says about two small programs. Compares it with what it says
# now; with --write, writes it.
#   tour.sh FRIT [--write]
set -eu
frit=$(realpath "$1")
cd "$(dirname "$0")/../.."

# frit build FILE, the stage's training entry without the types: `%5 = mul %0, %x`.
entry() {
  "$frit" build "$1" --target baseline --emit="$2" $3 |
    sed -n '/func.func @train/,/^  }/p' |
    sed -e 's/func.func @train(\(.*\)) attributes.*/train(\1) {/' -e 's/ {frit.name = "[a-z_.]*"}//g' \
        -e 's/frit\.//g' -e 's/tensor<\([^,<>]*\), #axes<\([^>]*\)>>/\1[\2]/g' -e 's/tensor<\([^,<>]*\)>/\1/g' \
        -e 's/ : (.*) -> / : /' -e 's/constant  {.*value = \([^ ]*\) : f64}/constant \1/' \
        -e 's/^  //'
}
quote() { printf '```\n%s\n```\n' "$(cat)"; }

sizes='--set width=16 --set heads=2 --set layers=3 --set ctx=8'
tour() {
cat <<'TEXT'
# A tour

Written by `test/docs/tour.sh`, which compares it with what the compiler says. Types are shortened here: `20xf32[b]` is a `tensor<20xf32, #frit.axes<b>>`.

## A line

TEXT
quote < examples/line.frit
cat <<'TEXT'

`frit build examples/line.frit --emit=ops` prints the checked program. The layers are gone, every value has its axes, the optimiser is ordinary arithmetic, and `gradient` stands where the derivative is wanted:

TEXT
entry examples/line.frit ops '' | quote
cat <<'TEXT'

`--emit=grad` shows the same after differentiation and simplification: `gradient` has become the ops of the backward program.

TEXT
entry examples/line.frit grad '' | quote
cat <<'TEXT'

`--emit=fused` shows what will be kernels. Here the whole step is one.

TEXT
entry examples/line.frit fused '' | quote
cat <<'TEXT'

`frit explain examples/line.frit --threads 1` says what the step will do and which memory it takes, before anything runs:

TEXT
"$frit" explain examples/line.frit --target baseline --threads 1 | sed 's/ *$//' | quote
cat <<'TEXT'

## Layers stay a loop

The blocks of `examples/gpt.frit` are one `scan` whose parameters are stacked, however many layers there are. Differentiation adds the loop backward; what it needs of the loop forward travels on a tape, stacked too (the results after the first). At the sizes `width = 16, heads = 2, layers = 3, ctx = 8`, these are the loops of `--emit=grad`:

TEXT
"$frit" build examples/gpt.frit --target baseline --emit=grad $sizes |
  sed -n '/func.func @train/,/^  }/p' | sed -n -e '/= frit.scan/{s/$/ .../;p;}' -e '/^    } {.*size =/{s/ : (.*//;p;}' |
  sed -e 's/frit\.//g' -e 's/^    //' | quote
cat <<'TEXT'

Kernels of `frit explain` with the same sizes: matmuls by the packed emitter, everything between them fused into groups, `times` how often each runs (three layers, three times).

TEXT
"$frit" explain examples/gpt.frit --target baseline --threads 1 $sizes |
  sed -n '/^entry/,/^$/p' | head -16 | sed 's/ *$//' | quote
cat <<'TEXT'

`frit build examples/gpt.frit -o gpt` leaves one program; `./gpt train --data corpus.txt` trains it.
TEXT
}

if [ "${2:-}" = --write ]; then
  tour > docs/tour.md
  exit 0
fi
fresh=$(mktemp)
trap 'rm -f "$fresh"' EXIT
tour > "$fresh"
diff -u docs/tour.md "$fresh" || { echo "docs/tour.md is stale: run test/docs/tour.sh FRIT --write"; exit 1; }
