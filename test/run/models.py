"""Models from files: under other names, with adapters around their parts, trained in some layers."""
import json
import struct

from harness import *

BASE = """
config { vocab = 256, width = 8, heads = 2, layers = 3, ctx = 8 }
model Block() {
  norm = LayerNorm(width);  attn = Attention(width, heads, causal = true);  mix = Linear(width, width)
  forward(x: real[b, t, width]) -> real[b, t, width] { x + mix(gelu(attn(norm(x)))) }
}
model LM() {
  tok = Embedding(vocab, width);  blocks = repeat(layers) Block();  head = Linear(width, vocab, bias = false)
  forward(ids: token[b, t; vocab]) -> categorical[b, t; vocab] {
    categorical(logits = head(blocks(tok(ids))), over = vocab)
  }
}
model LoRA(base: model; rank = 2, scale = 2.0) {
  r: rank
  param down: real[r; base.in] ~ normal(std = 0.02)
  param up:   real[base.out; r] = 0
  forward(x: real[.., base.in]) -> real[.., base.out] {
    base(x) + scale * dot(dot(x, down, over = base.in), up, over = r)
  }
}
objective pretrain(lm: model, s: sequence[b, t; vocab]) {
  minimize mean(nll(lm(s.ids), s.next), where = s.mask)
}
"""
TRAIN = """
train pretrain {
  lm = LM()%s
  b = 4, t = ctx;  data = text(tokenizer = bytes);  validation = 0.2
  optimizer = adamw(lr = 1e-2)
  %s
  steps = 4
}
"""


def program(name, source="", rules=""):
    return write(name, BASE + TRAIN % (source, rules))


def tensors(path):
    """name -> (element, shape, bytes) of a safetensors file or of a run."""
    data = read(path if path.endswith(".safetensors") else os.path.join(path, "latest", "model.safetensors"))
    size = struct.unpack("<Q", data[:8])[0]
    header = json.loads(data[8:8 + size])
    header.pop("__metadata__", None)
    return {name: (t["dtype"], t["shape"], data[8 + size + t["data_offsets"][0]:8 + size + t["data_offsets"][1]])
            for name, t in header.items()}


def save(path, named):
    header, body = {}, b""
    for name, (element, shape, data) in named.items():
        header[name] = {"dtype": element, "shape": shape, "data_offsets": [len(body), len(body) + len(data)]}
        body += data
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text + body)


def bits(one):
    return {name: data for name, (_, _, data) in one.items()}


def eval_loss(*command):
    return re.search(r"loss\s+([\d.]+)", frit("eval", *command).out).group(1)


def pretrained():
    corpus = write_corpus()
    program("base.frit")
    frit("train", "base.frit", "--data", corpus, "--out", "base")
    return corpus, tensors("base")


def test_names_of_others():
    """A file with the names of another library gives the model that was saved; what does not fit is said."""
    corpus, base = pretrained()
    names = {"lm.tok.table": "model.embed_tokens.weight", "lm.head.weight": "lm_head.weight"}
    for i in range(3):
        for ours, theirs in [("norm.scale", "input_layernorm.weight"), ("norm.offset", "input_layernorm.bias"),
                             ("mix.weight", "mlp.weight"), ("mix.offset", "mlp.bias")] + [
                                 (f"attn.{p}.{a}", f"self_attn.{p}_proj.{b}") for p in ("q", "k", "v", "out")
                                 for a, b in (("weight", "weight"), ("offset", "bias"))]:
            names[f"lm.blocks.{i}.{ours}"] = f"model.layers.{i}.{theirs}"
    assert names.keys() == base.keys(), (names.keys(), base.keys())
    theirs = {names[name]: tensor for name, tensor in base.items()}
    save("theirs.safetensors", {**theirs, "model.rotary.inv_freq": ("F32", [2], b"\0" * 8)})
    lines = """ from "theirs.safetensors" {
      "model.embed_tokens.weight"                     -> tok.table
      "model.layers.{i}.input_layernorm.weight"       -> blocks.{i}.norm.scale
      "model.layers.{i}.input_layernorm.bias"         -> blocks.{i}.norm.offset
      "model.layers.{i}.self_attn.{x}_proj.weight"    -> blocks.{i}.attn.{x}.weight
      "model.layers.{i}.self_attn.{x}_proj.bias"      -> blocks.{i}.attn.{x}.offset
      "model.layers.{i}.mlp.weight"                   -> blocks.{i}.mix.weight
      "model.layers.{i}.mlp.bias"                     -> blocks.{i}.mix.offset
      "lm_head.weight"                                -> head.weight
    }"""
    program("theirs.frit", lines)
    start = ["theirs.frit", "--data", corpus, "--steps", 0]
    said = frit("train", *start, "--out", "same").all
    assert "has 1 tensor that model 'lm' has no use for" in said, said
    assert bits(tensors("same")) == bits(base)

    # A fresh head is drawn anew; the rest is there.
    program("theirs.frit", lines.replace("-> head", "-> fresh head"))
    frit("train", *start, "--out", "fresh")
    fresh = tensors("fresh")
    assert {name for name in base if fresh[name] != base[name]} == {"lm.head.weight"}

    # A tensor that is not there, transposed, of another size.
    program("theirs.frit", lines.replace("lm_head", "head"))
    refused = frit("train", *start, "--out", "none", status=1)
    refused.says("has no tensor 'head.weight' for parameter 'lm.head.weight' of shape [256, 8]",
                 "the nearest there is 'lm_head.weight' of shape [256, 8]")
    program("theirs.frit", lines)
    element, shape, data = theirs["lm_head.weight"]
    save("theirs.safetensors", {**theirs, "lm_head.weight": (element, shape[::-1], data)})
    frit("train", *start, "--out", "none", status=1).says(
        "parameter 'lm.head.weight' has shape [256, 8] in this program, 'lm_head.weight' has [8, 256] there",
        "transposed")
    save("theirs.safetensors", {**theirs, "lm_head.weight": (element, [512, 4], data)})
    refused = frit("train", *start, "--out", "none", status=1).says("'lm_head.weight' has [512, 4] there")
    assert "transposed" not in refused.all and not os.path.exists("none")


