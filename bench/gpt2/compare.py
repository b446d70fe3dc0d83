#!/usr/bin/env python3
"""GPT-2 124M, batch 4, window 64, fp32: Frit against PyTorch from the same initial weights on the same
batches (losses step by step), and against PyTorch and llm.c in turns (time per step).

  bench/gpt2/compare.py --frit build/bin/frit --python VENV/bin/python [--llmc PROGRAM] --work DIR

PROGRAM is llm.c's CPU trainer (clang -Ofast -march=native -fopenmp -DOMP), changed only to take the
number of steps as its argument and to start from random weights; it prints "ms NUMBER" per step.
VENV has torch and numpy. Standard library only here."""
import argparse, json, os, random, re, statistics, struct, subprocess

parser = argparse.ArgumentParser()
parser.add_argument("--frit", default="build/bin/frit")
parser.add_argument("--python", required=True)
parser.add_argument("--llmc")
parser.add_argument("--work", required=True)
parser.add_argument("--steps", type=int, default=20)
parser.add_argument("--rounds", type=int, default=3)
parser.add_argument("--set", action="append", default=[])
args = parser.parse_args()
here = os.path.dirname(os.path.abspath(__file__))
program, window, batch, count, vocab, seed = os.path.join(here, "gpt2.frit"), 64, 4, 40000, 50257, 1
settings = [word for s in args.set for word in ("--set", s)]
os.makedirs(args.work, exist_ok=True)


def path(name):
    return os.path.join(args.work, name)


def run(*words, **more):
    return subprocess.run(words, check=True, text=True, capture_output=True,
                          env={**os.environ, "OMP_NUM_THREADS": "2"}, **more).stdout


def philox(key, counter):
    """Philox4x32-10 of Salmon et al., SC 2011, from the paper's description."""
    (k0, k1), c = key, list(counter)
    for _ in range(10):
        a, b = 0xD2511F53 * c[0], 0xCD9E8D57 * c[2]
        c = [(b >> 32) ^ c[1] ^ k0, b & 0xFFFFFFFF, (a >> 32) ^ c[3] ^ k1, a & 0xFFFFFFFF]
        k0, k1 = (k0 + 0x9E3779B9) & 0xFFFFFFFF, (k1 + 0xBB67AE85) & 0xFFFFFFFF
    return c


def start(step, row):
    """Where row `row` of step `step` begins: docs/abi.md, "Data"."""
    words = philox((seed, 1), (step, 0, row, 0))
    return ((words[0] | words[1] << 32) * (count - window)) >> 64


rng = random.Random(1)
with open(path("tokens.bin"), "wb") as file:
    file.write(struct.pack("<%dH" % count, *[min(int(rng.expovariate(1 / 3000)), vocab - 1) for _ in range(count)]))
with open(path("starts.json"), "w") as file:
    json.dump([[start(step, row) for row in range(batch)] for step in range(args.steps)], file)

common = [args.frit, "train", program, *settings, "--data", path("tokens.bin"), "--overwrite", "--threads", "2", "--quiet"]
run(*common, "--steps", "0", "--out", path("initial"))
weights = os.path.join(path("initial"), "latest", "model.safetensors")


def frit(steps):
    run(*common, "--steps", str(steps), "--out", path("trained"))
    with open(os.path.join(path("trained"), "metrics.jsonl")) as file:
        return [line for line in map(json.loads, file) if "loss" in line and "ms" in line]


def torch(steps, *more):
    text = run(args.python, os.path.join(here, "reference.py"), "--weights", weights, "--tokens", path("tokens.bin"),
               "--starts", path("starts.json"), "--steps", str(steps), *more)
    return [json.loads(line) for line in text.splitlines()]


def llmc(steps):
    return [{"ms": float(ms)} for ms in re.findall(r"ms ([0-9.]+)", run(args.llmc, str(steps)))]


ours, theirs, exact = frit(args.steps), torch(args.steps), torch(args.steps, "--double")
print("step        frit     pytorch  pytorch f64   |frit - f64| / f64   |pytorch - f64| / f64")
worst = 0.0
for a, b, c in zip(ours, theirs, exact):
    error = abs(a["loss"] - c["loss"]) / c["loss"]
    worst = max(worst, error)
    print("%4d  %10.6f  %10.6f  %11.7f  %19.1e  %22.1e" % (c["step"] + 1, a["loss"], b["loss"], c["loss"], error,
                                                          abs(b["loss"] - c["loss"]) / c["loss"]))
print("largest relative difference of the loss from f64: %.1e" % worst)

times = {"frit": [], "pytorch": [], "llm.c": []}
for _ in range(args.rounds):
    for name, runner in (("frit", frit), ("pytorch", torch), ("llm.c", llmc)):
        if name != "llm.c" or args.llmc:
            # The first step pays for page faults everywhere.
            times[name].append(statistics.median(line["ms"] for line in runner(4)[1:]))
print("\n%-8s  %14s  %14s" % ("", "median ms/step", "best ms/step"))
for name, found in times.items():
    if found:
        print("%-8s  %14.0f  %14.0f" % (name, statistics.median(found), min(found)))
for name in ("pytorch", "llm.c"):
    if times[name]:
        ratios = [t / f for t, f in zip(times[name], times["frit"])]
        print("frit is %.2f times as fast as %s (median of %d rounds in turns; best %.2f)" %
              (statistics.median(ratios), name, len(ratios), max(ratios)))
