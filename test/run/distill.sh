#!/usr/bin/env bash
# A small GPT is trained, then teaches a smaller one: `from` in a program, and --teacher.
#   distill.sh FRIT SOURCE_FOLDER
set -euo pipefail
frit=$1 source=$2
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
seq 1 400 | sed 's/$/ the quick brown fox jumps over the lazy dog/' > corpus.txt

die() { echo "FAILED: $*" >&2; exit 1; }
# expect STATUS PATTERN COMMAND...: its exit status, and a text that its output must contain
expect() {
  local status=$1 pattern=$2 found=0 output
  shift 2
  output=$("$@" 2>&1 < /dev/null) || found=$?
  [ "$found" = "$status" ] || die "$* exited with $found, not $status: $output"
  grep -qF -- "$pattern" <<< "$output" || die "$* did not say '$pattern': $output"
}
small=(--set ctx=16 --set width=16 --set heads=2 --set layers=2 --set b=2)
gpt() { "$frit" train "$source/examples/gpt.frit" "${small[@]}" --data corpus.txt --quiet "$@"; }
distill() { "$frit" train "$source/examples/distill.frit" "${small[@]}" --data corpus.txt "$@"; }
# The bytes of the tensors whose names begin so, without the names' first part.
tensors() {
  python3 - "$1/latest/model.safetensors" "$2" <<'PYTHON'
import json, struct, sys
data = open(sys.argv[1], "rb").read()
size = struct.unpack("<Q", data[:8])[0]
header = json.loads(data[8:8 + size])
for name in sorted(header):
    if name.startswith(sys.argv[2] + "."):
        begin, end = header[name]["data_offsets"]
        print(name.split(".", 1)[1], header[name]["shape"], data[8 + size + begin:8 + size + end].hex())
PYTHON
}

gpt --steps 20 --out teacher > /dev/null
expect 0 "done: 3 steps" distill --steps 3 --out one
# The teacher is there, whole, and has not moved.
[ "$(tensors teacher lm | wc -l)" -gt 10 ] || die "the teacher has too few tensors"
cmp <(tensors teacher lm) <(tensors one teacher) || die "the teacher is not the one that was trained"

# Another place for it, a single file, the checkpoint of a distillation.
mv teacher run
expect 1 "'teacher', where the weights of model 'teacher' should be, does not exist; --teacher FILE" \
  distill --out two
expect 0 "done: 3 steps" distill --steps 3 --teacher run --out two
expect 0 "done: 3 steps" distill --steps 3 --teacher run/latest/model.safetensors --out three
expect 0 "tensors that model 'teacher' has no use for" distill --steps 3 --teacher two --out four
for run in two three four; do
  cmp one/latest/model.safetensors $run/latest/model.safetensors || die "$run differs"
done

# A resumed run takes both models from its checkpoint.
mv run gone
expect 0 "done: 5 steps" distill --resume --steps 5 --out one
cmp <(tensors gone lm) <(tensors one teacher) || die "the teacher changed when the run went on"
expect 0 "bits_per_byte" "$frit" eval "$source/examples/distill.frit" "${small[@]}" --from one

# What does not fit.
gpt --steps 1 --set width=8 --out narrow > /dev/null
expect 1 "has shape [256, 16] in this program, 'lm.tok.table' has [256, 8] there" \
  distill --teacher narrow --out five
head -c 5000 gone/latest/model.safetensors > short.safetensors
expect 1 "'short.safetensors' is truncated" distill --teacher short.safetensors --out five
mkdir empty
expect 1 "'empty', where the weights of model 'teacher' should be, holds no checkpoint" \
  distill --teacher empty --out five
[ ! -e five ] || die "a failed start left a directory"
