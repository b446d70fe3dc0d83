"""What the families share: answers, their log-probabilities, the libraries without their machinery."""
import collections
import importlib
import importlib.metadata
import importlib.util
import os
import sys
import types
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


def partly(package, module, hollow):
    """A module of `package`, its own code, without what the package does when imported: folders are there, their __init__
    does not run, and the modules named in `hollow` have the names that others ask for, with nothing behind them."""
    if package not in sys.modules:
        root = importlib.util.find_spec(package).submodule_search_locations[0]
        for folder, _, _ in os.walk(root):
            name = package + folder[len(root):].replace(os.sep, ".")
            sys.modules[name] = types.ModuleType(name)
            sys.modules[name].__path__ = [folder]
        for name, names in hollow.items():
            empty = sys.modules.setdefault(name, types.ModuleType(name))
            for each in names:
                setattr(empty, each, type(each, (), {}))
    return importlib.import_module(module)


def version(package):
    return importlib.metadata.version(package)


def verl():
    """verl's losses: they want ray and a GPU's name only when a trainer is made."""
    losses = partly("verl", "verl.trainer.ppo.core_algos", {
        "verl.trainer.config": ["AlgoConfig"], "verl.workers.config": ["ActorConfig"],
        "verl.utils.device": ["get_device_name", "get_torch_device"], "verl.utils": ["as_torch_index", "group_mean_std"]})
    losses.ActorConfig = VerlConfig
    return losses


def disco(name):
    """disco's loss of this file, without the moving baseline, whose file its package lacks."""
    return partly("disco", f"disco.tuners.losses.{name}", {"disco.tuners.losses.misc.ema_baseline": ["EMABaseline"]})


class VerlConfig:
    """What verl's losses ask of their configuration."""

    global_batch_info = {}

    def __init__(self, low=0.2, high=0.2, dual=3.0, **policy_loss):
        self.clip_ratio, self.clip_ratio_low, self.clip_ratio_high, self.clip_ratio_c = low, low, high, dual
        self.policy_loss = types.SimpleNamespace(**policy_loss)

    def get(self, name, default=None):
        return getattr(self, name, default)


POLICY = ["policy.table"]
L2 = 0.6931471805599453
POLICY_ROW = [-L2, -2 * L2, -4 * L2, -4 * L2, -3 * L2]
REFERENCE_ROW = [-3 * L2, -2 * L2, -2 * L2, -2 * L2, -3 * L2]
