"""Runs `frit` in a folder of its own, with a compile cache of its own. Standard library only.

A test file holds functions named test_*; `main()` runs them in order, stops at the first failure
and prints what was typed and what came back. The first argument is the frit to test; further ones
name the tests to run.
"""
import os
import re
import shutil
import subprocess
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
EXAMPLES = os.path.join(ROOT, "examples")
FRIT = os.path.abspath(sys.argv[1])

# The GPT and the GRU, small enough for seconds.
GPT = ["examples/gpt.frit", "--set", "width=16", "--set", "heads=2", "--set", "layers=2", "--set", "ctx=16"]
GRU = ["examples/gru.frit", "--set", "width=8", "--set", "n=16"]
LINE = ["examples/line.frit"]
LINE_DATA = ["--data", "examples/line.tsv"]


class Result:
    def __init__(self, command, status, out, err):
        self.command, self.status, self.out, self.err = command, status, out, err
        self.all = out + err

    def fail(self, why):
        raise AssertionError(f"{why}\n$ {' '.join(self.command)}\n(exit {self.status})\n{self.all}")

    def says(self, *texts):
        for text in texts:
            if text not in self.all:
                self.fail(f"does not say {text!r}")
        return self


def run(*command, status=0, env=None, **more):
    """Runs a command; fails unless it exits with `status`."""
    command = [str(part) for part in command]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True,
                          env={**os.environ, **(env or {})}, **more)
    result = Result(command, done.returncode, done.stdout.decode(errors="replace"),
                    done.stderr.decode(errors="replace"))
    if done.returncode != status:
        result.fail(f"exit {done.returncode}, expected {status}")
    return result


def frit(*arguments, **more):
    return run(FRIT, *arguments, **more)


def write(path, text):
    with open(path, "w") as file:
        file.write(text)
    return path


def read(path):
    with open(path, "rb") as file:
        return file.read()


def write_corpus(path="corpus.txt", words=3000):
    """Text with something to learn in it, the same on every machine."""
    vocabulary = "in the beginning god made heaven and earth it was good so light came to be".split()
    state, text = 1, []
    for _ in range(words):
        state = (state * 1103515245 + 12345) % 2**31
        text.append(vocabulary[(state >> 16) % len(vocabulary)])
    return write(path, " ".join(text) + "\n")


def last_line(result):
    """("done: 200 steps", {"loss": 0.1, ...}) of the last line, without times and speeds."""
    line = result.out.strip().splitlines()[-1]
    head, _, rest = line.partition("  ")
    return head, {name: float(value) for name, value in re.findall(r"(\w+) (-?[\d.]+(?:e[-+]?\d+)?|nan|inf)(?=  )", rest)}


def expect_last_line(result, line, tolerance=0.01):
    """The last line, its numbers within a relative tolerance: instruction sets round differently."""
    want = last_line(Result([], 0, line + "  0:00", ""))
    got = last_line(result)
    close = got[0] == want[0] and got[1].keys() == want[1].keys() and all(
        abs(got[1][name] - value) <= tolerance * abs(value) for name, value in want[1].items())
    if not close:
        result.fail(f"expected the last line {line!r}")


def weights(run_folder):
    return read(os.path.join(run_folder, "latest", "model.safetensors"))


def state(run_folder):
    return read(os.path.join(run_folder, "latest", "state.safetensors"))


def same_run(one, two):
    assert weights(one) == weights(two), f"the parameters of {one} and {two} differ"
    assert state(one) == state(two), f"the states of {one} and {two} differ"


def main(tests):
    chosen = sys.argv[2:]
    for name, test in list(tests.items()):
        if not name.startswith("test_") or (chosen and name not in chosen):
            continue
        folder = tempfile.mkdtemp(prefix="frit-run-")
        here = os.getcwd()
        try:
            os.chdir(folder)
            shutil.copytree(EXAMPLES, "examples")
            os.environ["FRIT_CACHE"] = os.path.join(folder, "cache")
            test()
            print(f"ok {name}")
        except AssertionError as failure:
            print(f"FAILED {name}: {failure}")
            sys.exit(1)
        finally:
            os.chdir(here)
            shutil.rmtree(folder, ignore_errors=True)
