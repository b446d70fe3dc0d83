"""Pairs: TRL's DPOTrainer and CPOTrainer, and plain formulas."""
import collections
import math
import types
from unittest.mock import MagicMock

import torch
import torch.nn.functional as F

B, T, U, V = 3, 4, 3, 5
SHAPES = {"policy.table": (V, V), "reference.table": (V, V), "scorer.table": (V,), "margin": (B,)}
for side, length in (("chosen", T), ("rejected", U), ("drawn", 2)):
    for part in ("ids", "next", "real", "mask"):
        SHAPES[f"{side}.{part}"] = (B, length)


def draw():
    g = torch.Generator().manual_seed(24)
    real = lambda *shape: [round(x, 3) for x in torch.randn(*shape, generator=g).flatten().tolist()]
    token = lambda *shape: torch.randint(V, shape, generator=g).flatten().tolist()
    out = {"policy.table": real(V, V), "reference.table": real(V, V), "scorer.table": real(V), "margin": [0.5, 0, 0.25]}
    lengths = {"chosen": [4, 2, 3], "rejected": [3, 1, 3]}
    for side, length in (("chosen", T), ("rejected", U)):
        out[f"{side}.ids"], out[f"{side}.next"] = token(B, length), token(B, length)
        out[f"{side}.real"] = [int(i < n) for n in lengths[side] for i in range(length)]
        out[f"{side}.mask"] = list(out[f"{side}.real"])
    for part, values in (("ids", token(B, 2)), ("next", token(B, 2)), ("real", [1, 1, 1, 0, 1, 1]), ("mask", [1, 1, 1, 0, 1, 1])):
        out[f"drawn.{part}"] = values
    out["chosen.mask"][0] = 0  # the first token belongs to the prompt
    return out


def by_hand():
    L = math.log
    rows = lambda *rows: [x for row in rows for x in row]
    policy = [L(1 / 2), L(1 / 4), L(1 / 16), L(1 / 16), L(1 / 8)]
    reference = [L(1 / 8), L(1 / 4), L(1 / 4), L(1 / 4), L(1 / 8)]
    chosen_mask, rejected_mask = rows([1, 0, 0, 0], [1, 0, 0, 0], [1, 1, 0, 0]), rows([1, 0, 0], [1, 0, 0], [1, 0, 0])
    return {
        "policy.table": policy * V, "reference.table": reference * V,
        "scorer.table": [0, L(2), 0, 2 * L(2), 0], "margin": [0 + L(2), 0, L(2)],
        "chosen.ids": rows([1, 0, 0, 0], [0, 0, 0, 0], [1, 1, 0, 0]), "chosen.next": rows([0, 0, 0, 0], [1, 0, 0, 0], [0, 0, 0, 0]),
        "chosen.real": chosen_mask, "chosen.mask": chosen_mask,
        "rejected.ids": rows([0, 0, 0], [1, 0, 0], [0, 0, 0]), "rejected.next": rows([2, 0, 0], [0, 0, 0], [1, 0, 0]),
        "rejected.real": rejected_mask, "rejected.mask": rejected_mask,
        "drawn.ids": [0] * 6, "drawn.next": rows([0, 0], [1, 0], [0, 0]), "drawn.real": [1, 0] * 3, "drawn.mask": [1, 0] * 3,
    }


NUMBERS = {"golden": draw(), "hand": by_hand()}


def log_probs(table, d, side):
    """Of the tokens that count, 0 elsewhere: [b, t]."""
    logp = F.log_softmax(table[d[f"{side}.ids"]], -1).gather(-1, d[f"{side}.next"].unsqueeze(-1)).squeeze(-1)
    return torch.where(d[f"{side}.mask"], logp, 0.0)


def both(table, d):
    """Chosen above rejected, of one length, as TRL's collator lays them."""
    w, l = log_probs(table, d, "chosen"), log_probs(table, d, "rejected")
    return torch.cat([w, F.pad(l, (0, T - U))])


def squares(table, d):
    """log of the sum of squared probabilities, at each token."""
    of = lambda side: torch.logsumexp(2 * F.log_softmax(table[d[f"{side}.ids"]], -1), -1)
    return torch.cat([of("chosen"), F.pad(of("rejected"), (0, T - U))])


TRL_DPO = {
    "dpo": "sigmoid", "dpo_norm": "sigmoid_norm", "dpo_hinge": "hinge", "dpo_robust": "robust", "ipo": "ipo",
    "exo_pair": "exo_pair", "discopop": "discopop", "nca_pair": "nca_pair", "bco_pair": "bco_pair",
    "sppo_hard": "sppo_hard", "apo_zero": "apo_zero", "apo_down": "apo_down", "aot": "aot", "aot_unpaired": "aot_unpaired",
}


def trl_dpo(kinds, weights, h, f="reverse_kl", beta=None, tail=None, weighted=False):
    from trl import DPOTrainer

    trainer = MagicMock()
    trainer.loss_types, trainer.loss_weights = kinds, weights
    trainer.beta, trainer.label_smoothing = beta or h.beta, h.or_("smoothing", 0.0)
    trainer.args.discopop_tau = h.or_("tau", 0.05)
    trainer.f_divergence_type = f
    trainer.ld_alpha, trainer.use_weighting = tail, weighted
    trainer.precompute_ref_logps = trainer.aux_loss_enabled = False
    trainer.accelerator.device = "cpu"
    trainer.accelerator.gather = trainer.accelerator.gather_for_metrics = lambda x: x
    trainer._metrics = collections.defaultdict(lambda: collections.defaultdict(list))
    trainer._total_train_tokens, trainer._tp_size = 0, 1

    def loss(d, h):
        mask = torch.cat([d["chosen.mask"], F.pad(d["rejected.mask"], (0, T - U))]).long()
        inputs = {"completion_mask": F.pad(mask, (1, 0)), "input_ids": F.pad(mask, (1, 0)), "attention_mask": F.pad(mask, (1, 0))}
        model = lambda table: lambda **_: types.SimpleNamespace(
            log_probs=both(table, d), entropy=torch.zeros(2 * B, T), mean_logits=torch.zeros(2 * B, T),
            is_top1=torch.zeros(2 * B, T, dtype=torch.bool), log_sum_sq_probs=squares(table, d))
        trainer.ref_model = model(d["reference.table"])
        return DPOTrainer._compute_loss(trainer, model(d["policy.table"]), inputs, False)

    return loss


