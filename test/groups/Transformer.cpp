// A small GPT training step (layers in a loop, attention, LayerNorm, GELU, tied embedding,
// cross-entropy), differentiated, laid out and fused: the same loss and gradients as before,
// kernels that agree with the evaluator, and few of them.
#include "passes/Pipeline.h"
#include "test/groups/Program.h"

using namespace frit;
using namespace frit::test;
using Names = std::vector<std::string>;

namespace {

struct Sizes {
  int64_t b = 2, t = 5, d = 6, h = 2, e = 3, f = 24, v = 11, l = 2;
};

Term norm(Term x, Term scale, Term offset, double d) {
  Build &b = *x.build;
  Term centred = x - b.sum(x, {"d"}) * (1 / d);
  Term variance = b.sum(centred * centred, {"d"}) * (1 / d);
  return centred / b.sqrt(variance + 1e-5) * scale + offset;
}

Term gelu(Term x) {
  Build &b = *x.build;
  return 0.5 * x * (1.0 + b.make("tanh", {0.7978845608 * (x + 0.044715 * (x * x * x))}));
}

/// The layer: x[b,t,d] and its twelve parameters.
Term layer(Build &b, Term x, const Terms &p, const Sizes &n, Element e) {
  Term y = norm(x, p[0], p[1], double(n.d));
  Term q = b.contract(y, p[2], {"d"}), k = b.contract(y, p[3], {"d"}) + p[5],
       v = b.contract(y, p[4], {"d"});
  auto keyed = [&](Term x) {
    return b.make("rename", {x}, {{"from", std::string("t")}, {"to", std::string("s")}});
  };
  Term scores = b.contract(q, keyed(k), {"e"}) * (1 / std::sqrt(double(n.e)));
  Term t = b.make("index", {}, {{"axes", std::vector<Axis>{{"t", n.t}}}});
  Term s = b.make("index", {}, {{"axes", std::vector<Axis>{{"s", n.t}}}});
  Term none = b.constant(-std::numeric_limits<double>::infinity(), e);
  Term p0 =
      b.make("softmax", {b.select(b.make("le", {s, t}), scores, none)}, {{"over", Names{"s"}}});
  Term out = b.contract(p0, keyed(v), {"s"});
  x = x + b.contract(out, p[6], {"h", "e"});
  Term z = norm(x, p[7], p[8], double(n.d));
  return x + b.contract(gelu(b.contract(z, p[9], {"d"}) + p[11]), p[10], {"f"});
}

Program transformer(Element e, Sizes n, bool gradients) {
  Axis b{"b", n.b}, t{"t", n.t}, d{"d", n.d}, h{"h", n.h}, dh{"e", n.e}, f{"f", n.f}, v{"v", n.v},
      l{"l", n.l};
  std::vector<ValueType> inputs{{Element::I32, {b, t}},
                                {Element::I32, {b, t}},
                                {e, {v, d}},
                                {e, {t, d}},
                                // of layers
                                {e, {l, d}},
                                {e, {l, d}},
                                {e, {l, d, h, dh}},
                                {e, {l, d, h, dh}},
                                {e, {l, d, h, dh}},
                                {e, {l, h, dh}},
                                {e, {l, h, dh, d}},
                                {e, {l, d}},
                                {e, {l, d}},
                                {e, {l, d, f}},
                                {e, {l, f, d}},
                                {e, {l, f}}};
  return Program(inputs, [=](Build &build, Terms x) -> Terms {
    mlir::ImplicitLocOpBuilder &b = build.b;
    Term hidden = build.make("gather", {x[2], x[0]}, {{"axes", Names{"v"}}}) + x[3];
    llvm::SmallVector<mlir::Value> slices;
    for (size_t i = 4; i < x.size(); ++i)
      slices.push_back(x[i].value);
    auto scan =
        ScanOp::create(b, mlir::TypeRange{hidden.value.getType()}, mlir::ValueRange{hidden.value},
                       slices, "l", uint64_t(n.l), false, "layers");
    auto *body = new mlir::Block;
    scan.getBody().push_back(body);
    body->addArgument(toTensorType(b.getContext(), {Element::I32, {}}), b.getLoc());
    body->addArgument(hidden.value.getType(), b.getLoc());
    Terms parameters;
    for (mlir::Value slice : slices) {
      ValueType type = typeOf(slice);
      type.axes.erase(type.axes.begin());
      parameters.push_back(
          build.term(body->addArgument(toTensorType(b.getContext(), type), b.getLoc())));
    }
    {
      mlir::OpBuilder::InsertionGuard guard(b);
      b.setInsertionPointToStart(body);
      Term next = layer(build, build.term(body->getArgument(1)), parameters, n, e);
      YieldOp::create(b, next.value);
    }
    hidden = build.term(scan.getResult(0));
    Term logits = build.contract(hidden, x[2], {"d"});
    Term lse = build.make("logsumexp", {logits}, {{"over", Names{"v"}}});
    Term hit = build.make("gather", {logits, x[1]}, {{"axes", Names{"v"}}});
    Term loss = build.sum(lse - hit, {"b", "t"}) * (1.0 / double(n.b * n.t));
    if (!gradients)
      return {loss};
    llvm::SmallVector<mlir::Value> wrt;
    llvm::SmallVector<mlir::Type> types;
    for (size_t i = 2; i < x.size(); ++i) {
      wrt.push_back(x[i].value);
      types.push_back(x[i].value.getType());
    }
    Terms out{loss};
    for (mlir::Value g : GradientOp::create(b, types, loss.value, wrt).getResults())
      out.push_back(build.term(g));
    return out;
  });
}

} // namespace

TEST_CASE("a transformer's forward pass and gradients survive layout and fusion") {
  for (Element e : {Element::F32, Element::F64}) {
    Program program = transformer(e, {}, true);
    mlir::PassManager passes(&fritContext());
    buildPipeline(passes, PipelineOptions{"grad", {}, false});
    REQUIRE(succeeded(passes.run(*program.module)));
    check(program, Target::host(), 11, 2e-4);
  }
}

TEST_CASE("a transformer's step has few kernels beside its contractions") {
  Program program = transformer(Element::F32, {4, 64, 768, 12, 64, 3072, 50257, 12}, true);
  mlir::PassManager passes(&fritContext());
  buildPipeline(passes, PipelineOptions{"fused", {}, false});
  REQUIRE(succeeded(passes.run(*program.module)));
  if (const char *file = getenv("FRIT_DUMP"))
    std::ofstream(file) << program.text();
  int groups = 0;
  program.module->walk([&](GroupOp) { ++groups; });
  INFO(program.text());
  CHECK(groups <= 40);
}
