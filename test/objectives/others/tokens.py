"""Supervised losses of tokens: PyTorch's cross-entropy, and plain formulas."""
import torch

from others.shared import *

B, T = 3, 4
SHAPES = {"policy.table": (V, V), "weight": (B, T), "target": (B, T, V), **sequence_shapes("s", B, T)}


def draw():
    real, token = generator(71)
    out = {"policy.table": real(V, V), **sequence("s", token, B, T, [4, 2, 3], [1, 0, 0])}
    garbage = lambda x, n: [v if m else "nan" for v, m in zip(x, [m for m in out["s.mask"] for _ in range(n)])]
    out["weight"] = garbage([round(abs(x), 3) for x in real(B * T)], 1)
    p = torch.softmax(torch.tensor(real(B * T, V)).reshape(-1, V), -1)
    p[1, 2:] = 0.0  # some tokens are impossible
    out["target"] = garbage([float(f"{x:.12g}") for x in (p / p.sum(-1, keepdim=True)).flatten().tolist()], V)
    return out


def by_hand():
    mask = rows([1, 0, 0, 0], [1, 1, 0, 0], [1, 1, 0, 0])
    return {"policy.table": [x + L2 for x in POLICY_ROW] * V, "s.ids": [0] * (B * T),
            "s.next": rows([0, 0, 0, 0], [2, 1, 0, 0], [1, 0, 0, 0]), "s.real": mask, "s.mask": mask,
            "weight": rows([2, 0, 0, 0], [1, 0, 0, 0], [0.5, 0.5, 0, 0]), "target": [0.5, 0, 0.5, 0, 0] * (B * T)}


NUMBERS = {"golden": draw(), "hand": by_hand()}


def counted(d, **more):
    """PyTorch's cross-entropy, with its ignore_index where nothing counts."""
    labels = torch.where(d["s.mask"], d["s.next"], -100).flatten()
    return F.cross_entropy(d["policy.table"][d["s.ids"]].flatten(0, 1), labels, ignore_index=-100, **more)


def z_loss(d, h):
    z = torch.logsumexp(d["policy.table"][d["s.ids"]], -1)
    return counted(d) + h.z * token_mean(z**2, d["s.mask"])


def weighted(d, h):
    m = d["s.mask"]
    nll = F.cross_entropy(d["policy.table"][d["s.ids"]][m], d["s.next"][m], reduction="none")
    return (d["weight"][m] * nll).sum() / d["weight"][m].sum()


def soft_targets(d, h):
    m = d["s.mask"]
    return F.cross_entropy(d["policy.table"][d["s.ids"]][m], d["target"][m])


def capped(d, h):
    bent = 2.0 * torch.tanh(d["policy.table"][d["s.ids"]] / 2.0)
    m = d["s.mask"]
    return F.cross_entropy(bent[m], d["s.next"][m])


RARE = torch.tensor([1.0, 1.0, 3.0, 1.0, 1.0])


def objective(name, h):
    who = f"torch {torch.__version__.split('+')[0]} F.cross_entropy, "
    what, function = {
        "sft_z": ("and the square of its logsumexp", z_loss),
        "sft_smooth": ("label_smoothing", lambda d, h: counted(d, label_smoothing=h.smoothing)),
        "sft_classes": ("weight, label_smoothing", lambda d, h: counted(d, weight=RARE, label_smoothing=h.or_("smoothing", 0.0))),
        "sft_weighted": ("reduction none, weighted mean", weighted),
        "soft_targets": ("probabilities as targets", soft_targets),
        "capped": ("of bent logits", capped),
    }[name]
    return who + what + ", f64", function, POLICY
