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


main(globals())
