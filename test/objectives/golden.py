"""Writes data/*.json (inputs) and golden/*.json (what other implementations make of them).

Run by hand, in an environment with torch and trl; the versions go into the files:

    python golden.py

For every train block of the .frit files here: the loss, its gradients, and the losses of ten steps of
plain gradient descent, in f64 where the other side can. `source` says who computed it. Where a library
has the objective it is its code that runs; otherwise the paper's formula, written here in plain torch
without a look at the prelude.
"""
import importlib
import json
import math
import os
import re

import torch

HERE = os.path.dirname(os.path.abspath(__file__))
torch.set_default_dtype(torch.float64)
torch.set_num_threads(1)


def train_blocks(path):
    """{name: (objective, {setting: value})} of a test file."""
    blocks = {}
    for name, body in re.findall(r"^train (\w+) \{\n(.*?)^\}", open(path).read(), re.M | re.S):
        run = re.search(r"run (\w+)", body)
        settings = dict(re.findall(r"(\w+) = ([^;,\n]+?(?:\([^)]*\))?)\s*(?=[;,\n])", body))
        settings["lr"] = re.search(r"lr = ([\d.]+)", body).group(1)
        blocks[name] = (run.group(1) if run else name, settings)
    return blocks


class Settings(dict):
    """h.beta: what a train block says, as a number or a text."""

    def __getattr__(self, name):
        value = self[name]
        try:
            return float(value)
        except ValueError:
            return value

    def or_(self, name, default):
        return getattr(self, name) if name in self else default


def tensors(numbers, shapes):
    out = {}
    for name, values in numbers.items():
        t = torch.tensor([float(v) for v in values], dtype=torch.float64).reshape(shapes[name])
        if name.endswith((".mask", ".real")) or name == "good":
            t = t.bool()
        elif name.endswith((".ids", ".next", ".row")):
            t = t.long()
        out[name] = t
    return out


def steps_of(loss, parameters, lr, count=10):
    """The loss before each step of gradient descent."""
    now = {name: p.detach().clone().requires_grad_() for name, p in parameters.items()}
    losses = []
    for _ in range(count):
        value = loss(now)
        losses.append(value.item())
        gradients = torch.autograd.grad(value, list(now.values()), allow_unused=True)
        now = {name: (p - lr * (0 if g is None else g)).detach().requires_grad_()
               for (name, p), g in zip(now.items(), gradients)}
    return losses


def check_hand(path):
    """The number after the last '=' of `# hand: how = number` is what `how` says."""
    for how, value in re.findall(r"^# hand: (.*) = (\S+)$", open(path).read(), re.M):
        got = eval(how, vars(math).copy())
        assert math.isclose(got, float(value), rel_tol=1e-7, abs_tol=1e-9), (path, how, got, value)


def rounded(x):
    return float(f"{x:.12g}")


def versions():
    out = {"torch": torch.__version__}
    try:
        out["trl"] = importlib.import_module("trl").__version__
    except ImportError:
        pass
    return out


def make(family):
    name = family.__name__.split(".")[-1]
    path = os.path.join(HERE, name + ".frit")
    check_hand(path)
    with open(os.path.join(HERE, "data", name + ".json"), "w") as file:
        json.dump(family.NUMBERS, file, indent=None, separators=(",", ":"))
        file.write("\n")
    result = {"versions": versions()}
    for block, (objective, settings) in train_blocks(path).items():
        given = tensors(family.NUMBERS["golden"], family.SHAPES)
        h = Settings(settings)
        source, function, parameters = family.objective(objective, h)
        start = {p: given[p].clone().requires_grad_() for p in parameters}
        loss = lambda p: function({**given, **p}, h)
        reset = getattr(function, "reset", lambda: None)
        reset()
        value = loss(start)
        gradients = torch.autograd.grad(value, list(start.values()), allow_unused=True)
        reset()
        entry = {
            "source": source,
            "loss": rounded(value.item()),
            "gradients": {p: [rounded(x) for x in g.flatten().tolist()]
                          for p, g in zip(start, gradients) if g is not None},
            "losses": [rounded(x) for x in steps_of(loss, start, h.lr)],
        }
        if "f32" in source:
            entry["f32"] = True
        result[block] = entry
        print(f"{name}.{block}: {value.item():.9g}  ({source})")
    text = json.dumps(result, separators=(",", ":")).replace('},"', '},\n"')
    with open(os.path.join(HERE, "golden", name + ".json"), "w") as file:
        file.write(text + "\n")


if __name__ == "__main__":
    import sys

    sys.path.insert(0, HERE)
    for family in sorted(f[:-3] for f in os.listdir(os.path.join(HERE, "others")) if f.endswith(".py") and f != "shared.py"):
        if len(sys.argv) < 2 or family in sys.argv[1:]:
            make(importlib.import_module("others." + family))
