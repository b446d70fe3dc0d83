// Packing: lines of a strided operand become one panel [k][width]. Three ways, by what is
// contiguous:
//
//   k       load a vector of k from each line, transpose in registers, store one vector per k
//   lines   load and store one vector per k
//   neither element by element
//
// Where lines and k are one dimension each, strides are arguments, so that a handful of functions
// serves all matmuls of a module.
//
// A panel whose width is no multiple of the vector is written with whole vectors in ascending k:
// what runs over belongs to the next k and is written later.
#include "codegen/cpu/MatmulCode.h"

using namespace mlir;

namespace frit::matmul {

Value Code::offset(const Axis &axis, Value i) {
  if (axis.dims.empty())
    return integer(0);
  if (axis.single())
    return mul(i, axis.stride());
  Value sum;
  for (size_t d = axis.dims.size(); d-- > 0;) {
    Dim dim = axis.dims[d];
    Value index = d == 0 ? i : rem(i, dim.size);
    Value term = mul(index, dim.stride);
    sum = sum ? add(sum, term) : term;
    i = div(i, dim.size);
  }
  return sum;
}

func::FuncOp declare(ModuleOp module, StringRef name, ArrayRef<Type> arguments, bool &isNew) {
  auto function = module.lookupSymbol<func::FuncOp>(name);
  isNew = !function;
  if (isNew) {
    OpBuilder builder = OpBuilder::atBlockBegin(module.getBody());
    function = func::FuncOp::create(builder, module.getLoc(), name,
                                    builder.getFunctionType(arguments, {}));
    function.setPrivate();
    function.addEntryBlock();
  }
  return function;
}

/// Transposes lanes x lanes values: each stage interleaves rows i and i + lanes/2.
static void transpose(Code &code, SmallVectorImpl<Value> &rows) {
  int lanes = code.lanes;
  SmallVector<int32_t> low, high;
  for (int i = 0; i < lanes / 2; ++i) {
    low.append({i, i + lanes});
    high.append({i + lanes / 2, i + lanes / 2 + lanes});
  }
  for (int stage = 1; stage < lanes; stage *= 2) {
    SmallVector<Value> next;
    for (int i = 0; i < lanes / 2; ++i) {
      Value x = rows[i], y = rows[i + lanes / 2];
      next.push_back(LLVM::ShuffleVectorOp::create(code.b, x, y, low));
      next.push_back(LLVM::ShuffleVectorOp::create(code.b, x, y, high));
    }
    rows.assign(next.begin(), next.end());
  }
}

namespace {
struct Packing {
  Code &code;
  const Operand &operand;
  int64_t width, lines;
  bool plain; // one dimension each
  Value matrix, first, k0, kc, panel, lineStride, kStride;

  Value lineOffset(Value i) {
    Value line = code.add(first, i);
    return plain ? code.mul(line, lineStride) : code.offset(operand.across, line);
  }
  Value lineOffset(int64_t i) { return lineOffset(code.integer(i)); }
  Value kOffset(Value k, bool unit = false) {
    k = code.add(k0, k);
    return !plain ? code.offset(operand.along, k) : unit ? k : code.mul(k, kStride);
  }

  void element(int64_t line, Value lineAt, Value k) {
    Value from = code.at(lineAt, kOffset(k, /*unit=*/true));
    Value to = code.at(panel, code.add(code.mul(k, width), line));
    code.store(code.load(code.element, from), to);
  }

