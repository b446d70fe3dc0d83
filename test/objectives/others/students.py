"""Distillation: TRL's GKDTrainer, and plain formulas."""
import torch

from others.shared import *

B, T = 3, 4
K, OTHER = 2, 7
SHAPES = {"student.table": (V, V), "teacher.table": (V, V), "teacher.wide_table": (OTHER, OTHER), "learned": (), "old_logp": (B, T),
          "known": (B, T, K), "logp": (B, T, K), **sequence_shapes("s", B, T), **sequence_shapes("theirs", B, T)}


def draw():
    real, token = generator(61)
    out = {"student.table": real(V, V), "teacher.table": real(V, V), **sequence("s", token, B, T, [4, 2, 3], [1, 0, 0])}
    d = {k: torch.tensor(v, dtype=torch.float64 if "table" in k else torch.long).reshape(SHAPES[k]) for k, v in out.items()}
    d["s.mask"] = d["s.mask"].bool()
    near = log_probs(d["student.table"], d).flatten() + 0.4 * torch.tensor(real(B * T))
    out["old_logp"] = [round(x, 3) if m else "nan" for x, m in zip(near.tolist(), out["s.mask"])]
    # The teacher's likeliest tokens and how likely they are.
    top = torch.log_softmax(d["teacher.table"][d["s.ids"]], -1).topk(K, -1)
    out["known"] = top.indices.flatten().tolist()
    out["logp"] = [float(f"{x:.12g}") if m else "nan" for x, m in zip(top.values.flatten().tolist(), [m for m in out["s.mask"] for _ in range(K)])]
    out["learned"] = [0.7]
    out.update({name.replace("s.", "theirs."): out[name] for name in ("s.real", "s.mask")})
    out["theirs.ids"] = torch.randint(OTHER, (B * T,), generator=torch.Generator().manual_seed(62)).tolist()
    out["theirs.next"] = [0] * (B * T)
    out["teacher.wide_table"] = real(OTHER, OTHER)
    return out


def by_hand():
    mask = rows([1, 0, 0, 0], [1, 1, 0, 0], [1, 1, 0, 0])
    return {"student.table": POLICY_ROW * V, "teacher.table": REFERENCE_ROW * V, "s.ids": [0] * (B * T),
            "s.next": rows([0, 0, 0, 0], [2, 1, 0, 0], [1, 0, 0, 0]), "s.real": mask, "s.mask": mask,
            "old_logp": rows([-L2, 0, 0, 0], [-4 * L2, -2 * L2, 0, 0], [-2 * L2, -L2, 0, 0]), "learned": [0.7],
            "known": [0, 2] * (B * T), "logp": [-3 * L2, -2 * L2] * (B * T), "teacher.wide_table": [-2 * L2, -2 * L2, -3 * L2, -3 * L2, -3 * L2, -4 * L2, -4 * L2] * OTHER,
            "theirs.ids": [0] * (B * T), "theirs.next": [0] * (B * T), "theirs.real": mask, "theirs.mask": mask}


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


def renyi(d, h):
    q, p = logs(d, h.or_("T", 1.0))
    order = h.or_("order", d["learned"])
    if order == 1:
        return token_mean((p.exp() * (p - q)).sum(-1), d["s.mask"])
    return token_mean(torch.logsumexp(order * p + (1 - order) * q, -1) / (order - 1), d["s.mask"])


def both_logits(d):
    return d["student.table"][d["s.ids"]][d["s.mask"]], d["teacher.table"][d["s.ids"]][d["s.mask"]]


def cosine(d, h):
    q, p = both_logits(d)
    return F.cosine_embedding_loss(q, p, torch.ones(len(q)))


def ratios(d, whole=False):
    """log teacher / student of what was drawn, a constant, the student's log-probability, and 0 with its gradient."""
    q, p = log_probs(d["student.table"], d), log_probs(d["teacher.table"], d)
    if whole:
        q, p = q.sum(-1), p.sum(-1)
    s = (p - q).detach()
    return s, q - q.detach()


