"""Programs whose runs take turns, followers, pieces of a batch, evaluation on the way."""
import json
from harness import *

BOTH = """config { n = 4, v = 256 }
model Trunk() { tok = Embedding(v, n);  rnn = GRU(n, n)
  forward(ids: token[b, t; v]) -> real[b, t, n] { rnn(tok(ids)) } }
model Next(trunk: model) { out = Linear(n, v)
  forward(ids: token[b, t; v]) -> categorical[b, t; v] { categorical(logits = out(trunk(ids)), over = v) } }
model Kind(trunk: model) { out = Linear(n, [])
  forward(ids: token[b, t; v]) -> real[b] { mean(out(trunk(ids)), over = t) } }
objective next(lm: model, s: sequence[b, t; v]; drop = 0.1) {
  minimize mean(nll(lm(where(sample(bernoulli(probs = drop, over = [], like = s.ids)), 1, s.ids)), s.next), where = s.mask)
}
objective kind(m: model, frozen slow: model, s: sequence[b, t; v], y: real[b]) {
  minimize mean((m(s.ids) - y)^2) + 0.1 * mean((m(s.ids) - slow(s.ids))^2)
}
train both {
  trunk = Trunk();  lm = Next(trunk);  m = Kind(trunk);  slow = ema(m, 0.9)
  t = 8
  run next 3 { data = text();  b = 4;  validation = 0.2 every 4;  accumulate = 2 }
  run kind 1 { data = table(s = bytes("text"));  b = 3;  validation = 0.5;  optimizer = adam(lr = 1e-2) }
  optimizer = momentum(lr = 0.1);  clip = global_norm(1.0);  steps = 12
}
"""


def prepare():
    write("both.frit", BOTH)
    corpus = write_corpus(words=300)
    rows = "".join(f"w{i % 3} w{i % 5}\t{i % 3}\n" for i in range(40))
    write("kinds.tsv", "text\ty\n" + rows)
    return ["both.frit", "--next-data", corpus, "--kind-data", "kinds.tsv", "--threads", 1]


def logged(folder):
    return [json.loads(line) for line in read(f"{folder}/metrics.jsonl").splitlines()]


def test_turns():
    program = prepare()
    said = frit("train", *program, "--log-every", 1)
    said.says("next: loss", "kind: loss", "validation at step 4: next: loss", "done: 12 steps  next: loss")
    lines = logged("run")
    assert [line["run"] for line in lines if "ms" in line] == ["next", "next", "next", "kind"] * 3, lines
    evaluated = [(line["step"], line["run"]) for line in lines if "validation" in line]
    assert evaluated == [(step, run) for step in (4, 8, 12) for run in ("next", "kind")], evaluated
    frit("eval", "both.frit").says("next: loss", "the held-out part of", "kind: loss", "kinds.tsv")
    frit("sample", "both.frit", "--prompt", "god", "--tokens", 5).says("god")
    frit("info", "both.frit").says("run next: 3 steps in turn, data: text", "run kind: 1 step in turn, data: table")
    frit("info", "both.frit", "--from", "run").says("kinds.tsv", "corpus.txt", "slow.out.weight")
    frit("bench", "both.frit", "--steps", 4).says("tokens/s")
    frit("train", "both.frit", "--help").says("--next-data", "--kind-validation", "--next-drop", "--slow-decay",
                                              "--kind-lr", "evaluate each N steps; default 4")
    frit("check", "--gradients", "both.frit", "--set", "v=5", "--set", "t=3").says("three training steps of train.kind", " ok")


def test_resume():
    """In the middle of a round, bit for bit."""
    program = prepare()
    frit("train", *program, "--out", "whole")
    for at in (2, 3, 6):
        frit("train", *program, "--out", f"parts{at}", "--save-every", at)
        os.remove(f"parts{at}/latest")
        os.symlink(f"checkpoint-{at * (11 // at):06}", f"parts{at}/latest")
        frit("train", "both.frit", "--resume", "--threads", 2, "--out", f"parts{at}").says("resumed from")
        same_run("whole", f"parts{at}")


def test_pieces():
    """The same training in pieces, in less memory."""
    corpus = write_corpus()
    write("examples/gpt.frit", read("examples/gpt.frit").decode().replace("steps = 3000", "steps = 3000;  accumulate = 1"))
    small = ["--set", "b=8", "--steps", 20, "--data", corpus, "--threads", 1, "--overwrite"]
    whole = frit("train", *GPT, *small)
    for pieces in (2, 8):
        parts = frit("train", *GPT, "--set", f"accumulate={pieces}", *small)
        expect_last_line(parts, whole.out.strip().splitlines()[-1], tolerance=2e-3)
    peak = lambda pieces: json.loads(frit("explain", *GPT, "--set", "b=64", "--set", f"accumulate={pieces}", "--json").out)["peak"]
    assert peak(8) < 0.4 * peak(1), (peak(8), peak(1))
    frit("check", "--gradients", *GPT, "--set", "b=4", "--set", "accumulate=2").says("three training steps", " ok")


def test_evaluation_interval():
    corpus = write_corpus()
    program = read("examples/gpt.frit").decode().replace("validation = 0.1", "validation = 0.1 every 3", 1)
    assert "every 3" in program
    write("examples/gpt.frit", program)
    frit("train", *GPT, "--data", corpus, "--steps", 7)
    at = lambda folder: [line["step"] for line in logged(folder) if "validation" in line]
    assert at("run") == [3, 6, 7], at("run")
    frit("train", *GPT, "--data", corpus, "--steps", 7, "--eval-every", 0, "--out", "never")
    assert at("never") == [7], at("never")


def test_sources():
    write("typo.frit", read("examples/gpt.frit").decode().replace("data       = text(tokenizer", "data       = text(tokeniser", 1))
    frit("check", "typo.frit", status=1).says("source text has no argument 'tokeniser'", "did you mean 'tokenizer'?", "^")


main(globals())
