"""What the families share: answers, their log-probabilities, TRL's trainers without their machinery."""
import collections
from unittest.mock import MagicMock

import torch
import torch.nn.functional as F

V = 5


def generator(seed):
    g = torch.Generator().manual_seed(seed)
    real = lambda *shape: [round(x, 3) for x in torch.randn(*shape, generator=g).flatten().tolist()]
    token = lambda *shape: torch.randint(V, shape, generator=g).flatten().tolist()
    return real, token


def rows(*rows):
    return [x for row in rows for x in row]


def sequence(name, token, b, t, lengths, start=None):
    """Rows of these lengths; the first `start` tokens belong to the prompt."""
    start = start or [0] * b
    mask = lambda first: [int(f <= i < n) for n, f in zip(lengths, first) for i in range(t)]
    return {f"{name}.ids": token(b, t), f"{name}.next": token(b, t), f"{name}.real": mask([0] * b), f"{name}.mask": mask(start)}


def sequence_shapes(name, *shape):
    return {f"{name}.{part}": shape for part in ("ids", "next", "real", "mask")}


def log_probs(table, d, s="s"):
    """Of the tokens that count, 0 elsewhere."""
    logp = F.log_softmax(table[d[f"{s}.ids"]], -1).gather(-1, d[f"{s}.next"].unsqueeze(-1)).squeeze(-1)
    return torch.where(d[f"{s}.mask"], logp, 0.0)


def entropies(table, d, s="s"):
    logp = F.log_softmax(table[d[f"{s}.ids"]], -1)
    return -(logp.exp() * logp).sum(-1)


def token_mean(x, m):
    return x[m].mean()


def sequence_mean(x, m):
    return ((x * m).sum(-1) / m.sum(-1)).mean()


def trainer(h):
    """Something that TRL takes for a trainer."""
    t = MagicMock()
    t.accelerator.device, t.accelerator.num_processes = "cpu", 1
    t.accelerator.gather = t.accelerator.gather_for_metrics = lambda x: x
    t.accelerator.reduce = lambda x, reduction="sum": x
    t._metrics = collections.defaultdict(lambda: collections.defaultdict(list))
    t.aux_loss_enabled = t._entropy_bonus_enabled = t.use_vllm = False
    t.current_gradient_accumulation_steps = t.args.steps_per_generation = 1
    t.top_entropy_quantile, t.off_policy_mask_threshold = 1.0, None
    t.args.use_bias_correction_kl, t.args.delta = False, None
    t.beta = h.or_("beta", 0.0)
    return t


POLICY = ["policy.table"]
L2 = 0.6931471805599453
POLICY_ROW = [-L2, -2 * L2, -4 * L2, -4 * L2, -3 * L2]
REFERENCE_ROW = [-3 * L2, -2 * L2, -2 * L2, -2 * L2, -3 * L2]
