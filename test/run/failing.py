"""Mistakes that show only as a program runs: where they are, and that nothing is lost."""
import shutil
from harness import *

# Position 300 stands in the second half of the table.
OUTSIDE = """config { vocab = 256 }
model M() {
  param w: real[vocab] ~ normal(std = 0.1)
  forward(x: real[b], k: i32[b]) -> real[b] {
    w[vocab = k] * x
  }
}
objective fit(m: model, x: real[b], k: i32[b], y: real[b]) { minimize mean((m(x, k) - y)^2) }
train fit { m = M(); b = 2; data = table(); optimizer = sgd(lr = 0.1); epochs = 4; save = every(1) }
"""


def table(path, positions):
    return write(path, "x\tk\ty\n" + "".join(f"{i / 8}\t{k}\t1\n" for i, k in enumerate(positions)))


def test_index_outside():
    write("outside.frit", OUTSIDE)
    good = table("good.tsv", range(0, 240, 20))
    frit("train", "outside.frit", "--data", good, "--steps", 3, "--out", "run").says("done: 3 steps")
    before = state("run")
    bad = table("bad.tsv", [0, 300, -7, 255] * 3)
    for more in [[], ["--naive"]]:
        for threads in [1, 2]:
            out = frit("train", "outside.frit", *more, "--data", bad, "--threads", threads, "--out", f"run{threads}",
                       "--overwrite", status=1)
            out.says("outside.frit:5:6: error: index -7 of axis 'vocab' is outside 0..255")
            assert "warning" not in out.err
    # What was saved before it is whole.
    shutil.copytree("run", "more", symlinks=True)
    shutil.copy(bad, good)
    frit("train", "outside.frit", "--data", good, "--resume", "--steps", 20, "--out", "more", status=1).says("outside 0..255")
    frit("info", "outside.frit", "--from", "more")
    assert state("run") == before
    # A program of its own says the same, and so does the check of gradients where it meets one.
    frit("build", "outside.frit", "-o", "outside")
    run("./outside", "train", "--data", bad, "--overwrite", status=1).says("outside.frit:5:6: error: index -7")


def test_index_that_is_computed():
    # In bounds for real data, outside in the check: the positions are squares.
    write("squares.frit", OUTSIDE.replace("vocab = k]", "vocab = k * k]"))
    frit("check", "--gradients", "squares.frit", status=1).says("squares.frit", "of axis 'vocab'")
    write("else.frit", OUTSIDE.replace("vocab = k]", "vocab = k * k else 0]"))
    frit("check", "--gradients", "else.frit")


main(globals())
