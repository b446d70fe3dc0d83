#!/usr/bin/env bash
# End-to-end tests of a built program's command line, on the hand-written bigram model.
#   program.sh FOLDER_OF_PROGRAMS CASE [COUNT]     COUNT: how often `kill` kills (default 8)
set -euo pipefail
bigram=$1/bigram other=$1/bigram_other from=$1/bigram_from
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
seq 1 2000 | sed 's/$/ the quick brown fox jumps over the lazy dog/' > corpus.txt

die() { echo "FAILED: $*" >&2; exit 1; }
# expect STATUS PATTERN COMMAND... (E5): its exit status, and a text that its output must contain
expect() {
  local status=$1 pattern=$2 found=0 output
  shift 2
  output=$("$@" 2>&1 < /dev/null) || found=$?
  [ "$found" = "$status" ] || die "$* exited with $found, not $status: $output"
  grep -qF -- "$pattern" <<< "$output" || die "$* did not say '$pattern': $output"
}
train() { "$bigram" train --data corpus.txt --quiet "$@" > /dev/null; }
same() { cmp "$1/latest/model.safetensors" "$2/latest/model.safetensors" &&
         cmp "$1/latest/state.safetensors" "$2/latest/state.safetensors"; }
untimed() { sed 's/,"ms":.*}/}/' "$1/metrics.jsonl"; }
step_of() { readlink "$1/latest" | sed 's/checkpoint-0*//'; }
# Waits until a background training has written some metrics.
begun() { until [ -s "$1/metrics.jsonl" ]; do kill -0 "$2" || die "training ended"; sleep 0.01; done; }

case_help() {
  expect 0 "train the model" "$bigram" --help
  expect 0 "--lr X" "$bigram" train --help
  expect 0 "learning rate at the start; default 2" "$bigram" train --help
  expect 0 "train --data corpus.txt --steps 2000" "$bigram" train --help
  expect 0 "--top-p" "$bigram" sample --help
  expect 1 "train" "$bigram"
}

case_errors() {
  expect 1 "unknown option '--stpes'; did you mean '--steps'?" "$bigram" train --stpes 3
  expect 1 "unknown command 'trian'; did you mean 'train'?" "$bigram" trian
  expect 1 "unknown argument 'x'" "$bigram" info x
  expect 1 "--steps" "$bigram" train --data corpus.txt --steps many
  expect 1 "--data is missing: this program reads a text file" "$bigram" train
  expect 1 "cannot read 'none.txt'" "$bigram" train --data none.txt
  printf 'short' > short.txt
  expect 1 "'short.txt' is too short: it has 5 tokens" "$bigram" train --data short.txt
  expect 1 "--threads must be between" "$bigram" train --data corpus.txt --threads -3
  expect 1 "a fraction lies between 0 and 1" "$bigram" train --data corpus.txt --validation 1.5
  expect 1 "'empty' holds no checkpoint" "$bigram" sample --from empty
  expect 1 "built for avx2, baseline" env FRIT_ISA=sse9 "$bigram" info
  [ ! -e run ] || die "a failed start left a directory"
  touch file
  expect 1 "cannot use 'file' as the run's directory" "$bigram" train --data corpus.txt --out file
  expect 1 "cannot write to standard output" bash -c "'$bigram' info > /dev/full"
}

case_train() {
  expect 0 "done: 200 steps" "$bigram" train --data corpus.txt
  expect 0 "bits_per_byte" "$bigram" eval --from run
  expect 1 "'run' already holds a run" "$bigram" train --data corpus.txt
  expect 0 "done: 3 steps" "$bigram" train --data corpus.txt --overwrite --steps 3
  [ "$(step_of run)" = 3 ] || die "the overwritten run is still there"
  train --steps 3 --out a && train --steps 3 --out b && same a b
  train --steps 3 --out c --seed 2
  ! same a c > /dev/null || die "another seed gives the same weights"
  train --steps 3 --out d --lr 0.5
  ! same a d > /dev/null || die "--lr has no effect"
  train --steps 1 --lr 0 --weights a/latest/model.safetensors --out e
  cmp a/latest/model.safetensors <(cat e/latest/model.safetensors) > /dev/null ||
    cmp <(tail -c 262144 a/latest/model.safetensors) <(tail -c 262144 e/latest/model.safetensors)
  FRIT_ISA=baseline train --steps 3 --out f && same a f
  grep -q '"isa": "baseline"' f/latest/meta.json || die "FRIT_ISA was not followed"
}

