"""Prints what other libraries make of the numbers of the tests beside what compiled code does (f32), and why where they differ.

Run by hand, in an environment with torch, trl, and verl, disco-generation and liger-kernel (their own code; --no-deps will do):

    python table.py BUILD/bin/objectives-tests

First the blocks of golden/*.json: loss and gradients on the same inputs. Then calls of libraries that come out otherwise, each
with the reason: a convention, or a bug of theirs with its number.
"""
import glob
import json
import math
import os
import subprocess
import sys
import types

import torch
import torch.nn.functional as F

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
import golden
from others import answers, episodes, groups, pairs, shared, singles, students

torch.set_default_dtype(torch.float64)


def ours(tests):
    """{file: {block: (theirs, ours, apart, gradients apart, our largest gradient)}} by the compiled programs."""
    out = {}
    for path in sorted(glob.glob(f"{HERE}/*.frit")):
        file = os.path.basename(path)[:-5]
        if os.path.exists(f"{HERE}/data/{file}.json"):
            said = subprocess.run([tests, path, "--table"], capture_output=True, text=True, check=True).stdout
            out[file] = {line.split("\t")[0]: line.split("\t")[1:] for line in said.splitlines()}
    return out


TRAINED = []  # what the call at hand is differentiated by


def trained(d):
    TRAINED[:] = [d[n].requires_grad_() for n in ("policy.table", "student.table") if n in d]
    return d


def family(module, block, **changed):
    """The numbers of a family for a block of it, and its settings."""
    name = module.__name__.split(".")[-1]
    settings = golden.train_blocks(f"{HERE}/{name}.frit")[block][1]
    return trained(golden.tensors(module.NUMBERS["golden"], module.SHAPES)), golden.Settings({**settings, **changed})


def bug(block, shapes, dtype=torch.float64):
    numbers = json.load(open(f"{HERE}/data/bugs.json"))[block]
    d = golden.tensors({n: x for n, x in numbers.items() if n in shapes}, shapes)
    return trained({n: x.to(dtype) if x.dtype == torch.float64 else x for n, x in d.items()})


BUG = {"policy.table": (5, 5), "reference.table": (5, 5), "student.table": (5, 5), "teacher.table": (5, 5), "old_logp": (3, 2),
       "advantage": (3,), **shared.sequence_shapes("s", 3, 2), **shared.sequence_shapes("chosen", 3, 2), **shared.sequence_shapes("rejected", 3, 2)}


def both(x):
    """A number as text, and the largest entry of its gradient."""
    if not isinstance(x, torch.Tensor):
        return f"{float(x):.6g}", "-"
    if not x.requires_grad:
        return f"{x.item():.6g}", "-"
    slopes = [g for g in torch.autograd.grad(x, TRAINED, allow_unused=True) if g is not None]
    return f"{x.item():.6g}", f"{max(g.abs().max().item() for g in slopes):.6g}" if slopes else "-"


def cross_entropy_of_nothing():
    d = bug("nothing_counts", BUG)
    labels = torch.where(d["s.mask"], d["s.next"], -100).flatten()
    return F.cross_entropy(d["policy.table"][d["s.ids"]].flatten(0, 1), labels, ignore_index=-100)


def kl_div(reduction):
    d = bug("direction_forward", BUG)
    q, p = (F.log_softmax(d[f"{n}.table"][d["s.ids"]][d["s.mask"]], -1) for n in ("student", "teacher"))
    return F.kl_div(q, p, reduction=reduction, log_target=True)


def kl_div_swapped():
    d = bug("direction_forward", BUG)
    q, p = (F.log_softmax(d[f"{n}.table"][d["s.ids"]][d["s.mask"]], -1) for n in ("student", "teacher"))
    return F.kl_div(p, q, reduction="batchmean", log_target=True)


def trl_jsd(beta, block="ends_as_published", T=1.0):
    from trl.experimental.gkd import GKDTrainer

    d = bug(block, BUG)
    return GKDTrainer.generalized_jsd_loss(d["student.table"][d["s.ids"]], d["teacher.table"][d["s.ids"]],
                                           labels=torch.where(d["s.mask"], d["s.next"], -100), beta=beta, temperature=T)


