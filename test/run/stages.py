"""Every stage is text, the ops stages parse back, and passes can be stopped and left out."""
import json
from harness import *

FRIT_OPT = os.environ["FRIT_OPT"]
OPS = ["ops", "grad", "fused", "planned"]
MACHINE = ["--target", "baseline"]


def test_ops_parse_back():
    for program in [LINE, GPT, GRU, ["examples/digits.frit"]]:
        for stage in OPS:
            text = frit("build", *program, *MACHINE, f"--emit={stage}").out
            write("stage.mlir", text)
            assert run(FRIT_OPT, "stage.mlir").out.strip() == text.strip(), (program, stage)


def test_content():
    build = ["build", *GPT, *MACHINE]
    assert frit(*build, "--emit=ast").out == read("examples/gpt.frit").decode()
    ops = frit(*build, "--emit=ops").out
    assert "frit.gradient" in ops and "frit.scan" in ops and "frit.group" not in ops
    grad = frit(*build, "--emit=grad").out
    assert "frit.gradient" not in grad and "frit.scan" in grad and "frit.group" not in grad
    assert "frit.group" in frit(*build, "--emit=fused").out
    assert "frit.arena" in frit(*build, "--emit=planned").out
    assert "define" in frit(*build, "--emit=llvm").out
    assert ".globl\tfrit_entry_train_baseline" in frit(*build, "--emit=asm").out
    frit(*build, "--emit=obj")
    assert read("gpt.o")[:4] == b"\x7fELF"
    frit(*build, "--emit=grad", "-o", "grad.mlir")
    assert read("grad.mlir").decode() == grad


def test_save_stages():
    frit("build", *LINE, "--save-stages", "stages/line", "-o", "line")
    assert sorted(os.listdir("stages/line")) == [
        "0-ast.frit", "1-ops.mlir", "2-grad.mlir", "3-fused.mlir", "4-planned.mlir", "5-llvm.ll", "6-asm.s"]
    assert read("stages/line/2-grad.mlir").decode() == frit("build", *LINE, "--emit=grad").out
    frit("train", *LINE, *LINE_DATA, "--steps", 1, "--save-stages", "again")
    assert len(os.listdir("again")) == 7


def test_stop_after():
    build = ["build", *LINE]
    assert frit(*build, "--stop-after=ops").out == frit(*build, "--emit=ops").out
    stopped = frit(*build, "--stop-after=Differentiate").out
    assert "frit.gradient" not in stopped and stopped != frit(*build, "--emit=grad").out
    assert frit(*build, "--stop-after=grad").out == frit(*build, "--emit=grad").out
    assert frit(*build, "--disable-pass=Fuse").out == "" and "frit.group" not in frit(*build, "--disable-pass=Fuse", "--emit=fused").out


def test_explain():
    text = frit("explain", *GPT).out
    for wanted in ["entry train", "matmul", "lm.blocks.mlp.up", "d/lm.blocks.mlp.up", "examples/gpt.frit:12", "parameters", "peak"]:
        assert wanted in text, (wanted, text)
    assert "loc(" not in text and "remark" not in text
    remarks = [line for line in frit("explain", *GPT, "--remarks").err.splitlines() if ": remark: " in line]
    assert any("stay apart: they walk over different axes" in line for line in remarks), remarks
    assert len(remarks) == len(set(remarks)) and not any("[Missed]" in line for line in remarks), remarks
    frit("explain", *GPT, "--entry", "predict").says("entry predict")


def test_memory_picture():
    """Every value of the map is a rectangle of its size, in time and in bytes, inside the arena."""
    import xml.etree.ElementTree as xml
    frit("explain", *GPT, "--svg", "map.svg")
    plan = json.loads(frit("explain", *GPT, "--json").out)
    rows = [row for row in plan["memory"] if row["entry"] in ("", "train")]
    space = {"svg": "http://www.w3.org/2000/svg"}
    drawn = {}
    for group in xml.parse("map.svg").getroot().findall("svg:g", space):
        box = group.find("svg:rect", space).attrib
        drawn[group.find("svg:title", space).text] = {key: float(box[key]) for key in ("x", "y", "width", "height")}
    assert sum(1 for row in rows if row["class"] == "tape" and any(title.startswith(row["name"]) for title in drawn)) > 0
    scale = 740 / plan["arena"]
    for row in rows:
        boxes = [box for title, box in drawn.items() if title.startswith(row["name"] + "\n")]
        assert any(abs(box["height"] - row["bytes"] * scale) < 0.02 for box in boxes), (row, boxes)
    # The tape says what it keeps, not that a loop keeps it.
    assert any(title.startswith("lm.blocks.attn.q: ") for title in drawn), list(drawn)
    frit("explain", *GPT, "--svg", "nowhere/map.svg", status=1).says("nowhere/map.svg", "cannot be written")


main(globals())
