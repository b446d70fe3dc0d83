"""Several answers to a prompt: TRL's RLOOTrainer, and f-DPG written from Go et al. 2023."""
import math

import torch

from others.shared import *

P, S, T = 2, 3, 2
SHAPES = {"policy.table": (V, V), "lambda": (2,), "base": (P, S), "excess": (P, S, 2), "old_logp": (P, S, T), "reward": (P, S), "goal": (P, S), "old": (P, S), **sequence_shapes("s", P, S, T)}


def draw():
    real, token = generator(51)
    out = {"policy.table": real(V, V), **sequence("s", token, P * S, T, [2, 1, 2, 2, 2, 1])}
    d = {k: torch.tensor(v, dtype=torch.float64 if "policy" in k else torch.long).reshape(SHAPES[k]) for k, v in out.items()}
    d["s.mask"] = d["s.mask"].bool()
    near = log_probs(d["policy.table"], d).flatten() + 0.3 * torch.tensor(real(P * S * T))
    out["old_logp"] = [round(x, 3) if m else "nan" for x, m in zip(near.tolist(), out["s.mask"])]
    out["reward"] = real(P * S)
    out["old"] = [round(x, 3) for x in (log_probs(d["policy.table"], d).sum(-1).flatten() + 0.3 * torch.tensor(real(P * S))).tolist()]
    out["goal"] = [round(o + x, 3) for o, x in zip(out["old"], real(P * S))]
    out["base"] = [round(o + 0.3 * x, 3) for o, x in zip(out["old"], real(P * S))]
    out["excess"], out["lambda"] = real(P * S * 2), [0.25, -0.5]
    return out


def by_hand():
    mask = [1, 0] * (P * S)
    old = [-2 * L2, -2 * L2, -2 * L2, -2 * L2, -2 * L2, -L2]
    return {"policy.table": POLICY_ROW * V, "s.ids": [0] * 12, "s.next": rows([0, 0], [1, 0], [2, 0], [1, 0], [1, 0], [0, 0]),
            "s.real": mask, "s.mask": mask, "old_logp": [x for o in old for x in (o, 0)], "old": old,
            "base": old, "excess": [1, 0, 0, 1, -1, 1, 0, 0, 1, 0, -1, 0], "lambda": [L2, 0],
            "reward": [1, 0, 2, 3, 0, 0], "goal": [0, -2 * L2, "-inf", -L2, -2 * L2, -L2]}


NUMBERS = {"golden": draw(), "hand": by_hand()}


def rloo(h):
    from trl import RLOOTrainer

    t = trainer(h)
    t.epsilon_low = t.epsilon_high = 0.2

    def loss(d, h):
        logp, mask = log_probs(d["policy.table"], d).flatten(0, 1), d["s.mask"].flatten(0, 1).long()
        t._get_per_token_logps_and_entropies = lambda *a, **k: (logp, torch.zeros_like(logp), None)
        others = (d["reward"].sum(1, keepdim=True) - d["reward"]) / (S - 1)
        inputs = {"prompt_ids": mask[:, :0], "prompt_mask": mask[:, :0], "completion_ids": mask, "completion_mask": mask,
                  "old_logps": torch.where(mask.bool(), d["old_logp"].flatten(0, 1), 0.0).sum(-1),
                  "advantages": (d["reward"] - others).flatten()}
        return RLOOTrainer._compute_loss(t, None, inputs)

    return loss


# f'(policy / target) of disco's f(policy / target): the pseudo-reward is its negative.
PRIME = {"kl": lambda t: -1 / t, "reverse_kl": lambda t: torch.log(t) + 1, "js": lambda t: 0.5 * torch.log(2 * t / (t + 1)),
         "tv": lambda t: 0.5 * torch.sign(t - 1), "alpha(a = 0.5)": lambda t: -2 * t**-0.5}
# Normalised to f(1) = f'(1) = 0, which moves the baseline only.
AT_ONE = {"kl": -1, "reverse_kl": 1, "js": 0, "tv": 0, "alpha(a = 0.5)": -2}


def f_dpg():
    """With the moving baseline: what it is at a step comes from the steps before."""
    memory = {"baseline": 0.0}

    def loss(d, h):
        logq = log_probs(d["policy.table"], d).sum(-1)
        log_z = torch.logsumexp(d["goal"] - d["old"], 1, keepdim=True) - math.log(S)
        t = torch.exp(logq.detach() - (d["goal"] - log_z))
        coef = PRIME[h.f](t) - AT_ONE[h.f]
        out = (torch.exp(logq.detach() - d["old"]) * (coef - memory["baseline"]) * logq).mean()
        memory["baseline"] = 0.99 * memory["baseline"] + 0.01 * coef.mean().item()
        return out

    loss.reset = lambda: memory.update(baseline=0.0)
    return loss


# Their divergences over ours: f(policy / target) without its halves; their reverse KL keeps the 1 of f'.
DISCO = {"kl": ("kl", "KLLoss", 1), "js": ("js", "JSLoss", 0.5), "tv": ("tv", "TVLoss", 0.5), "reverse_kl": ("reverse_kl", "ReverseKLLoss", 1)}


def disco_loss(f, old, goal, logq):
    """Prompt by prompt, as disco does."""
    file, name, scale = DISCO[f]
    out = 0.0
    for o, g, q in zip(old, goal, logq):
        z = torch.exp(g - o).mean()
        one = getattr(disco(file), name)(use_baseline=f == "kl")([], "", o, g, q, z)
        if f == "reverse_kl":
            one = one - (torch.exp(q.detach() - o) * q).mean()
        out = out + scale * one / P
    return out


def gdc(d, h):
    logq = log_probs(d["policy.table"], d).sum(-1)
    tilt = d["excess"] @ d["lambda"]
    weight = d["base"] - d["old"]
    dual = (torch.logsumexp(weight + tilt, 1) - torch.logsumexp(weight, 1)).mean()
    return disco_loss("kl", d["old"], (d["base"] + tilt).detach(), logq) + dual


def grouped(d, h):
    r = d["reward"]
    advantage = (r - r.mean(1, keepdim=True)) / (r.std(1, keepdim=True) + 1e-4)
    return (advantage * log_probs(d["policy.table"], d).sum(-1)).mean()


def objective(name, h):
    if name == "gdc":
        return f"disco {version('disco-generation')} KLLoss and the dual of Khalifa et al. 2021, f64", gdc, [*POLICY, "lambda"]
    if name == "f_dpg" and "memory" in h:
        return (f"disco {version('disco-generation')} {DISCO[h.f][1]}, f64",
                lambda d, h: disco_loss(h.f, d["old"], d["goal"], log_probs(d["policy.table"], d).sum(-1)), POLICY)
    if name == "grouped":
        return "formula, as in trl GRPOTrainer, torch f64", grouped, POLICY
    if name == "rloo":
        return "trl RLOOTrainer._compute_loss, f64", rloo(h), POLICY
    return "formula of Go et al. 2023 (f-DPG), torch f64", f_dpg(), POLICY