def test_adapters():
    """Adapters around layers of a loaded model learn; the model keeps its bits."""
    corpus, base = pretrained()
    program("adapt.frit", ' from "base"', "for lm.* { frozen = true }\n"
            "  for lm.blocks.*.attn.{i}, *.mix { wrap = LoRA() }".replace("{i}", "q"))
    frit("train", "adapt.frit", "--data", corpus, "--out", "zero", "--steps", 0)
    # An adapter that is zero changes nothing.
    assert eval_loss("adapt.frit", "--from", "zero", "--data", corpus) == eval_loss(
        "base.frit", "--from", "base", "--data", corpus)
    frit("train", "adapt.frit", "--data", corpus, "--out", "adapted").says("done: 4 steps")
    zero, adapted = tensors("zero"), tensors("adapted")
    inner = {name.replace(".base.", "."): data for name, data in bits(adapted).items()
             if not name.endswith((".up", ".down"))}
    assert inner == bits(base)
    assert "lm.blocks.2.mix.base.weight" in adapted and "lm.blocks.0.attn.q.up" in adapted
    learned = {name for name in adapted if adapted[name] != zero[name]}
    assert learned and all(name.endswith((".up", ".down")) for name in learned), learned
    # It goes on from its own checkpoint, without the file it began with.
    os.rename("base", "gone")
    frit("train", "adapt.frit", "--resume", "--steps", 6, "--out", "adapted").says("done: 6 steps")


def test_single_layers():
    """A frozen layer keeps its bits; a layer with a rate of zero and no decay does, too."""
    corpus = write_corpus()
    rules = "for lm.blocks.0.* { frozen = true }\n  for lm.blocks.{1..1}.* { lr = 0 }"
    program("some.frit", "", rules)
    frit("train", "some.frit", "--data", corpus, "--out", "zero", "--steps", 0)
    frit("train", "some.frit", "--data", corpus, "--out", "some")
    zero, some = tensors("zero"), tensors("some")
    moved = {name for name in some if some[name] != zero[name]}
    assert moved == {name for name in zero if ".0." not in name and ".1." not in name}, moved
    # The others go as fast as they would alone; two threads give the same bits as one.
    frit("train", "some.frit", "--data", corpus, "--out", "threads", "--threads", 1)
    assert bits(tensors("threads")) == bits(some)
    # Another optimizer for one layer.
    program("some.frit", "", "for lm.blocks.0.* { optimizer = lion(lr = 1e-3) }\n  for lm.blocks.2.* { frozen = true }")
    frit("train", "some.frit", "--data", corpus, "--out", "lion")
    lion = tensors("lion")
    assert {name for name in lion if lion[name] == zero[name]} == {name for name in zero if ".2." in name}


def test_unused():
    """A parameter on which the loss does not depend is not trained, and this is said."""
    corpus = write_corpus()
    write("unused.frit", (BASE + TRAIN % ("", "")).replace(
        "  forward(ids", "  value = Linear(width, [])\n  forward(ids"))
    frit("train", "unused.frit", "--data", corpus, "--out", "run").says(
        "not trained, because the loss does not depend on them: lm.value.weight, lm.value.offset")
    frit("train", "unused.frit", "--data", corpus, "--out", "zero", "--steps", 0)
    run_, zero = tensors("run"), tensors("zero")
    assert run_["lm.value.weight"] == zero["lm.value.weight"]
    assert run_["lm.head.weight"] != zero["lm.head.weight"]


def test_adapt_of_the_programs():
    """test/programs/12_optimisers.frit loads, wraps and trains."""
    corpus = write_corpus()
    folder = os.path.join(ROOT, "test", "programs")
    sizes = ["--set", "vocab=256", "--set", "layers=2"]
    frit("train", os.path.join(folder, "01_llama.frit"), *sizes, "--data", corpus, "--steps", 2, "--out", "llama")
    renamed = {}
    for name, tensor in tensors("llama").items():
        name = re.sub(r"^lm\.", "", name)
        name = re.sub(r"^tok\.table$", "model.embed_tokens.weight", name)
        name = re.sub(r"^blocks\.(\d+)\.attn\.(\w+)\.weight$", r"model.layers.\1.self_attn.\2_proj.weight", name)
        renamed["lm_head.weight" if name == "head.weight" else name] = tensor
    save("llama.safetensors", renamed)
    frit("train", os.path.join(folder, "12_optimisers.frit"), "--train", "adapt", *sizes, "--data", corpus,
         "--steps", 3, "--out", "adapted").says("done: 3 steps")
    base, adapted = tensors("llama"), tensors("adapted")
    same = {name for name in base if adapted.get(name.replace(".q.", ".q.base.").replace(".v.", ".v.base.")) == base[name]}
    assert same == base.keys() - {"lm.head.weight"}, base.keys() - same
    assert any(adapted["lm.blocks.1.attn.v.up"][2]), "the adapter stayed zero"


main(globals())