case_threads() {
  train --steps 50 --out one --threads 1
  train --steps 50 --out two --threads 2
  train --steps 50 --out five --threads 5
  same one two && same one five
  diff <(untimed one) <(untimed two)
}

case_metrics() {
  train --steps 20 --eval-every 10
  [ "$(grep -c '"loss"' run/metrics.jsonl)" = 22 ] || die "22 lines were expected"
  head -1 run/metrics.jsonl |
    grep -qE '^\{"step":1,"loss":5\.[0-9]+,"grad_norm":[0-9.]+,"lr":2,"ms":[0-9.]+,"tokens_per_second":[0-9]+\}$' ||
    die "first line: $(head -1 run/metrics.jsonl)"
  tail -1 run/metrics.jsonl | grep -q '^{"step":20,"validation":{"loss":.*"bits_per_byte":' ||
    die "last line: $(tail -1 run/metrics.jsonl)"
  expect 0 "step  4/20  loss " "$bigram" train --data corpus.txt --steps 20 --log-every 4 --out lines
  expect 0 "validation at step 10: loss " \
    "$bigram" train --data corpus.txt --steps 20 --eval-every 10 --out bar
  # On a terminal there is a bar, and it is gone at the end.
  script -qec "$bigram train --data corpus.txt --steps 20 --out tty" /dev/null > tty.txt < /dev/null
  grep -qE '\[[#.]{30}\] 1/20 eta' tty.txt || die "no bar on a terminal"
}

case_resume() {
  train --steps 120 --out whole
  train --steps 120 --out parts --save-every 40
  # Takes the run back to step 80, as a crash after that checkpoint would.
  rm -r parts/checkpoint-000120 && ln -sfn checkpoint-000080 parts/latest
  "$bigram" train --quiet --resume --out parts > /dev/null # remembers data, steps and scalars
  same whole parts
  diff <(untimed whole) <(untimed parts)
  expect 0 "all 120 steps are done" "$bigram" train --resume --out parts
  diff <(untimed whole) <(untimed parts) # evaluated again, not logged again
  expect 0 "resumed from 'parts/checkpoint-000120'" "$bigram" train --resume --out parts --steps 130
  train --lr 0.3 --steps 10 --out slow && "$bigram" train --quiet --resume --out slow --steps 12 > /dev/null
  grep -q '"lr.peak": 0.3' slow/latest/meta.json || die "the learning rate was forgotten"
  mkdir fresh
  expect 0 "no checkpoint yet" "$bigram" train --data corpus.txt --resume --out fresh --steps 2
  echo more >> corpus.txt
  expect 0 "not what this run was trained on" "$bigram" train --resume --out slow --steps 13
}

