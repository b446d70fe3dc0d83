"""The examples train: each ends with the line that its header promises, or, where that takes
minutes, with the one below, at small sizes. A new example needs no line here: see test_others."""
import glob
from harness import *

ONE = ["--seed", "1", "--threads", "1"]
ALL = sorted(os.path.basename(path)[:-5] for path in glob.glob(f"{EXAMPLES}/*.frit"))


def promised(name):
    """The last line that an example's header promises."""
    for line in open(f"examples/{name}.frit"):
        if line.startswith("#   done: "):
            return line[1:].strip()
    raise AssertionError(f"examples/{name}.frit does not promise a last line")


def test_line():
    expect_last_line(frit("train", *LINE, *LINE_DATA), promised("line"))


def test_digits():
    run("python3", "examples/digits.py", "out/digits")
    result = frit("train", "examples/digits.frit", "--data", "out/digits")
    expect_last_line(result, promised("digits"), tolerance=0.03)


def test_gru():
    corpus = write_corpus()
    result = frit("train", *GRU, "--data", corpus, "--steps", 60, *ONE)
    expect_last_line(result, "done: 60 steps  loss 2.7007  bits_per_byte 3.8963")
    frit("sample", *GRU, "--prompt", "in the", "--tokens", 20).says("in the")


def test_gpt():
    corpus = write_corpus()
    result = frit("train", *GPT, "--data", corpus, "--steps", 60, *ONE)
    expect_last_line(result, "done: 60 steps  loss 3.3722  bits_per_byte 4.8651")
    frit("sample", *GPT, "--prompt", "in the", "--tokens", 20).says("in the")


def test_distill():
    corpus = write_corpus()
    sizes = GPT[1:]
    frit("train", *GPT, "--data", corpus, "--steps", 60, "--out", "teacher", *ONE)
    result = frit("train", "examples/distill.frit", *sizes, "--data", corpus, "--steps", 60, "--out", "student", *ONE)
    expect_last_line(result, "done: 60 steps  loss 0.8185  far 0.0412  bits_per_byte 2.1239")


def test_others():
    """An example that no test above speaks of: the commands of its header, with the GPT of the tests
    on the text of the tests, 60 steps each, end with the last line that it promises for that."""
    corpus = write_corpus()
    for name in sorted(set(ALL) - {"line", "digits", "gru", "gpt", "distill"}):
        for line in open(f"examples/{name}.frit"):
            if line.startswith("#   frit train "):
                arguments = line[len("#   frit "):].replace("kjv.txt", corpus).split()
                result = frit(*arguments, *GPT[1:], "--steps", 60, *ONE)
        expect_last_line(result, promised(name))


def test_gradients():
    for name in ALL:
        frit("check", "--gradients", f"examples/{name}.frit").says("gradients right")


main(globals())