def totals(d, name):
    return log_probs(d[name], d, "chosen").sum(-1), log_probs(d[name], d, "rejected").sum(-1)


def averages(d, name):
    return tuple(log_probs(d[name], d, s).sum(-1) / d[f"{s}.mask"].sum(-1) for s in ("chosen", "rejected"))


def nll(d):
    return -log_probs(d["policy.table"], d, "chosen").sum() / d["chosen.mask"].sum()


def cdpo(d, h):
    (w, l), (rw, rl) = totals(d, "policy.table"), totals(d, "reference.table")
    x = h.beta * ((w - rw) - (l - rl))
    return (-(1 - h.smoothing) * F.logsigmoid(x) - h.smoothing * F.logsigmoid(-x)).mean()


def dpo_alpha(d, h):
    (w, l), (rw, rl) = totals(d, "policy.table"), totals(d, "reference.table")
    link = lambda a: (torch.exp(-0.5 * a) - 1) / -0.5
    return -F.logsigmoid(h.beta * (link(w - rw) - link(l - rl))).mean()


def xpo(d, h):
    (w, l), (rw, rl) = totals(d, "policy.table"), totals(d, "reference.table")
    return (-F.logsigmoid(h.beta * ((w - rw) - (l - rl)))).mean() + h.alpha * log_probs(d["policy.table"], d, "drawn").sum(-1).mean()


def trl_cpo(kind, average, h):
    from trl.experimental.cpo import CPOTrainer

    trainer = MagicMock()
    trainer.loss_type, trainer.beta = kind, h.beta
    trainer.label_smoothing, trainer.simpo_gamma = h.or_("smoothing", 0.0), h.or_("gamma", 0.0)
    trainer.alpha = h.alpha if kind == "simpo" and "alpha" in h else 0.0
    trainer.accelerator.device = "cpu"
    weight = h.or_("alpha", 1.0) if kind == "sigmoid" else 0.0

    def loss(d, h):
        w, l = (averages if average else totals)(d, "policy.table")
        return CPOTrainer.cpo_loss(trainer, w, l)[0].mean() + weight * nll(d)

    return loss


def orpo(d, h):
    w, l = averages(d, "policy.table")
    odds = lambda x: x - torch.log1p(-torch.exp(x))
    return nll(d) - h.beta * F.logsigmoid(odds(w) - odds(l)).mean()


def reward_model(d, h, margin=0.0):
    s = lambda side: torch.where(d[f"{side}.real"], d["scorer.table"][d[f"{side}.ids"]], 0.0).sum(-1)
    w, l = s("chosen"), s("rejected")
    return (-F.logsigmoid(w - l - margin)).mean() + h.center * ((w + l) ** 2).mean()


def objective(name, h):
    """Who computes it, the loss of (tensors, settings), what is trained."""
    policy = ["policy.table"]
    if name == "dpo" and "smoothing" in h:
        return "formula of Mitchell 2023 (cDPO), torch f64", cdpo, policy
    if name == "dpo" and "alpha" in h.or_("f", ""):
        return "formula of Wang et al. 2024, torch f64 (TRL's alpha has no f64)", dpo_alpha, policy
    if name in TRL_DPO:
        # TRL's js is twice the Jensen-Shannon divergence: half its beta.
        f, scale = {"reverse_kl": ("forward_kl", 1), "js": ("js_divergence", 0.5)}.get(h.or_("f", ""), ("reverse_kl", 1))
        return f"trl DPOTrainer._compute_loss, {TRL_DPO[name]}, f64", trl_dpo([TRL_DPO[name]], [1.0], h, f, h.beta * scale), policy
    if name == "ld_dpo":
        return "trl DPOTrainer._compute_loss, sigmoid with ld_alpha, f64", trl_dpo(["sigmoid"], [1.0], h, tail=h.tail), policy
    if name == "wpo":
        return "trl DPOTrainer._compute_loss, sigmoid with use_weighting, f64", trl_dpo(["sigmoid"], [1.0], h, weighted=True), policy
    if name == "mpo":
        return ("trl DPOTrainer._compute_loss, sigmoid, bco_pair, sft, f64",
                trl_dpo(["sigmoid", "bco_pair", "sft"], [0.8, 0.2, 1.0], h), policy)
    if name in ("cpo", "simpo", "alphapo"):
        kind = "sigmoid" if name == "cpo" else "simpo"
        return f"trl CPOTrainer.cpo_loss, {kind}, f64", trl_cpo(kind, name != "cpo", h), policy
    if name == "xpo":
        return "formula of Xie et al. 2024, torch f64", xpo, policy
    if name == "orpo":
        return "formula of Hong et al. 2024, torch f64 (TRL's casts to f32)", orpo, policy
    if name == "reward_model":
        return "formula, as in trl RewardTrainer.compute_loss, torch f64", reward_model, ["scorer.table"]
    if name == "reward_model_margin":
        return ("formula, as in trl RewardTrainer.compute_loss, torch f64",
                lambda d, h: reward_model(d, h, d["margin"]), ["scorer.table"])
    raise KeyError(name)