  void alongContiguous() {
    int lanes = code.lanes;
    SmallVector<Value> lineAt;
    for (int64_t i = 0; i < lines; ++i)
      lineAt.push_back(code.at(matrix, lineOffset(i)));
    Value whole = code.mul(code.div(kc, lanes), lanes);
    code.loop(code.integer(0), whole, lanes, [&](Value k) {
      Value from = kOffset(k, /*unit=*/true);
      Value to = code.at(panel, code.mul(k, width));
      if (width == 1)
        return code.store(code.load(code.vector, code.at(lineAt[0], from)), to);
      SmallVector<SmallVector<Value>> groups;
      for (int64_t g = 0; g < width; g += lanes) {
        SmallVector<Value> &rows = groups.emplace_back();
        for (int64_t i = g; i < g + lanes; ++i)
          rows.push_back(i < lines ? code.load(code.vector, code.at(lineAt[i], from))
                                   : code.zero());
        transpose(code, rows);
      }
      for (int k = 0; k < lanes; ++k)
        for (size_t g = 0; g < groups.size(); ++g)
          code.store(groups[g][k], code.at(to, k * width + g * lanes));
    });
    code.loop(whole, kc, 1, [&](Value k) {
      for (int64_t i = 0; i < lines; ++i)
        element(i, lineAt[i], k);
    });
  }

  void acrossContiguous() {
    int lanes = code.lanes;
    SmallVector<Value> groupAt;
    for (int64_t g = 0; g < lines; g += lanes)
      groupAt.push_back(code.at(matrix, lineOffset(g)));
    auto copy = [&](Value k) {
      Value from = kOffset(k);
      Value to = code.at(panel, code.mul(k, width));
      for (size_t g = 0; g < groupAt.size(); ++g)
        code.store(
            code.loadLanes(code.at(groupAt[g], from), std::min<int64_t>(lanes, lines - g * lanes)),
            code.at(to, g * lanes));
    };
    Value whole = code.mul(code.div(kc, 4), 4);
    code.loop(code.integer(0), whole, 4, [&](Value k) {
      for (int u = 0; u < 4; ++u)
        copy(code.add(k, u));
    });
    code.loop(whole, kc, 1, copy);
  }

  void elementwise() {
    code.loop(code.integer(0), code.integer(lines), 1, [&](Value line) {
      Value lineAt = code.at(matrix, lineOffset(line));
      code.loop(code.integer(0), kc, 1, [&](Value k) {
        Value from = code.at(lineAt, kOffset(k));
        Value to = code.at(panel, code.add(code.mul(k, width), line));
        code.store(code.load(code.element, from), to);
      });
    });
  }
};
} // namespace

func::FuncOp emitPack(ModuleOp module, const Plan &plan, const Operand &operand, int64_t width,
                      int64_t lines, bool alignedStart) {
  ImplicitLocOpBuilder b(module.getLoc(), module.getContext());
  Code code(b, plan);
  bool plain = operand.across.single() && operand.along.single();
  bool alongUnit = operand.along.contiguous(plan.lanes) && !operand.along.dims.empty();
  bool acrossUnit =
      operand.across.contiguous(plan.lanes) && (alignedStart || operand.across.single());
  bool byLines = acrossUnit && !(alongUnit && lines == 1), byK = alongUnit && !byLines;

  std::string name = "pack_f" + std::to_string(plan.bytes * 8) + "_" + std::to_string(lines) +
                     "of" + std::to_string(width);
  name += byLines ? "_lines" : byK ? "_k" : "_elements";
  if (!plain)
    name += "_" + operand.across.name() + "_k" + operand.along.name();
  bool isNew;
  Type p = code.pointer, i = code.i64;
  func::FuncOp function = declare(module, name, {p, i, i, i, p, i, i}, isNew);
  if (!isNew)
    return function;
  b.setInsertionPointToStart(&function.getBody().front());
  auto arguments = function.getArguments();
  Packing packing{code,         operand,      width,        lines,
                  plain,        arguments[0], arguments[1], arguments[2],
                  arguments[3], arguments[4], arguments[5], arguments[6]};
  if (byLines)
    packing.acrossContiguous();
  else if (byK)
    packing.alongContiguous();
  else
    packing.elementwise();
  func::ReturnOp::create(b);
  return function;
}

} // namespace frit::matmul
