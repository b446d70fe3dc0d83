"""Recorded episodes: verl's losses, and plain formulas as in TRL's and verl's PPO."""
import torch

from others.shared import *

B, T = 3, 4
PER_TOKEN = ("old_logp", "old_value", "goal", "advantage", "reward")
SHAPES = {"policy.policy.table": (V, V), "policy.table": (V, V), "policy.value": (V,), **{n: (B, T) for n in PER_TOKEN}, **sequence_shapes("s", B, T)}


def draw():
    real, token = generator(41)
    out = {"policy.policy.table": real(V, V), "policy.value": real(V), **sequence("s", token, B, T, [4, 2, 3], [1, 0, 0])}
    out["policy.table"] = list(out["policy.policy.table"])
    d = {k: torch.tensor(v, dtype=torch.float64 if "policy" in k else torch.long).reshape(SHAPES[k]) for k, v in out.items()}
    d["s.mask"] = d["s.mask"].bool()
    garbage = lambda x: [round(v, 3) if m else "inf" for v, m in zip(x, out["s.mask"])]
    out["old_logp"] = garbage((log_probs(d["policy.table"], d).flatten() + 0.5 * torch.tensor(real(B * T))).tolist())
    for name in PER_TOKEN[1:]:
        out[name] = garbage(real(B * T))
    return out


def by_hand():
    mask = rows([1, 0, 0, 0], [1, 1, 0, 0], [1, 1, 0, 0])
    return {"policy.policy.table": POLICY_ROW * V, "policy.table": POLICY_ROW * V, "policy.value": [1] * V,
            "s.ids": [0] * (B * T), "s.next": rows([0, 0, 0, 0], [2, 1, 0, 0], [1, 0, 0, 0]), "s.real": mask, "s.mask": mask,
            "old_logp": rows([-2 * L2, 0, 0, 0], [-3 * L2, -4 * L2, 0, 0], [-2 * L2, -2 * L2, 0, 0]),
            "old_value": rows([1.5, 0, 0, 0], [1, 1, 0, 0], [0.5, 1, 0, 0]), "goal": rows([2, 0, 0, 0], [0, 1, 0, 0], [1, 3, 0, 0]),
            "advantage": rows([1, 0, 0, 0], [-1, -1, 0, 0], [2, 2, 0, 0])}


NUMBERS = {"golden": draw(), "hand": by_hand()}


def real_part(d, name):
    return torch.where(d["s.mask"], d[name], 0.0)


def surrogate(d, table, advantage, low=0.2, high=0.2):
    ratio = torch.exp(log_probs(table, d) - real_part(d, "old_logp"))
    gain = torch.min(ratio * advantage, ratio.clamp(1 - low, 1 + high) * advantage)
    return gain


def miss(d, goal):
    v, before = d["policy.value"][d["s.ids"]], real_part(d, "old_value")
    near = torch.clamp(v, before - 0.2, before + 0.2)
    return 0.5 * torch.max((v - goal) ** 2, (near - goal) ** 2)


def ppo(d, h):
    table, m = d["policy.policy.table"], d["s.mask"]
    gain = surrogate(d, table, real_part(d, "advantage"))
    return token_mean(h.vf * miss(d, real_part(d, "goal")) - gain - h.bonus * entropies(table, d), m)


def gspo_token(d, h):
    m, moved = d["s.mask"], log_probs(d["policy.table"], d) - real_part(d, "old_logp")
    whole = ((moved * m).sum(-1) / m.sum(-1)).detach()[:, None]
    ratio, advantage = torch.exp(whole + moved - moved.detach()), real_part(d, "advantage")
    return sequence_mean(-torch.min(ratio * advantage, ratio.clamp(1 - h.low, 1 + h.high) * advantage), m)


def verl_gspo(d, h):
    """verl's, whose mean over an answer divides by its length and 1e-8 (table.py)."""
    config = VerlConfig(h.low, h.high)
    return verl().get_policy_loss_fn("gspo")(
        real_part(d, "old_logp"), log_probs(d["policy.table"], d), real_part(d, "advantage"), d["s.mask"].double(),
        "seq-mean-token-mean", config)[0]


def verl_ppo_dual(d, h):
    """verl's policy loss with its second clip and verl's loss of values, which halves it too."""
    m, table = d["s.mask"].double(), d["policy.policy.table"]
    gain = verl().get_policy_loss_fn("vanilla")(
        real_part(d, "old_logp"), log_probs(table, d), real_part(d, "advantage"), m, "token-mean", VerlConfig())[0]
    value = verl().compute_value_loss(d["policy.value"][d["s.ids"]], real_part(d, "goal"), real_part(d, "old_value"), m,
                                      cliprange_value=0.2, loss_agg_mode="token-mean")[0]
    return gain + h.vf * value - h.bonus * token_mean(entropies(table, d), d["s.mask"])


def from_rewards(d, h, gamma=0.9, lam=0.8, vf=0.5):
    m, value, reward = d["s.mask"], real_part(d, "old_value"), real_part(d, "reward")
    advantage, after = torch.zeros_like(value), torch.zeros(B)
    for t in reversed(range(T)):
        following = value[:, t + 1] if t + 1 < T else 0.0
        after = torch.where(m[:, t], reward[:, t] + gamma * following - value[:, t], 0.0) + gamma * lam * after
        advantage[:, t] = after
    goal, mean = advantage + value, advantage[m].mean()
    white = (advantage - mean) * torch.rsqrt(((advantage - mean)[m] ** 2).mean() + 1e-8)
    return token_mean(vf * miss(d, goal) - surrogate(d, d["policy.policy.table"], white), m)


def objective(name, h):
    both = ["policy.policy.table", "policy.value"]
    source = "formula of Schulman et al. 2017 as in trl and verl, torch f64"
    return {
        "ppo": (source, ppo, both),
        "ppo_dual": (f"verl {version('verl')} compute_policy_loss_vanilla and compute_value_loss, f64", verl_ppo_dual, both),
        "gspo_token": ("formula of Zheng et al. 2025 as in verl, torch f64", gspo_token, ["policy.table"]),
        "from_rewards": (source + ", GAE and whitening", from_rewards, both),
    }[name]
