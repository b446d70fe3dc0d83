"""Every train block of test/programs that draws nothing trains a few steps, on made-up arrays."""
import random
import struct
from harness import *

PROGRAMS = os.path.join(ROOT, "test", "programs")
KINDS = {"f32": ("<f4", "f", lambda r: r.uniform(-1, 1)), "i32": ("<i4", "i", lambda r: r.randrange(3)),
         "i1": ("|b1", "B", lambda r: r.randrange(4) > 0)}


def write_array(path, kind, shape):
    name, letter, draw = KINDS[kind]
    count = 1
    for size in shape:
        count *= size
    header = f"{{'descr': '{name}', 'fortran_order': False, 'shape': ({', '.join(map(str, shape))},), }}"
    header += " " * (-(len(header) + 11) % 64) + "\n"
    source = random.Random(path)
    with open(path, "wb") as file:
        file.write(b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header.encode())
        file.write(struct.pack(f"<{count}{letter}", *(draw(source) for _ in range(count))))


def blocks():
    for name in sorted(os.listdir(PROGRAMS)):
        text = read(os.path.join(PROGRAMS, name)).decode()
        for train in re.findall(r"^train (\w+)", text, re.M):
            yield name, train


def test_all():
    shutil.copytree(PROGRAMS, "programs")
    trained = 0
    for name, train in blocks():
        program = [f"programs/{name}", "--train", train, "--set", "data=tensors()"]
        drawn = frit("check", *program[:3], status=1 if name == "15_neg.frit" else 0)
        if "a rollout cannot be compiled yet" in drawn.all or name == "15_neg.frit":
            continue
        os.mkdir(f"data-{train}-{name}")
        for kind, info in re.findall(r"^  (\S+)\n((?:    in .*\n)*)", frit("info", *program).out, re.M):
            if kind.split(".")[0] == "train":
                for field, element, shape, whole in re.findall(r"in  (\S+) (\w+)\[([\d, ]*)\]( whole)?", info):
                    sizes = [int(size) for size in shape.split(",")]
                    write_array(f"data-{train}-{name}/{field}.npy", element, sizes if whole else [24] + sizes[1:])
        weights = []
        if (name, train) in FROM_FILE:
            model, other_name = FROM_FILE[(name, train)]
            write_weights(program, model, other_name)
            weights = [f"--{model}", "weights.safetensors"]
        done = frit("train", *program, "--data", f"data-{train}-{name}", "--steps", 5, "--out", f"run-{train}-{name}", *weights)
        assert "done: 5 steps" in done.out and "nan" not in done.out, done.all
        trained += 1
    assert trained == 18, trained


def write_weights(program, model, other_name):
    """A safetensors file with the parameters of a model, as `info` lists them, under other names."""
    import json
    header, data = {}, b""
    for name, shape in re.findall(rf"^  {model}\.(\S+) f32\[([\d, ]*)\]", frit("info", *program).out, re.M):
        name = other_name(name)
        if not name:
            continue
        sizes = [int(size) for size in shape.split(",") if size.strip()]
        count = 1
        for size in sizes:
            count *= size
        source = random.Random(name)
        header[name] = {"dtype": "F32", "shape": sizes, "data_offsets": [len(data), len(data) + 4 * count]}
        data += struct.pack(f"<{count}f", *(source.uniform(-0.1, 0.1) for _ in range(count)))
    text = json.dumps(header).encode()
    with open("weights.safetensors", "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text + data)


def llama_name(name):
    """What the file of train adapt calls a parameter; none for those that begin afresh."""
    if name == "head.weight" or name.endswith((".down", ".up")):
        return None
    name = name.replace(".base.", ".").replace("tok.table", "model.embed_tokens.weight")
    return re.sub(r"blocks\.(\d+)\.attn\.(\w+)\.weight", r"model.layers.\1.self_attn.\2_proj.weight", name)


FROM_FILE = {("05_distill.frit", "distill"): ("teacher", str), ("12_optimisers.frit", "adapt"): ("lm", llama_name)}
main(globals())
