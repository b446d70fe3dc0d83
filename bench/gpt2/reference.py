#!/usr/bin/env python3
"""An independent GPT-2 in PyTorch: the same initial weights (a model.safetensors of Frit) and the
same batches (redrawn here from the published Philox4x32-10), so that losses can be compared step by
step, and its time per step measured. Prints one JSON line a step."""
import argparse, json, struct, sys, time
import numpy as np, torch
import torch.nn.functional as F

parser = argparse.ArgumentParser()
parser.add_argument("--weights", required=True)
parser.add_argument("--tokens", required=True)
parser.add_argument("--steps", type=int, default=20)
parser.add_argument("--batch", type=int, default=4)
parser.add_argument("--window", type=int, default=64)
parser.add_argument("--heads", type=int, default=12)
parser.add_argument("--seed", type=int, default=1)
parser.add_argument("--threads", type=int, default=2)
parser.add_argument("--double", action="store_true", help="in f64, to see rounding apart from mistakes")
parser.add_argument("--starts", help="JSON list of window starts per step, instead of drawing them")
args = parser.parse_args()
torch.set_num_threads(args.threads)


def load(path):
    with open(path, "rb") as file:
        size = struct.unpack("<Q", file.read(8))[0]
        header = json.loads(file.read(size))
        data = file.read()
    out = {}
    for name, entry in header.items():
        if name != "__metadata__":
            begin, end = entry["data_offsets"]
            array = np.frombuffer(data[begin:end], np.float32).reshape(entry["shape"])
            out[name] = torch.tensor(array.copy(), dtype=torch.float64 if args.double else torch.float32)
    return out


w = {k.split(".", 1)[1]: v.requires_grad_() for k, v in load(args.weights).items()}
layers = 1 + max(int(k.split(".")[1]) for k in w if k.startswith("blocks."))
width = w["tok.table"].shape[1]


def linear(x, path):
    weight, offset = w[path + ".weight"], w[path + ".offset"]
    return F.linear(x, weight.reshape(-1, x.shape[-1]), offset.reshape(-1))


def norm(x, path):
    return F.layer_norm(x, (width,), w[path + ".scale"], w[path + ".offset"], 1e-5)


def forward(ids):
    batch, window = ids.shape
    x = w["tok.table"][ids] + w["pos.table"][:window]
    for layer in range(layers):
        at = f"blocks.{layer}."
        h = norm(x, at + "norm1")
        q, k, v = (linear(h, at + "attn." + n).view(batch, window, args.heads, -1).transpose(1, 2) for n in "qkv")
        a = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        x = x + F.linear(a.transpose(1, 2).reshape(batch, window, width),
                         w[at + "attn.out.weight"].reshape(width, width), w[at + "attn.out.offset"])
        h = norm(x, at + "norm2")
        x = x + linear(F.gelu(linear(h, at + "mlp.up"), approximate="tanh"), at + "mlp.down")
    return F.linear(norm(x, "norm"), w["tok.table"])


tokens = np.fromfile(args.tokens, np.uint16).astype(np.int64)
starts = json.load(open(args.starts))
optimizer = torch.optim.AdamW(list(w.values()), lr=1e-4, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.1)
for step in range(args.steps):
    begin = time.perf_counter()
    rows = np.stack([tokens[s:s + args.window + 1] for s in starts[step]])
    ids, target = torch.from_numpy(rows[:, :-1]), torch.from_numpy(rows[:, 1:])
    loss = F.cross_entropy(forward(ids).flatten(0, 1), target.flatten())
    optimizer.zero_grad(set_to_none=True)
    loss.backward()
    grad_norm = torch.nn.utils.clip_grad_norm_(list(w.values()), 1.0)
    optimizer.step()
    print(json.dumps({"step": step, "loss": float(loss), "grad_norm": float(grad_norm),
                      "ms": 1000 * (time.perf_counter() - begin)}), flush=True)
