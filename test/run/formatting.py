"""frit fmt: the examples and the prelude are in canonical layout, a second run changes nothing, comments stay."""
from harness import *

PROGRAMS = sorted(name for name in os.listdir(EXAMPLES) if name.endswith(".frit"))


def test_examples():
    for name in PROGRAMS:
        frit("fmt", "--check", f"examples/{name}")


def test_prelude():
    prelude = os.path.join(ROOT, "dialect", "prelude")
    frit("fmt", "--check", *(os.path.join(prelude, name) for name in os.listdir(prelude) if name.endswith(".frit")))


def test_idempotent():
    for name in PROGRAMS:
        text = read(f"examples/{name}").decode()
        # Spaces and blank lines that nobody wants; the words stay.
        mangled = "\n\n\n".join("   " + line + "  " for line in text.splitlines()) + "\n"
        write("mangled.frit", mangled)
        frit("fmt", "--check", "mangled.frit", status=1).says("not in canonical layout")
        assert read("mangled.frit").decode() == mangled, "--check wrote"
        frit("fmt", "mangled.frit")
        once = read("mangled.frit").decode()
        frit("fmt", "mangled.frit")
        assert read("mangled.frit").decode() == once, f"{name}: a second run changes it"
        assert frit("fmt", "--stdout", "mangled.frit").out == once
        assert once.split() == text.split(), f"{name}: words or comments were lost"


def test_mistakes():
    write("brace.frit", "model X {\n")
    frit("fmt", "brace.frit", "none.frit", status=1).says("brace.frit:1:9: error", "cannot read none.frit")
    assert read("brace.frit") == b"model X {\n"
    frit("fmt", status=1).says("FILES is required")


main(globals())