def sampled(d, h):
    s, q = ratios(d)
    u = s.exp()
    if h.or_("f", "") == "hellinger":
        value, phi = (u.sqrt() - 1) ** 2, 1 - u.sqrt()
    else:
        value, phi = u - 1 - s, -s
    return token_mean(value + (phi - h.or_("baseline", 0.0)) * q, d["s.mask"])


def sampled_answers(d, h):
    s, q = ratios(d, whole=True)
    return (s.exp() - 1 - s - s * q).mean()


def sampled_teacher(d, h):
    s, q = ratios(d)
    u = s.exp()
    return token_mean(s - 1 + 1 / u + (1 - u) / u * q, d["s.mask"])


def half(d, h):
    q, p = (F.log_softmax(d[n][d["s.ids"]], -1) for n in ("student.table", "teacher.table"))
    if h.f == "js":
        m = torch.logsumexp(torch.stack([p, q]), 0) - torch.log(torch.tensor(2.0))
        far = 0.5 * (p.exp() * (p - m) + q.exp() * (q - m)).sum(-1)
    else:
        far = (1 - (0.3 * p + 0.7 * q).exp().sum(-1)) / (0.3 * 0.7)
    return 0.5 * token_mean(far, d["s.mask"])


def known(d, h):
    m = d["s.mask"]
    q = F.log_softmax(d["student.table"][d["s.ids"]], -1).gather(-1, d["known"].long())[m]
    p = d["logp"][m]
    rest = lambda x: torch.log1p(-x.exp().sum(-1))
    return ((p.exp() * (p - q)).sum(-1) + rest(p).exp() * (rest(p) - rest(q))).mean()


def known_only(d, h):
    m = d["s.mask"]
    q = F.log_softmax(d["student.table"][d["s.ids"]].gather(-1, d["known"].long())[m], -1)
    return F.kl_div(q, F.log_softmax(d["logp"][m], -1), reduction="batchmean", log_target=True)


def by_size(d, h):
    falling = lambda x: torch.softmax(x, -1).sort(dim=-1, descending=True).values
    q = F.pad(falling(d["student.table"][d["s.ids"]]), (0, OTHER - V))
    return token_mean((q - falling(d["teacher.wide_table"][d["theirs.ids"]])).abs().sum(-1), d["s.mask"])


PYTORCH = {"distill_logits": ("F.mse_loss", lambda d, h: F.mse_loss(*both_logits(d))), "distill_cosine": ("F.cosine_embedding_loss", cosine),
           "distill_known_only": ("F.kl_div, batchmean", known_only)}
PLAIN = {"distill_renyi": ("formula of Rényi 1961", renyi), "learned_order": ("formula of Rényi 1961", renyi),
         "distill_known": ("formula", known), "distill_sorted": ("formula of Boizard et al. 2024", by_size),
         "sampled_distill": ("formula: f(u), and (f - u f') of the gradient", sampled),
         "sampled_distill_answers": ("formula: f(u), and (f - u f') of the gradient", sampled_answers),
         "sampled_distill_teacher": ("formula: f(u) / u, and (f - u f') / u of the gradient", sampled_teacher)}


def objective(name, h):
    student = ["student.table"]
    if name == "unbiased":
        return "formula: half of the divergence, torch f64", half, [*student, "teacher.table"]
    if name in PYTORCH:
        what, function = PYTORCH[name]
        return f"torch {torch.__version__.split('+')[0]} {what}, f64", function, student
    if name in PLAIN:
        what, function = PLAIN[name]
        return what + ", torch f64", function, student + (["learned"] if name == "learned_order" else [])
    if name == "gkd":
        return "trl GKDTrainer.generalized_jsd_loss, beta 0.5, f64", gkd, student
    return "formula of the paper, torch f64", {"distill": distill, "on_policy_distill": on_policy, "minillm": minillm}[name], student