def trl_pairs(block, kind, f="reverse_kl"):
    d, h = family(pairs, block)
    return pairs.trl_dpo([kind], [1.0], h, f)(d, h)


def trl_k3(dtype):
    d = bug("k3_overflow", BUG, dtype)
    h = golden.Settings(beta="1", up="1", down="1")
    was, answers.B, answers.T = (answers.B, answers.T), 3, 2
    try:
        return answers.trl_grpo("grpo", "token", 0.2, 0.2, h)(d, h)
    finally:
        answers.B, answers.T = was


def verl_k3():
    d = bug("k3_overflow", BUG)
    logp, ref = (shared.log_probs(d[n], d) for n in ("policy.table", "reference.table"))
    return shared.token_mean(shared.verl().kl_penalty(logp, ref, "k3"), d["s.mask"])


def trl_orpo():
    from unittest.mock import MagicMock

    from trl.experimental.orpo import ORPOTrainer

    d = bug("sure_answers", BUG, torch.float32)
    t = MagicMock()
    t.beta, t.accelerator.device = 0.5, "cpu"
    table = d["policy.table"].requires_grad_()
    w, l = (shared.log_probs(table, d, s).sum(-1) / d[f"{s}.mask"].sum(-1) for s in ("chosen", "rejected"))
    ORPOTrainer.odds_ratio_loss(t, w, l)[0].mean().backward()
    return table.grad.abs().max()


def liger_kto():
    from liger_kernel.chunked_loss.kto_loss import LigerFusedLinearKTOFunction as Kto

    d, h = family(singles, "kto")
    q, r = (shared.log_probs(d[n], d).sum(-1) for n in ("policy.table", "reference.table"))
    k = (shared.log_probs(d["policy.table"], d, "other") - shared.log_probs(d["reference.table"], d, "other")).sum(-1).mean().clamp(min=0)
    out = Kto.preference_loss_fn(q, d["good"], torch.zeros(3, 1), r, beta=h.beta, kl=k)
    return (out[0] if isinstance(out, tuple) else out).sum()


def liger_cosine():
    from liger_kernel.chunked_loss.cosine_similarity_loss import LigerFusedLinearCosineSimilarityFunction as Cosine

    d, _ = family(students, "distill_cosine")
    q, p = students.both_logits(d)
    return Cosine.distillation_loss_fn(q, p) / len(q)


def disco(f, block):
    d, _ = family(groups, block)
    logq = shared.log_probs(d["policy.table"], d).sum(-1)
    file, name, _ = groups.DISCO[f]
    out = 0.0
    for o, g, q in zip(d["old"], d["goal"], logq):
        out = out + getattr(shared.disco(file), name)(use_baseline=False)([], "", o, g, q, torch.exp(g - o).mean()) / groups.P
    return out


def verl_whitened():
    d, h = family(answers, "reinforce_pp")
    m = d["s.mask"]
    far = torch.where(m, d["old_logp"] - d["reference_logp"], 0.0)
    reward = -h.beta * far
    last = answers.T - 1 - m.flip(1).long().argmax(1)
    reward[torch.arange(answers.B), last] += d["reward"]
    advantage, _ = shared.verl().compute_reinforce_plus_plus_outcome_advantage(reward, m.double(), config=types.SimpleNamespace(gamma=1.0))
    return shared.token_mean(-answers.clip_gain(d, advantage), m)


def verl_gspo():
    d, h = family(episodes, "gspo_token")
    return episodes.verl_gspo(d, h)


