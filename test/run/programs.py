"""What `frit build` leaves: one program that needs neither frit, nor a compiler, nor Python."""
from harness import *


def test_alone():
    """It runs with no PATH and no environment, and loads the C library and nothing else."""
    frit("build", *LINE, "-o", "line")
    needed = re.findall(r"NEEDED.*\[(.*)\]", run("readelf", "-d", "line").out)
    assert set(needed) <= {"libc.so.6", "libm.so.6", "ld-linux-x86-64.so.2"}, needed
    os.mkdir("alone")
    os.rename("line", "alone/line")
    data = os.path.abspath("examples/line.tsv")
    done = subprocess.run(["./line", "train", "--data", data], cwd="alone", env={}, capture_output=True)
    assert done.returncode == 0 and b"done: 200 steps" in done.stdout, done
    assert sorted(os.listdir("alone")) == ["line", "run"], os.listdir("alone")
    # No file lies beside it that the build forgot.
    assert not os.path.exists("line.0.o")


def test_commands():
    corpus = write_corpus()
    frit("build", *GPT, "-o", "gpt", "--target", "baseline,avx2")
    run("./gpt", "--help").says("train", "eval", "sample", "info", "bench")
    run("./gpt", "train", "--help").says("--resume", "--lr X", "; default ", "./gpt train --resume")
    run("./gpt", "train", "--data", corpus, "--steps", 5).says("done: 5 steps")
    run("./gpt", "eval").says("bits_per_byte", "the held-out part of")
    run("./gpt", "info").says("program: gpt, run pretrain", "config: ctx = 16, heads = 2", "parameters: 10944")
    run("./gpt", "info", "--from", "run").says("step 5 of 5")
    run("./gpt", "bench", "--steps", 2).says("tokens/s")
    one = run("./gpt", "sample", "--prompt", "in the", "--tokens", 30, "--seed", 3).out
    assert one.startswith("in the") and one == run("./gpt", "sample", "--prompt", "in the", "--tokens", 30, "--seed", 3).out
    run("./gpt", "trian", status=1).says("unknown command 'trian'; did you mean 'train'?")
    # It holds the instruction sets asked for, and takes the one named.
    run("./gpt", "info", env={"FRIT_ISA": "baseline"}).says("baseline (runs here)")
    run("./gpt", "info", env={"FRIT_ISA": "avx512"}, status=1).says("built for avx2, baseline")


def test_frit_runs_the_same_program():
    """frit train is the program that frit build leaves: the same bits, either resumes the other."""
    frit("build", *LINE, "-o", "line")
    run("./line", "train", *LINE_DATA, "--steps", 20, "--out", "built")
    frit("train", *LINE, *LINE_DATA, "--steps", 20, "--out", "cached")
    same_run("built", "cached")
    resumed = frit("train", *LINE, "--resume", "--steps", 25, "--out", "built")
    assert "another version" not in resumed.all, resumed.all


def test_cache():
    first = frit("info", *LINE)
    assert "compiled examples/line.frit" in first.err
    second = frit("info", *LINE)
    assert second.err == "" and second.out == first.out
    # Options for the program do not compile it again; whatever changes it does.
    assert frit("bench", *LINE, "--steps", 1).err == ""
    assert "compiled" in frit("info", *LINE, "--naive").err
    write("examples/line.frit", read("examples/line.frit").decode().replace("b = 20", "b = 10"))
    assert "compiled" in frit("info", *LINE).err
    # Without a place for the cache it still runs, and leaves nothing.
    os.mkdir("tmp")
    frit("info", *LINE, env={"FRIT_CACHE": "/proc/none", "TMPDIR": os.path.abspath("tmp")}).says("program: line")
    assert os.listdir("tmp") == []


def test_file_anywhere():
    frit("info", "--from", "run", *LINE, status=1).says("run")
    frit("train", *LINE_DATA, "--steps", 1, *LINE).says("done: 1 steps")
    frit("train", *LINE, "--help").says("--save-stages", "--resume", "frit train examples/line.frit --resume")
    frit("train", "--help").says("Usage: frit train", "--set NAME=VALUE")
    frit("--version").says("frit 0.1")


main(globals())
