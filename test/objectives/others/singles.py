"""Good and bad answers: TRL's KTOTrainer, and the paper's BCO."""
import types

import torch

from others.shared import *

B, T = 3, 4
SHAPES = {"policy.table": (V, V), "reference.table": (V, V), "good": (B,), "wins": (B,), "reward": (B,), "value": (B,), **sequence_shapes("s", B, T), **sequence_shapes("other", B, T)}


def draw():
    real, token = generator(74)
    return {"policy.table": real(V, V), "reference.table": real(V, V), **sequence("s", token, B, T, [4, 2, 3], [1, 0, 0]),
            **sequence("other", token, B, T, [3, 4, 2]), "good": [1, 0, 1], "wins": [0.75, 0.125, 0.5], "reward": real(B), "value": real(B)}


def by_hand():
    mask, other = rows([1, 0, 0, 0], [1, 0, 0, 0], [1, 1, 0, 0]), rows([1, 0, 0, 0], [1, 0, 0, 0], [1, 0, 0, 0])
    return {"policy.table": POLICY_ROW * V, "reference.table": REFERENCE_ROW * V, "good": [1, 0, 1], "wins": [1, 0, 0.5], "reward": [1, 0, 2], "value": [0, 1, 1],
            "s.ids": [0] * 12, "s.next": rows([0, 0, 0, 0], [1, 0, 0, 0], [0, 0, 0, 0]), "s.real": mask, "s.mask": mask,
            "other.ids": [0] * 12, "other.next": rows([0, 0, 0, 0], [0, 0, 0, 0], [1, 0, 0, 0]), "other.real": other, "other.mask": other}


NUMBERS = {"golden": draw(), "hand": by_hand()}


def trl_kto(kind, h):
    from trl import KTOTrainer

    t = trainer(h)
    t.loss_type, t.calculate_KL, t.precompute_ref_logps = kind, kind == "kto", False
    t.desirable_weight, t.undesirable_weight = 1.0, h.undesirable
    t._total_train_tokens, t._tp_size = 0, 1

    def loss(d, h):
        model = lambda table: lambda **_: types.SimpleNamespace(
            log_probs=log_probs(table, d), entropy=torch.zeros(B, T), mean_logits=torch.zeros(B, T), is_top1=torch.zeros(B, T).bool())
        t._compute_kl_logps = lambda m, _: log_probs(m.table, d, "other").sum(-1).detach()
        policy, t.ref_model = model(d["policy.table"]), model(d["reference.table"])
        policy.table, t.ref_model.table = d["policy.table"], d["reference.table"]
        mask = F.pad(d["s.mask"].long(), (1, 0))
        return KTOTrainer._compute_loss(t, policy, {"label": d["good"], "input_ids": mask, "completion_mask": mask, "attention_mask": mask}, False)

    return loss


def bco():
    memory = {"n": 0, "mean": 0.0}

    def loss(d, h):
        r = h.beta * (log_probs(d["policy.table"], d).sum(-1) - log_probs(d["reference.table"], d).sum(-1))
        memory["mean"] = (memory["mean"] * memory["n"] + r.sum().item()) / (memory["n"] + B)
        memory["n"] += B
        x = r - memory["mean"]
        return torch.where(d["good"], -F.logsigmoid(x), -h.undesirable * F.logsigmoid(-x)).mean()

    loss.reset = lambda: memory.update(n=0, mean=0.0)
    return loss


def answers(d):
    logq = log_probs(d["policy.table"], d).sum(-1)
    return logq, logq - log_probs(d["reference.table"], d).sum(-1)


def nash_md(d, h):
    logq, a = answers(d)
    return (h.beta * a.detach() * logq - (d["wins"] - 0.5) * logq).mean()


def a2po(d, h):
    return ((h.beta * answers(d)[1] - (d["reward"] - d["value"])) ** 2).mean()


def objective(name, h):
    if name in ("nash_md", "a2po"):
        return "formula of the paper, torch f64", {"nash_md": nash_md, "a2po": a2po}[name], POLICY
    if name == "bco":
        return "formula of Jung et al. 2024, torch f64", bco(), POLICY
    return f"trl KTOTrainer._compute_loss, {name}, f64", trl_kto(name, h), POLICY