# Kills each time the run has gone a random number of steps (up to three checkpoints) further.
case_kill() {
  local count=${1:-8} every=20 before=0 last=0
  local steps=$((count * 400))
  train --threads 1 --steps $steps --save-every $steps --out whole
  mkdir run && : > run/metrics.jsonl
  for ((i = 0; i < count; ++i)); do
    "$bigram" train --data corpus.txt --quiet --threads 1 --steps $steps --save-every $every --out run \
      --resume > /dev/null 2>&1 &
    local pid=$! saved done target=$((before + 1 + RANDOM % (3 * every)))
    until [ "$(last_step)" -ge $target ]; do kill -0 $pid || die "ended before it was killed"; done
    kill -9 $pid
    wait $pid 2> /dev/null || true
    done=$(last_step)
    saved=0
    [ ! -L run/latest ] || saved=$(step_of run)
    [ $saved = 0 ] || [ -s run/latest/meta.json ] || die "latest is not whole"
    [ "$saved" -ge "$before" ] || die "checkpoint went back from $before to $saved"
    [ $((done - saved)) -le $every ] || die "$((done - saved)) steps lost, $every at most expected"
    before=$saved
  done
  "$bigram" train --data corpus.txt --quiet --threads 1 --steps $steps --save-every $every --resume --out run > /dev/null
  same whole run
  diff <(untimed whole) <(untimed run)
  [ -z "$(ls run | grep -E 'tmp|old')" ] || die "leftovers: $(ls run)"
  echo "killed $count times, the last checkpoint before finishing was of step $before of $steps"
}
last_step() {
  local step
  step=$(tail -n 2 run/metrics.jsonl 2> /dev/null | grep -o '^{"step":[0-9]*' | tail -n 1 | grep -o '[0-9]*$' || true)
  echo "${step:-0}"
}

case_signals() {
  set -m # so that background jobs do not ignore SIGINT
  train --steps 1500 --threads 1 --out whole
  for signal in TERM INT; do
    local status=0
    "$bigram" train --data corpus.txt --steps 1500 --threads 1 --out $signal > out.txt 2> err.txt &
    begun $signal $!
    kill -$signal $!
    wait $! || status=$?
    case $signal in TERM) [ $status = 143 ];; INT) [ $status = 130 ];; esac || die "status $status"
    grep -q "stopped by SIG$signal after step .* run the same command with --resume" err.txt ||
      die "$(cat err.txt)"
    "$bigram" train --data corpus.txt --quiet --resume --threads 1 --out $signal > /dev/null
    same whole $signal
  done
  "$bigram" train --data corpus.txt --quiet --steps 1000000000 --out busy > /dev/null 2>&1 &
  begun busy $!
  expect 1 "another process is training into 'busy'" "$bigram" train --data corpus.txt --out busy
  kill -TERM $! && wait $! || [ $? = 143 ]
}

# A failed save: error, old checkpoint usable, nothing half-written left.
survives() {
  [ "$(step_of "$1")" = 50 ] || die "the old checkpoint is gone"
  [ -z "$(ls "$1" | grep -E 'tmp|old|000100')" ] || die "leftovers: $(ls "$1")"
  "$bigram" eval --from "$1" > /dev/null
}
case_disk() {
  train --steps 50 --save-every 50 --out limit
  expect 1 "checkpoint of step 100 was not saved: cannot write" \
    bash -c "ulimit -f 200; '$bigram' train --resume --steps 100 --out limit"
  survives limit
  expect 1 "'limit/checkpoint-000050' is intact" \
    bash -c "ulimit -f 200; '$bigram' train --resume --steps 100 --out limit"
  "$bigram" train --quiet --resume --steps 100 --out limit > /dev/null
  # A file system that is full, where one may be made.
  mkdir small
  if unshare -m mount -t tmpfs -o size=900k none small 2> /dev/null; then
    export bigram
    export -f survives step_of die
    unshare -m bash -euc '
      mount -t tmpfs -o size=900k none small
      "$bigram" train --data corpus.txt --quiet --steps 50 --save-every 50 --out small/run > /dev/null
      if "$bigram" train --resume --steps 100 --out small/run 2> err.txt > /dev/null; then
        die "saved on a full disk"
      fi
      grep -q "No space left on device" err.txt || die "$(cat err.txt)"
      survives small/run'
  else
    echo "no file system of our own here: only the size limit was tested"
  fi
}

