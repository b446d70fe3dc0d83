"""The promise of `frit explain`: the program takes that many bytes, and little beside them."""
import json
import time
from harness import *

MIB = 2**20


def promise(program, threads):
    return json.loads(frit("explain", *program, "--json", "--threads", threads).out)


def test_peak_is_the_arena():
    for program in [LINE, GPT]:
        for threads in [1, 2]:
            promised = promise(program, threads)
            bench = json.loads(frit("bench", *program, "--json", "--steps", 1, "--threads", threads).out)
            assert bench["arena_bytes"] == promised["peak"], (program, threads, bench, promised["peak"])
        info = frit("info", *program).out
        assert int(re.search(r"arena: (\d+) bytes", info)[1]) == promised["arena"], info


def test_map_is_disjoint():
    """What lives at one time has bytes of its own, inside the arena."""
    promised = promise(GPT, 1)
    fixed = [row for row in promised["memory"] if not row["entry"]]
    end = 0
    for row in sorted(fixed, key=lambda row: row["offset"]):
        assert row["offset"] >= end, row
        end = row["offset"] + row["bytes"]
    assert all(0 <= row["offset"] and row["offset"] + row["bytes"] <= promised["arena"] for row in promised["memory"])


def anonymous_bytes(pid):
    for line in open(f"/proc/{pid}/status"):
        if line.startswith("RssAnon:"):
            return int(line.split()[1]) * 1024


def test_resident():
    """RssAnon of a training program stays below the promise and 32 MiB."""
    corpus = write_corpus()
    program = [part.replace("layers=2", "layers=4") for part in GPT] + ["--set", "vocab=4096"]
    frit("build", *program, "-o", "gpt")
    promised = promise(program, 1)["peak"]
    training = subprocess.Popen(["./gpt", "train", "--data", corpus, "--steps", "1000000", "--threads", "1", "--quiet"],
                                stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    try:
        seen, begun = 0, time.monotonic()
        while not os.path.exists("run/metrics.jsonl") or read("run/metrics.jsonl").count(b"\n") < 5:
            assert training.poll() is None, training.stderr.read().decode()
            assert time.monotonic() - begun < 60, "no five steps in a minute"
            seen = max(seen, anonymous_bytes(training.pid) or 0)
            time.sleep(0.01)
        for _ in range(10):
            seen = max(seen, anonymous_bytes(training.pid) or 0)
            time.sleep(0.02)
    finally:
        training.kill()
        training.wait()
        training.stderr.close()
    assert seen <= promised + 32 * MIB, f"{seen} bytes resident, {promised} promised"
    assert promised > 4 * MIB, "the test is about more than what any program takes"


main(globals())
