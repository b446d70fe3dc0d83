"""Mistakes that show only as a program runs: where they are, and that nothing is lost."""
import os
import shutil
from harness import *

OUTSIDE = """config { vocab = 256 }
model M() {
  param w: real[vocab] ~ normal(std = 0.1)
  forward(x: real[b], k: i32[b]) -> real[b] {
    w[vocab = k] * x
  }
}
objective fit(m: model, x: real[b], k: i32[b], y: real[b]) { minimize mean((m(x, k) - y)^2) }
train fit { m = M(); b = 4; data = table(); optimizer = sgd(lr = 0.1); epochs = 4; save = every(1) }
"""


def table(path, positions):
    return write(path, "x\tk\ty\n" + "".join(f"{i / 8}\t{k}\t1\n" for i, k in enumerate(positions)))


def test_index_outside():
    write("outside.frit", OUTSIDE)
    good = table("good.tsv", range(0, 240, 20))
    frit("train", "outside.frit", "--data", good, "--steps", 3, "--out", "run").says("done: 3 steps")
    before = state("run")
    bad = table("bad.tsv", [0, 300, -7, 255])  # of several the least is named
    for more in [[], ["--naive"]]:
        for threads in [1, 2]:
            out = frit("train", "outside.frit", *more, "--data", bad, "--threads", threads, "--out", f"run{threads}",
                       "--overwrite", status=1)
            out.says("outside.frit:5:5: error: index -7 of axis 'vocab' is outside 0..255")
            assert "warning" not in out.err
    # What was saved before it is whole.
    shutil.copytree("run", "more", symlinks=True)
    shutil.copy(bad, good)
    frit("train", "outside.frit", "--data", good, "--resume", "--steps", 20, "--out", "more", status=1).says("outside 0..255")
    frit("info", "outside.frit", "--from", "more")
    assert state("run") == before
    # A program of its own says the same, and so does the check of gradients where it meets one.
    frit("build", "outside.frit", "-o", "outside")
    run("./outside", "train", "--data", bad, "--overwrite", status=1).says("outside.frit:5:5: error: index -7")


def test_index_that_is_computed():
    # In bounds for real data, outside in the check: the positions are squares.
    write("squares.frit", OUTSIDE.replace("vocab = k]", "vocab = k * k]"))
    frit("check", "--gradients", "squares.frit", status=1).says("squares.frit", "of axis 'vocab'")
    write("else.frit", OUTSIDE.replace("vocab = k]", "vocab = k * k else 0]"))
    frit("check", "--gradients", "else.frit")


MASKED = """model M() {
  param w: real[] = 1
  forward(x: real[b]) -> real[b] { log(w * x) * sqrt(w * x) }
}
objective fit(m: model, x: real[b], keep: bool[b]) { minimize mean(m(x), where = keep) }
train fit { m = M(); b = 2; data = table(); optimizer = sgd(lr = 0.1); steps = 6 }
"""


def test_masked_rows_poison_nothing():
    # log 0 and sqrt -1 where nothing counts: the gradient is that of the other rows.
    write("masked.frit", MASKED)
    write("masked.tsv", "x\tkeep\n0\t0\n1\t1\n2\t1\n-1\t0\n")
    for more in ([], ["--naive"]):
        out = frit("train", "masked.frit", "--data", "masked.tsv", "--overwrite", "--check-finite", *more)
        assert "nan" not in out.all and "inf" not in out.all, out.all
    frit("check", "--objective", "masked.frit", "--only", "objectives", "--columns", 3).says("1 of 1 objectives right")


def test_loss_that_is_inf_on_random_data():
    write("far.frit", MASKED.replace("log(w * x) * sqrt(w * x)", "w / (x - x)"))
    frit("check", "--gradients", "far.frit", status=1).says("the loss is", "on data drawn at random", "--seed")


NOT_FINITE = """config { n = 4, layers = 3 }
model Block() {
  param w: real[n] = 1
  forward(x: real[b, n]) -> real[b, n] {
    y = x * w
    x + 0.001 * log(y * y)
  }
}
model M() {
  blocks = repeat(layers) Block()
  forward(x: real[b, n]) -> real[b] {
    kept = where(x > 0, log(max(x, 0)), 0)
    sum(blocks(x) + 0 * kept, over = n)
  }
}
objective fit(m: model, x: real[b, n]) { minimize mean(m(x)^2) }
train fit { m = M(); b = 2; data = table(); optimizer = sgd(lr = 0.001); epochs = 4; save = every(1) }
"""


def rows(path, numbers):
    lines = ["\t".join(str(x) for x in row) for row in numbers]
    return write(path, "x.0\tx.1\tx.2\tx.3\n" + "\n".join(lines) + "\n")


def test_check_finite_names_the_line():
    write("finite.frit", NOT_FINITE)
    good = rows("good.tsv", [[1, 2, -3, 0.5], [0.25, 4, 1, 1]] * 4)
    frit("train", "finite.frit", "--data", good, "--steps", 4, "--out", "plain")
    frit("train", "finite.frit", "--data", good, "--steps", 4, "--out", "watched", "--check-finite")
    same_run("plain", "watched")
    bad = rows("bad.tsv", [[1, 2, -3, 0.5], [0.25, 4, 0, 1]] * 4)
    for more in [[], ["--naive"]]:
        for threads in [1, 2]:
            result = frit("train", "finite.frit", *more, "--data", bad, "--out", "stopped", "--overwrite", "--threads",
                          threads, "--check-finite", status=3)
            result.says("loss is nan at step 1", "nothing was saved after it",
                        "finite.frit:6:17: note: log in m.blocks gave the first number that is not finite")
    assert not os.path.exists("stopped/latest")
    # A program of its own: with the watches it was built with, or with a word on how to get them.
    frit("build", "finite.frit", "-o", "finite")
    run("./finite", "train", "--data", bad, "--overwrite", "--check-finite", status=3).says("frit train finite.frit --check-finite")
    frit("build", "finite.frit", "-o", "finite", "--check-finite")
    run("./finite", "train", "--data", bad, "--overwrite", "--check-finite", status=3).says("finite.frit:6:17: note: log in m.blocks")
    # Without the option it is a warning.
    run("./finite", "train", "--data", bad, "--overwrite", "--steps", 1).says("warning: loss is nan")


def test_check_finite_of_other_ops():
    program = NOT_FINITE.replace("x + 0.001 * log(y * y)", "y").replace("sum(blocks(x) + 0 * kept, over = n)",
                                                                       "dot(blocks(x), x, over = n)")
    write("large.frit", program)
    large = rows("large.tsv", [[1e25, 2e25, 3e25, 1]] * 4)
    frit("train", "large.frit", "--data", large, "--check-finite", status=3).says("large.frit:13:5: note: contract in m ")
    # Data that is not finite is nobody's fault.
    nan = rows("nan.tsv", [[1, 2, "nan", 1]] * 4)
    frit("train", "large.frit", "--data", nan, "--check-finite", "--overwrite", status=3).says(
        "the data has such a number: input 'x', row 0 of the batch")


main(globals())