case_finite() {
  expect 3 "error: loss is inf at step " "$bigram" train --data corpus.txt --lr 1e38 --check-finite --out strict
  expect 3 "--check-finite" "$bigram" train --data corpus.txt --lr 1e38 --check-finite --out again
  expect 0 "training goes on" "$bigram" train --data corpus.txt --lr 1e38 --out lax --steps 20
  [ "$("$bigram" train --data corpus.txt --lr 1e38 --out once --steps 20 2>&1 | grep -c 'goes on')" = 1 ] ||
    die "warned more than once"
}

case_checkpoint() {
  train --steps 5
  local model=run/latest/model.safetensors
  expect 1 "'lm.half.0.table' has shape [128, 256] there, [150, 300] in this program" "$other" sample
  cp $model good
  head -c 1000 good > $model && expect 1 "truncated" "$bigram" sample
  head -c 100000 good > $model && expect 1 "truncated" "$bigram" train --resume --steps 9
  printf 'PK\003\004 something else' > $model && expect 1 "not a safetensors file" "$bigram" sample
  : > $model && expect 1 "not a safetensors file" "$bigram" sample
  rm $model && expect 1 "cannot read" "$bigram" sample
  cp good $model && expect 0 "" "$bigram" sample
  sed -i 's/"hash": "0100"/"hash": "beef"/' run/latest/meta.json
  expect 0 "another version of the program" "$bigram" sample
  # Any other reader: the parameters, by name, little-endian floats behind a JSON header.
  python3 - $model <<'PYTHON'
import json, struct, sys
data = open(sys.argv[1], "rb").read()
size = struct.unpack("<Q", data[:8])[0]
header = json.loads(data[8:8 + size])
del header["__metadata__"]
assert sorted(header) == ["lm.half.0.table", "lm.half.1.table"], header
assert header["lm.half.1.table"]["shape"] == [128, 256] and header["lm.half.1.table"]["dtype"] == "F32"
assert len(data) == 8 + size + 2 * 128 * 256 * 4 and size % 8 == 0
PYTHON
}

# What `from "teacher"` in a program does, and the option --lm.
case_load() {
  expect 0 "a new run's weights of lm: a .safetensors file or a run; default teacher" "$from" train --help
  expect 0 "weights of lm: from 'teacher'" "$from" info
  expect 1 "'teacher', where the weights of model 'lm' should be, does not exist; --lm FILE" \
    "$from" train --data corpus.txt
  mkdir teacher
  expect 1 "'teacher', where the weights of model 'lm' should be, holds no checkpoint" \
    "$from" train --data corpus.txt
  rmdir teacher
  [ ! -e run ] || die "a failed start left a directory"
  train --steps 5 --out teacher
  weights() { tail -c 262144 "$1/latest/model.safetensors"; }
  "$from" train --data corpus.txt --quiet --steps 1 --lr 0 --out run > /dev/null
  cmp <(weights teacher) <(weights run)
  # Another file, and going on without it.
  train --steps 9 --out second
  "$from" train --data corpus.txt --quiet --steps 1 --lr 0 --lm second/latest/model.safetensors \
    --out two > /dev/null
  cmp <(weights second) <(weights two)
  mv second gone
  "$from" train --data corpus.txt --quiet --steps 2 --lr 0 --resume --lm second --out two > /dev/null
  cmp <(weights gone) <(weights two)
  "$other" train --data corpus.txt --quiet --steps 1 --out foreign > /dev/null
  expect 1 "parameter 'lm.half.0.table' has shape [128, 256] in this program, 'lm.half.0.table' has [150, 300] there" \
    "$from" train --data corpus.txt --lm foreign --out three
  head -c 100000 teacher/latest/model.safetensors > short
  expect 1 "'short' is truncated" "$from" train --data corpus.txt --lm short --out three
  expect 1 "'short/none', where" "$from" train --data corpus.txt --lm short/none --out three
  [ ! -e three ] || die "a failed start left a directory"
}

