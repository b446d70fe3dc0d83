"""Recorded answers: TRL's GRPOTrainer and GMPOTrainer, and plain formulas."""
import torch

from others.shared import *

B, T = 3, 4
SHAPES = {"policy.table": (V, V), "reference.table": (V, V), "old_logp": (B, T), "reference_logp": (B, T),
          "advantage": (B,), "reward": (B,), "greedy": (B,), **sequence_shapes("s", B, T)}


def draw():
    real, token = generator(31)
    out = {"policy.table": real(V, V), "reference.table": real(V, V), **sequence("s", token, B, T, [4, 2, 3], [1, 0, 0])}
    d = {k: torch.tensor(v, dtype=torch.float64 if "table" in k else torch.long).reshape(SHAPES[k]) for k, v in out.items()}
    d["s.mask"] = d["s.mask"].bool()
    near = lambda: (log_probs(d["policy.table"], d).flatten() + 0.4 * torch.tensor(real(B * T))).tolist()
    garbage = lambda x: [round(v, 3) if m else "nan" for v, m in zip(x, out["s.mask"])]  # what does not count may be anything
    out["old_logp"], out["reference_logp"] = garbage(near()), garbage(near())
    out["advantage"], out["reward"], out["greedy"] = [1.25, -0.75, -0.5], [0.5, -1, 2], [0.25, 0.5, -0.125]
    return out


def by_hand():
    mask = rows([1, 0, 0, 0], [1, 1, 0, 0], [1, 1, 0, 0])
    return {"policy.table": POLICY_ROW * V, "reference.table": REFERENCE_ROW * V,
            "s.ids": [0] * (B * T), "s.next": rows([0, 0, 0, 0], [2, 1, 0, 0], [1, 0, 0, 0]), "s.real": mask, "s.mask": mask,
            "old_logp": rows([-2 * L2, 0, 0, 0], [-3 * L2, -2 * L2, 0, 0], [-2 * L2, -2 * L2, 0, 0]),
            "reference_logp": rows([-2 * L2, 0, 0, 0], [-3 * L2, -2 * L2, 0, 0], [-2 * L2, -2 * L2, 0, 0]),
            "advantage": [1, -1, 2], "reward": [2, 0.5, 2], "greedy": [1, 1.5, 0]}


NUMBERS = {"golden": draw(), "hand": by_hand()}


def old(d):
    return torch.where(d["s.mask"], d["old_logp"], 0.0)


def trl_grpo(kind, level, low, high, h):
    from trl import GRPOTrainer
    from trl.experimental.gmpo import GMPOTrainer

    t = trainer(h)
    t.loss_type, t.importance_sampling_level, t.epsilon_low, t.epsilon_high = kind, level, low, high
    t.max_completion_length = T
    t.args.sapo_temperature_pos, t.args.sapo_temperature_neg = h.or_("up", 1.0), h.or_("down", 1.05)
    t.args.vespo_k_pos, t.args.vespo_lambda_pos, t.args.vespo_k_neg, t.args.vespo_lambda_neg = 2.0, 3.0, 3.0, 2.0
    t.get_gamma_weights = GRPOTrainer.get_gamma_weights
    compute = GMPOTrainer._compute_loss if kind == "gmpo" else GRPOTrainer._compute_loss

    def loss(d, h):
        logp = log_probs(d["policy.table"], d)
        t._get_per_token_logps_and_entropies = lambda *a, **k: (logp, entropies(d["policy.table"], d).detach(), None)
        mask = d["s.mask"].long()
        inputs = {"prompt_ids": mask[:, :0], "prompt_mask": mask[:, :0], "completion_ids": d["s.next"], "completion_mask": mask,
                  "advantages": d["advantage"], "old_per_token_logps": old(d), "num_items_in_batch": mask.sum(),
                  "ref_per_token_logps": log_probs(d["reference.table"], d)}
        return compute(t, None, inputs)

    return loss


