"""Bad input: a clear sentence, exit 1, and nothing left behind."""
import shutil
import stat
from harness import *


def refused(*arguments):
    return frit(*arguments, status=1)


def test_command_line():
    refused("trian").says("there is no command 'trian'; did you mean 'train'?")
    refused("--foo").says("there is no option '--foo'")
    refused().says("Usage: frit", "train", "explain")
    refused("build").says("FILE is required", "frit build --help")
    refused("build", *LINE, "--stpo-after", "ops").says("there is no option '--stpo-after'; did you mean '--stop-after'?")
    refused("build", *LINE, "two", "three").says("'two' is one argument too many")
    refused("build", *LINE, "--emit", "gard").says("there is no stage 'gard'; there are ast, ops, grad")
    refused("build", *LINE, "--target", "avx9", "--emit", "ops").says("there is no target 'avx9'")
    refused("build", *LINE, "--disable-pass", "Fues", "--emit", "ops").says("there is no pass 'Fues'")
    refused("build", *LINE, "--disable-pass", "Differentiate").says("cannot be left out")
    refused("build", *LINE, "--stop-after", "Fues", "--emit", "ops").says("there is no pass or stage 'Fues'")
    refused("build", *LINE, "--stop-after", "ops", "--emit", "asm").says("still asks for gradients")
    refused("build", *LINE, "--set", "width").says("--set wants NAME=VALUE, not 'width'")
    refused("build", *LINE, "--set", "widht=3").says("there is no config value", "'widht'")
    refused("build", *LINE, "--train", "foo").says("there is no 'train foo'; there is fit")
    refused("explain", *LINE, "--entry", "foo").says("no entry 'foo'; it has train")
    refused("explain", *LINE, "--threads", "0").says("--threads")
    refused("train", *LINE, "--stpes", "3").says("unknown option '--stpes'; did you mean '--steps'?")
    refused("train", "--data", "examples/line.tsv").says("'examples/line.tsv' is not a .frit file")
    refused("info").says("FILE is required")


def test_files():
    refused("check", "none.frit").says("cannot read none.frit: No such file or directory")
    refused("check", "examples").says("cannot read examples: it is a directory")
    refused("build", *LINE, "-o", "none/line").says("cannot write none/line: No such file or directory")
    refused("build", *LINE, "--emit", "ops", "-o", "none/line").says("cannot write none/line")
    refused("build", *LINE, "--save-stages", "/dev/null/x").says("cannot write")
    before = read("examples/line.frit")
    refused("build", *LINE, "-o", "examples/line.frit").says("is the program's text")
    assert read("examples/line.frit") == before
    os.mkdir("folder")
    refused("build", *LINE, "-o", "folder").says("cannot write folder: Is a directory")
    os.mkfifo("pipe")
    refused("build", *LINE, "-o", "pipe").says("cannot write pipe: it is no regular file")
    assert stat.S_ISFIFO(os.stat("pipe").st_mode)
    assert not [name for name in os.listdir(".") if ".o" in name], os.listdir(".")


def test_programs():
    write("brace.frit", "model X {\n")
    refused("check", "brace.frit").says("brace.frit:1:9: error:", "^")
    write("axes.frit", """fn f(x: real[b, t], y: real[b, u]) = x + y
objective o(m: model, x: real[b, t], y: real[b, u]) { minimize mean(f(m(x), y)) }
model M() { param w: real[] = 0; forward(x: real[b, t]) -> real[b, t] { w * x } }
train o { m = M(); b = 2, t = 3, u = 4; data = tensors(); optimizer = sgd(lr = 1); steps = 1 }
""")
    refused("check", "axes.frit").says("axes.frit:1:", "error:", "t", "u")
    write("slope.frit", """objective o(m: model, x: real[b]) { minimize mean(floor(m(x))) }
model M() { param w: real[] = 0; forward(x: real[b]) -> real[b] { w * x } }
train o { m = M(); b = 2; data = tensors(); optimizer = sgd(lr = 1); steps = 1 }
""")
    write("empty.frit", "")
    for command in ["check", "build", "train"]:
        refused(command, "empty.frit").says("no train block")


def test_data():
    refused("train", *LINE).says("--data is missing")
    refused("train", *LINE, "--data", "none.tsv").says("cannot read 'none.tsv': No such file or directory")
    write("short.txt", "short")
    refused("train", *GPT, "--data", "short.txt").says("'short.txt' is too short: it has 5 tokens")
    write("columns.tsv", "x\tz\n1\t2\n")
    refused("train", *LINE, "--data", "columns.tsv").says("y")
    assert not os.path.exists("run"), "a failed start left a directory"
    write("file", "")
    refused("train", *LINE, *LINE_DATA, "--out", "file").says("cannot use 'file' as the run's directory")
    refused("sample", *GPT, "--from", "none").says("none")


def test_checkpoints():
    corpus = write_corpus()
    frit("train", *GPT, "--data", corpus, "--steps", 2, "--out", "run")
    other = [part.replace("width=16", "width=24") for part in GPT]
    for command in [["sample", *other], ["train", *other, "--data", corpus, "--resume", "--steps", 3]]:
        refused(*command).says("has shape [", "24", "16")
    refused("info", *LINE, "--from", "none").says("none")
    shutil.copytree("run", "good", symlinks=True)
    model = "run/latest/model.safetensors"
    whole = read(model)
    with open(model, "wb") as file:
        file.write(whole[: len(whole) // 2])
    refused("sample", *GPT, "--from", "run").says("truncated")
    refused("train", *GPT, "--data", corpus, "--resume", "--steps", 3).says("truncated")
    with open(model, "wb") as file:
        file.write(b"PK\003\004 something else")
    refused("sample", *GPT, "--from", "run").says("not a safetensors file")
    # A program that computes something else, with the same shapes, is told apart.
    program = read("examples/gpt.frit").decode()
    write("examples/gpt.frit", program.replace("act = gelu", "act = relu"))
    frit("sample", *GPT, "--from", "good", "--tokens", 2).says("another version of the program")
    write("examples/gpt.frit", program + "\n# A comment changes nothing.\n")
    assert "another version" not in frit("sample", *GPT, "--from", "good", "--tokens", 2).all


main(globals())
