"""The same bits: for any number of threads, after a stop, after a crash. Kernels against --naive."""
import random
import signal
import time
from harness import *


def test_threads():
    corpus = write_corpus()
    for program, name in [(GPT, "gpt"), (GRU, "gru")]:
        for threads in [1, 2, 3]:
            frit("train", *program, "--data", corpus, "--steps", 4, "--threads", threads, "--out", f"{name}{threads}")
        same_run(f"{name}1", f"{name}2")
        same_run(f"{name}1", f"{name}3")
    frit("train", *GPT, "--data", corpus, "--steps", 4, "--threads", 1, "--seed", 2, "--out", "other")
    assert weights("other") != weights("gpt1"), "another seed gives the same weights"


def test_naive():
    """Every op by itself in plain loops gives the same training, up to rounding."""
    corpus = write_corpus()
    for program, data in [(GPT, corpus), (GRU, corpus)]:
        command = ["train", *program, "--data", data, "--steps", 20, "--overwrite", "--lr", "0.003"]
        fast, naive = frit(*command), frit(*command, "--naive")
        expect_last_line(naive, fast.out.strip().splitlines()[-1], tolerance=1e-3)


def test_resume():
    corpus = write_corpus()
    for program, name in [(GPT, "gpt"), (GRU, "gru")]:
        train = ["train", *program, "--data", corpus]
        frit(*train, "--steps", 12, "--out", f"{name}-whole")
        frit(*train, "--steps", 12, "--out", f"{name}-parts", "--save-every", 5)
        # Back to step 10, as a crash after that checkpoint would leave it.
        os.remove(f"{name}-parts/latest")
        os.symlink("checkpoint-000010", f"{name}-parts/latest")
        frit(*train, "--resume", "--steps", 12, "--out", f"{name}-parts").says("resumed from")
        same_run(f"{name}-whole", f"{name}-parts")


def steps_logged(folder):
    try:
        return read(f"{folder}/metrics.jsonl").count(b"\n")
    except FileNotFoundError:
        return 0


def stop(command, folder, steps, how):
    """Starts a training and sends it a signal once it has logged that many steps."""
    process = subprocess.Popen([str(part) for part in command], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    begun = time.monotonic()
    while steps_logged(folder) < steps:
        assert process.poll() is None, "it ended before it was stopped: " + process.stderr.read().decode()
        assert time.monotonic() - begun < 60
    process.send_signal(how)
    _, err = process.communicate(timeout=60)
    return process.returncode, err.decode()


def test_signals():
    corpus = write_corpus()
    train = [FRIT, "train", *GPT, "--data", corpus, "--steps", 400, "--threads", 1]
    run(*train, "--out", "whole")
    for how, code in [(signal.SIGINT, 130), (signal.SIGTERM, 143)]:
        folder = how.name
        status, err = stop([*train, "--out", folder], folder, 5, how)
        assert status == code and "run the same command with --resume" in err, (status, err)
        run(*train, "--resume", "--out", folder)
        same_run("whole", folder)


def test_kill():
    """kill -9 at random moments loses at most the steps since the last checkpoint, and what resumes
    ends with the bits of a run that was left alone. FRIT_KILLS=50 for many moments."""
    kills, every = int(os.environ.get("FRIT_KILLS", 4)), 3
    corpus, moments = write_corpus(), random.Random(5)
    # A constant rate: the bits of step n then do not depend on how many are to come.
    text = read("examples/gpt.frit").decode()
    schedule = re.search(r"cosine\(.*?\)", text)[0]
    write("examples/gpt.frit", text.replace(schedule, "1e-3"))
    train = [FRIT, "train", *GPT, "--data", corpus, "--threads", 1, "--save-every", every]
    lost = []
    for _ in range(kills):
        begun = steps_logged("run")
        process = subprocess.Popen(
            [str(part) for part in [*train, "--steps", 100000, *(["--resume"] if begun else []), "--out", "run"]],
            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        while steps_logged("run") <= begun:
            assert process.poll() is None, "it ended before it was stopped: " + process.stderr.read().decode()
        # Any moment of the next few steps and saves, not only the ends of steps.
        time.sleep(moments.uniform(0, 0.15))
        process.kill()
        process.communicate()
        saved = int(os.readlink("run/latest").split("-")[1]) if os.path.lexists("run/latest") else 0
        lost.append(steps_logged("run") - saved)
        # The line of a step is written before its checkpoint: one step more than the interval.
        assert 0 <= lost[-1] <= every + 1, lost
    steps = steps_logged("run") + 10
    run(*train, "--steps", steps, "--resume", "--out", "run")
    run(*train, "--steps", steps, "--out", "whole")
    same_run("whole", "run")
    if kills > 4:
        print(f"{kills} kills, steps lost: {min(lost)} to {max(lost)}, {steps} steps: the same bits")


main(globals())