case_data() {
  cp corpus.txt moved.txt
  train --steps 5
  rm corpus.txt
  expect 1 "is gone; say where it is with --data" "$bigram" train --resume --steps 6
  expect 0 "done: 6 steps" "$bigram" train --resume --steps 6 --data moved.txt
  expect 0 "done: 2 steps  loss" "$bigram" train --data moved.txt --validation 0 --steps 2 --out none
  ! grep -q validation none/metrics.jsonl || die "evaluated without held-out data"
  head -c 3000 moved.txt > held.txt
  expect 0 "bits_per_byte" "$bigram" train --data moved.txt --validation held.txt --steps 2 --out two
  expect 0 "'held.txt'" bash -c "'$bigram' eval --from two | sed 's|$folder/||'"
}

case_evaluate() {
  train --steps 50
  expect 0 "the held-out part of '$folder/corpus.txt'" "$bigram" eval
  expect 0 "the held-out part of 'corpus.txt'" "$bigram" eval --data corpus.txt
  seq 1 50 > other.txt
  expect 0 "(step 50, 'other.txt')" "$bigram" eval --data other.txt
  # The same numbers as at the end of training, for any number of threads.
  diff <(grep validation run/metrics.jsonl) <("$bigram" eval --json --threads 1)
  diff <(grep validation run/metrics.jsonl) <("$bigram" eval --json --threads 3)
}

case_sample() {
  train --steps 200
  "$bigram" sample --prompt "the " --tokens 60 --seed 3 > one.txt
  "$bigram" sample --prompt "the " --tokens 60 --seed 3 --threads 1 > two.txt
  "$bigram" sample --prompt "the " --tokens 60 --seed 4 > three.txt
  cmp one.txt two.txt
  ! cmp -s one.txt three.txt || die "another seed gives the same text"
  [ "$(wc -c < one.txt)" = 65 ] || die "64 bytes and a newline expected"
  # The most likely chain through the corpus, longer than the window of 32.
  [ "$("$bigram" sample --prompt q --tokens 3 --temperature 0)" = "quic" ] ||
    [ "$("$bigram" sample --prompt q --tokens 1 --temperature 0)" = "qu" ] || die "q is followed by u"
  expect 0 "qu" "$bigram" sample --prompt q --tokens 100 --top-k 1
  expect 0 "" "$bigram" sample --tokens 5 --top-p 0.5
  expect 1 "--top-p 2: between 0 and 1" "$bigram" sample --top-p 2
  expect 1 "--temperature -1" "$bigram" sample --temperature -1
}

case_info() {
  expect 0 "program: bigram, run pretrain" "$bigram" info
  expect 0 "parameters: 65536 in 2 tensors" "$bigram" info
  expect 0 "lm.half.1.table f32[128, 256]" "$bigram" info
  expect 0 "  slots                 262144" "$bigram" info
  expect 0 "in  s.ids i32[4, 32]" "$bigram" info
  expect 0 "lr.peak f32 = 2" "$bigram" info
  expect 0 "baseline (runs here)" env FRIT_ISA=baseline "$bigram" info
  train --steps 4
  expect 0 "step 4 of 4, seed 1" "$bigram" info --from run
  expect 0 "lm.half.0.table F32[128, 256]" "$bigram" info --from run/latest
}

case_bench() {
  expect 0 "5 steps, 1 threads" "$bigram" bench --steps 5 --threads 1
  expect 0 "tokens/s" "$bigram" bench --data corpus.txt --steps 5
  expect 0 '"median_ms":' "$bigram" bench --json --steps 5
}

# Lean: what every built program carries. Starting takes well under 50 ms; 20 starts under 2 s leave
# room for a busy machine.
case_start() {
  strip -o lean "$bigram"
  [ "$(stat -c %s lean)" -lt 4000000 ] || die "a program takes $(stat -c %s lean) bytes"
  SECONDS=0
  for i in {1..20}; do "$bigram" info > /dev/null; done
  [ $SECONDS -le 2 ] || die "20 starts took $SECONDS s"
}

"case_$2" "${@:3}"