# name: TRL's loss_type, level of the ratio, clip below and above
TRL = {"grpo": ("grpo", "token", 0.2, 0.2), "bnpo": ("bnpo", "token", 0.2, 0.2), "dr_grpo": ("dr_grpo", "token", 0.2, 0.2),
       "dapo": ("dapo", "token", 0.2, 0.28), "cispo": ("cispo", "token", 0.2, None), "sapo": ("sapo", "token", 0.2, 0.2),
       "gspo": ("grpo", "sequence", 0.2, 0.2), "luspo": ("luspo", "sequence", 0.2, 0.2), "gmpo": ("gmpo", "token", 0.4, 0.4),
       "vespo": ("vespo", "token", 0.2, 0.2)}


def clip_gain(d, advantage):
    ratio = torch.exp(log_probs(d["policy.table"], d) - old(d))
    return torch.min(ratio * advantage, ratio.clamp(0.8, 1.2) * advantage)


def grpo_exact(d, h):
    q, r = (F.log_softmax(d[n][d["s.ids"]], -1) for n in ("policy.table", "reference.table"))
    return sequence_mean(h.beta * (q.exp() * (q - r)).sum(-1) - clip_gain(d, d["advantage"][:, None]), d["s.mask"])


def grpo_k2(d, h):
    far = log_probs(d["policy.table"], d) - log_probs(d["reference.table"], d)
    return token_mean(h.beta * far**2 / 2 - clip_gain(d, d["advantage"][:, None]), d["s.mask"])


def reinforce_pp(d, h):
    m = d["s.mask"]
    reward = -h.beta * torch.where(m, d["old_logp"] - d["reference_logp"], 0.0)
    last = T - 1 - m.flip(1).long().argmax(1)
    reward[torch.arange(B), last] += d["reward"]
    back = reward.flip(1).cumsum(1).flip(1)
    mean = back[m].mean()
    advantage = (back - mean) * torch.rsqrt(((back - mean)[m] ** 2).mean() + 1e-8)
    return token_mean(-clip_gain(d, advantage), m)


def verl_cov(kind, h):
    """Clip-Cov and KL-Cov; every candidate of Clip-Cov is taken, so that its draw has no part in it."""
    config = VerlConfig(h.or_("low", 0.2), 0.2, clip_cov_ratio=h.share, clip_cov_lb=h.or_("least", 1.0), clip_cov_ub=5.0,
                        kl_cov_ratio=h.share, ppo_kl_coef=h.or_("beta", 1.0))

    def loss(d, h):
        m = d["s.mask"].double()
        return verl().get_policy_loss_fn(kind)(
            old(d), log_probs(d["policy.table"], d), d["advantage"][:, None].expand(B, T).clone(), m, "token-mean", config)[0]

    return loss


def verl_k3_plus(d, h):
    far = verl().kl_penalty(log_probs(d["policy.table"], d), log_probs(d["reference.table"], d), "k3+")
    return sequence_mean(h.beta * far - clip_gain(d, d["advantage"][:, None]), d["s.mask"])


def objective(name, h):
    if name in ("clip_cov", "kl_cov"):
        return f"verl {version('verl')} compute_policy_loss_{name}, f64", verl_cov(name, h), POLICY
    if name == "grpo" and h.or_("near", "") == "k3_plus":
        return f"formula of the paper with verl {version('verl')} kl_penalty, k3+, f64", verl_k3_plus, POLICY
    if name == "grpo" and "near" in h:
        return "formula: Shao et al. 2024 with the divergence itself or k2, torch f64", grpo_exact if h.near == "exact_kl" else grpo_k2, POLICY
    if name in TRL:
        kind, level, low, high = TRL[name]
        who = "GMPOTrainer" if name == "gmpo" else "GRPOTrainer"
        return (f"trl {who}._compute_loss, loss_type {kind}, {level} ratio, f64",
                trl_grpo(kind, level, low, h.or_("most", 0) if name == "cispo" else high, h), POLICY)
    nll = lambda d: -log_probs(d["policy.table"], d)
    return "formula of the paper, torch f64", {
        "sft": lambda d, h: token_mean(nll(d), d["s.mask"]),
        "dft": lambda d, h: token_mean((-nll(d)).exp().detach() * nll(d), d["s.mask"]),
        "reinforce": lambda d, h: (d["advantage"] * nll(d).sum(-1)).mean(),
        "remax": lambda d, h: ((d["reward"] - d["greedy"]) * nll(d).sum(-1)).mean(),
        "reinforce_pp": reinforce_pp,
    }[name], POLICY
