"""A small GPT is trained, then teaches a smaller one: `from` in a program, and --teacher."""
import json
import struct
from harness import *

SMALL = [*GPT[1:], "--set", "b=2"]


def corpus():
    return write("corpus.txt", "".join(f"{i} the quick brown fox jumps over the lazy dog\n" for i in range(1, 401)))


def gpt(*more):
    return frit("train", "examples/gpt.frit", *SMALL, "--data", corpus(), "--quiet", *more)


def distill(*more, status=0):
    return frit("train", "examples/distill.frit", *SMALL, "--data", corpus(), *more, status=status)


def tensors(folder, model):
    """Shapes and bytes of a model's tensors by name, without the name of the model."""
    data = weights(folder)
    size, = struct.unpack("<Q", data[:8])
    out = {}
    for name, entry in json.loads(data[8:8 + size]).items():
        if name.startswith(model + "."):
            begin, end = entry["data_offsets"]
            out[name.split(".", 1)[1]] = entry["shape"], data[8 + size + begin:8 + size + end]
    return out


def test_teacher():
    gpt("--steps", 20, "--out", "teacher")
    distill("--steps", 3, "--out", "one").says("done: 3 steps")
    # The teacher is there, whole, and has not moved.
    taught = tensors("teacher", "lm")
    assert len(taught) > 10 and taught == tensors("one", "teacher")

    # Another place for it, a single file, the checkpoint of a distillation.
    os.rename("teacher", "run")
    distill("--out", "two", status=1).says(
        "'teacher', where the weights of model 'teacher' should be, does not exist; --teacher FILE")
    distill("--steps", 3, "--teacher", "run", "--out", "two").says("done: 3 steps")
    distill("--steps", 3, "--teacher", "run/latest/model.safetensors", "--out", "three").says("done: 3 steps")
    distill("--steps", 3, "--teacher", "two", "--out", "four").says("tensors that model 'teacher' has no use for")
    for folder in ["two", "three", "four"]:
        assert weights("one") == weights(folder), folder

    # A resumed run takes both models from its checkpoint.
    os.rename("run", "gone")
    distill("--resume", "--steps", 5, "--out", "one").says("done: 5 steps")
    assert tensors("gone", "lm") == tensors("one", "teacher"), "the teacher changed when the run went on"
    frit("eval", "examples/distill.frit", *SMALL, "--from", "one").says("bits_per_byte")


def test_what_does_not_fit():
    gpt("--steps", 1, "--out", "teacher")
    gpt("--steps", 1, "--set", "width=8", "--out", "narrow")
    distill("--teacher", "narrow", "--out", "student", status=1).says(
        "has shape [256, 16] in this program, 'lm.tok.table' has [256, 8] there")
    with open("short.safetensors", "wb") as file:
        file.write(weights("teacher")[:5000])
    distill("--teacher", "short.safetensors", "--out", "student", status=1).says("'short.safetensors' is truncated")
    os.mkdir("empty")
    distill("--teacher", "empty", "--out", "student", status=1).says(
        "'empty', where the weights of model 'teacher' should be, holds no checkpoint")
    assert not os.path.exists("student"), "a failed start left a directory"


main(globals())
