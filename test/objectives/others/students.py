"""Distillation: TRL's GKDTrainer, and plain formulas."""
import torch

from others.shared import *

B, T = 3, 4
SHAPES = {"student.table": (V, V), "teacher.table": (V, V), "old_logp": (B, T), **sequence_shapes("s", B, T)}


def draw():
    real, token = generator(61)
    out = {"student.table": real(V, V), "teacher.table": real(V, V), **sequence("s", token, B, T, [4, 2, 3], [1, 0, 0])}
    d = {k: torch.tensor(v, dtype=torch.float64 if "table" in k else torch.long).reshape(SHAPES[k]) for k, v in out.items()}
    d["s.mask"] = d["s.mask"].bool()
    near = log_probs(d["student.table"], d).flatten() + 0.4 * torch.tensor(real(B * T))
    out["old_logp"] = [round(x, 3) if m else "nan" for x, m in zip(near.tolist(), out["s.mask"])]
    return out


def by_hand():
    mask = rows([1, 0, 0, 0], [1, 1, 0, 0], [1, 1, 0, 0])
    return {"student.table": POLICY_ROW * V, "teacher.table": REFERENCE_ROW * V, "s.ids": [0] * (B * T),
            "s.next": rows([0, 0, 0, 0], [2, 1, 0, 0], [1, 0, 0, 0]), "s.real": mask, "s.mask": mask,
            "old_logp": rows([-L2, 0, 0, 0], [-4 * L2, -2 * L2, 0, 0], [-2 * L2, -L2, 0, 0])}


NUMBERS = {"golden": draw(), "hand": by_hand()}


def logs(d, T=1.0):
    return tuple(F.log_softmax(d[n][d["s.ids"]] / T, -1) for n in ("student.table", "teacher.table"))


def distill(d, h):
    q, p = logs(d, h.T)
    soft = (q.exp() * (q - p) if h.or_("f", "kl") == "reverse_kl" else p.exp() * (p - q)).sum(-1)
    return token_mean(h.mix * h.T**2 * soft - (1 - h.mix) * log_probs(d["student.table"], d), d["s.mask"])


def gkd(d, h):
    from trl.experimental.gkd import GKDTrainer

    return GKDTrainer.generalized_jsd_loss(
        d["student.table"][d["s.ids"]], d["teacher.table"][d["s.ids"]],
        labels=torch.where(d["s.mask"], d["s.next"], -100), beta=0.5, temperature=1.0)


def on_policy(d, h):
    q = log_probs(d["student.table"], d)
    return token_mean((q - log_probs(d["teacher.table"], d)).detach() * q, d["s.mask"])


def minillm(d, h):
    m = d["s.mask"]
    q, p = logs(d)
    exact = (q.exp() * (q - p)).sum(-1)
    logq = log_probs(d["student.table"], d)
    reward = (log_probs(d["teacher.table"], d) - logq).detach()
    after, left = torch.zeros(B, T), torch.zeros(B, T)
    for t in range(T):
        after[:, t] = (reward * m)[:, t + 1:].sum(1)
        left[:, t] = m[:, t + 1:].sum(1).clamp(min=1)
    ratio = torch.exp(logq - torch.where(m, d["old_logp"], 0.0))
    advantage = after / left
    return token_mean(exact - torch.min(ratio * advantage, ratio.clamp(0.8, 1.2) * advantage), m)


def objective(name, h):
    student = ["student.table"]
    if name == "gkd":
        return "trl GKDTrainer.generalized_jsd_loss, beta 0.5, f64", gkd, student
    return "formula of the paper, torch f64", {"distill": distill, "on_policy_distill": on_policy, "minillm": minillm}[name], student