# What is called; what it is; the block (or number) of ours; why.
DIFFER = [
    ("torch F.cross_entropy, all ignored", cross_entropy_of_nothing, "bugs.nothing_counts", "convention: the mean of nothing is 0 here (Liger 177, torchtune 2341)"),
    ("torch F.kl_div, reduction mean", lambda: kl_div("mean"), "bugs.direction_forward", "convention: theirs divides by tokens and columns; batchmean is ours"),
    ("torch F.kl_div, arguments the other way", kl_div_swapped, "bugs.direction_forward", "convention: their first argument is the student; here the order is spelled (distillm 7, TRL 4935)"),
    ("trl generalized_jsd_loss, beta 0", lambda: trl_jsd(0.0), "bugs.ends_as_published", "convention: replaced by KL(P ‖ Q) at the end, `jsd` is as published (TRL 3043, 6780)"),
    ("trl generalized_jsd_loss, T 2", lambda: trl_jsd(0.0, "temperature_once", 2.0), "bugs.temperature_once", "convention: no T^2 in TRL and Liger, Hinton's in `distill`"),
    ("trl DPO sigmoid, label_smoothing 1/4", lambda: trl_pairs("cdpo", "sigmoid"), "pairs.cdpo", "convention: TRL's sigmoid takes no smoothing"),
    ("trl DPO js_divergence, the same beta", lambda: trl_pairs("dpo_js", "sigmoid", "js_divergence"), "pairs.dpo_js", "convention: their f is twice Jensen-Shannon; half the beta is ours"),
    ("trl GRPO k3 at e^150, f32", lambda: trl_k3(torch.float32), "bugs.k3_overflow", "their bug TRL 3015: exp before any bound; ours stops at e^20"),
    ("verl kl_penalty k3 at e^150", verl_k3, "bugs.k3_overflow", "convention: verl holds the value to 10, and so its gradient to 0"),
    ("trl ORPO of sure answers, its gradient in f32", trl_orpo, "bugs.sure_answers", "their bug: log(1 - e^x) where x rounds to 0; our block requires gradients that are numbers"),
    ("liger KTO, weights 1 and 1/2", liger_kto, "singles.kto", "their bug: the weights are not in the loss"),
    ("disco JSLoss", lambda: disco("js", "disco_js"), "groups.disco_js", "convention: their f is twice Jensen-Shannon"),
    ("disco TVLoss", lambda: disco("tv", "disco_tv"), "groups.disco_tv", "convention: their f is twice total variation"),
    ("disco ReverseKLLoss, no baseline", lambda: disco("reverse_kl", "disco_reverse"), "groups.disco_reverse", "convention: f'(1) = 1 is left in, a baseline of -1"),
    ("verl REINFORCE++ advantages", verl_whitened, "answers.reinforce_pp", "convention: whitened by the variance with n - 1, here with n"),
]
SAME = [("verl gspo, which adds 1e-8 to the lengths", verl_gspo, "episodes.gspo_token"), ("liger cosine, mean", liger_cosine, "students.distill_cosine")]


def main():
    results = ours(sys.argv[1])
    print("| block | computed by | theirs | ours, f32 | loss apart | gradient apart |\n|---|---|---|---|---|---|")
    worst = [0.0, 0.0]
    count = 0
    for file, blocks in results.items():
        if not os.path.exists(f"{HERE}/golden/{file}.json"):
            continue
        sources = json.load(open(f"{HERE}/golden/{file}.json"))
        for block, (theirs, mine, apart, gradient, _) in blocks.items():
            if block in sources:
                print(f"| `{block}` | {sources[block]['source']} | {theirs} | {mine} | {apart} | {gradient} |")
                count += 1
                worst = [max(worst[0], float(apart)), max(worst[1], float(gradient))]
    print(f"\n{count} blocks; losses are at most {worst[0]:.1e} apart, gradients {worst[1]:.1e}.\n")
    for what, call, block in SAME:
        file, name = block.split(".")
        print(f"{what}: {both(call())[0]}, ours {float(results[file][name][1]):.6g}")
    print("\n| call | theirs | its largest slope | ours | its largest slope | why |\n|---|---|---|---|---|---|")
    for what, call, block, why in DIFFER:
        file, name = block.split(".")
        (theirs, slope), mine = both(call()), results[file][name]
        print(f"| {what} | {theirs} | {slope} | {float(mine[1]):.6g} (`{name}`) | {float(mine[4]):.6g} | {why} |")


main()
