"""Objectives of the prelude, from data to a trained model."""
import json
from harness import *

PROGRAM = """
config { vocab = 256, width = 16 }
model LM() {
  tok = Embedding(vocab, width);  cell = GRU(width, width);  out = Linear(width, vocab)
  forward(ids: token[b, t; vocab]) -> categorical[b, t; vocab] {
    categorical(logits = out(cell(tok(ids))), over = vocab)
  }
}
train dpo {
  policy = LM();  reference = copy(policy)
  b = 4, t = 16, u = 16;  beta = 0.5
  data = pairs();  optimizer = adamw(lr = 1e-2);  steps = 60
}
"""


def test_preferences():
    """Policy and reference begin as one, so the first loss is log 2; the lengths of answers differ."""
    rows = [{"chosen": "yes" + "." * (i % 5), "rejected": "no" + "!" * (i % 7)} for i in range(32)]
    write("pairs.jsonl", "".join(json.dumps(row) + "\n" for row in rows))
    write("p.frit", PROGRAM)
    done = frit("train", "p.frit", "--data", "pairs.jsonl")
    done.says("loss 0.6931", "accuracy 1.0000")
    assert last_line(done)[1]["loss"] < 0.1, done.out


PROXIMAL = """config { vocab = 5, width = 4 }
model Block() {
  norm = LayerNorm(width);  mlp = MLP(width, 8)
  forward(x: real[.., width]) -> real[.., width] { x + mlp(norm(x)) }
}
model LM() {
  tok = Embedding(vocab, width);  blocks = repeat(3) Block();  head = Linear(width, vocab)
  forward(ids: token[..; vocab]) -> categorical[..; vocab] {
    categorical(logits = head(blocks(tok(ids))), over = vocab)
  }
}
objective sft(policy: model, frozen reference: model, s: sequence[b, t; vocab]; near = 0.5) {
  minimize token_mean(nll(policy(s.ids), s.next), s.mask) + near * weight_gap(policy, reference)
}
train sft {
  policy = LM();  reference = LM()
  b = 2, t = 3
  data = tensors();  optimizer = sgd(lr = 0.1);  steps = 3;  accumulate = 1
}
"""


def test_proximal_term():
    write("near.frit", PROXIMAL)
    for pieces in (1, 2):
        frit("check", "--gradients", "near.frit", "--set", f"accumulate={pieces}").says("9 of 9 gradients right", "training steps", " ok")
    write("far.frit", PROXIMAL.replace("weight_gap(policy, reference)", "weight_gap(policy.tok, reference.head)"))
    frit("check", "far.frit", status=1).says("weight_gap wants two models of one architecture; 'policy.tok' and 'reference.head' differ", "copy(policy)")
    write("no.frit", PROXIMAL.replace("weight_gap(policy, reference)", "weight_gap(policy, 3)"))
    frit("check", "no.frit", status=1).says("weight_gap wants a model, this is the number 3")


main(globals())
