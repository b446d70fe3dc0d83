// The micro-kernel: a tile of C in registers, one broadcast of A times nv vectors of B per row and
// k.
//
// With 14 x 2 accumulators of 16 floats this runs at 97 % or more of the machine's multiply-add
// rate as long as both panels are in cache. The tile's lines of C are requested on entry and are
// there by the end; the source of the next panel is requested along the way.
#include "codegen/cpu/MatmulCode.h"

using namespace mlir;

namespace frit::matmul {

static constexpr int unroll = 4;

static std::string kernelName(StringRef owner, const Plan &plan, const Tile &tile) {
  std::string name = "matmul_f" + std::to_string(plan.bytes * 8) + "_" + std::to_string(tile.rows) +
                     "x" + std::to_string(tile.cols);
  if (tile.add)
    name += "_add";
  if (plan.rowTable)
    name += "_table";
  if (plan.directB)
    name += "_direct";
  if (tile.epilogue)
    name = (owner + "_" + name).str();
  return name;
}

func::FuncOp emitKernel(ModuleOp module, StringRef owner, const Plan &plan, const Tile &tile,
                        const Epilogue *epilogue) {
  ImplicitLocOpBuilder b(module.getLoc(), module.getContext());
  Code code(b, plan);
  Type p = code.pointer, i = code.i64;
  SmallVector<Type> types{p, p, i, p, plan.rowTable ? p : i, i, p, i, i, i};
  if (tile.epilogue) {
    types.append({i, i, i});
    types.append(epilogue->operands);
  }
  bool isNew;
  func::FuncOp function = declare(module, kernelName(owner, plan, tile), types, isNew);
  if (!isNew)
    return function;
  b.setInsertionPointToStart(&function.getBody().front());
  auto arguments = function.getArguments();
  Value a = arguments[0], bPanel = arguments[1], bStride = arguments[2], c = arguments[3],
        cRows = arguments[4], kc = arguments[5], ahead = arguments[6], aheadLane = arguments[7],
        aheadStep = arguments[8], aheadEnd = arguments[9];

  int lanes = plan.lanes;
  int nv = (tile.cols + lanes - 1) / lanes;
  auto valid = [&](int v) { return std::min<int64_t>(lanes, tile.cols - v * lanes); };
  // Packed panels are as wide as the plan's tile, also when this tile is narrower: but the last
  // one.
  int64_t width = nv * lanes;

  SmallVector<Value> rowAt;
  for (int64_t r = 0; r < tile.rows; ++r)
    rowAt.push_back(
        plan.rowTable
            ? code.atByte(c, code.load(i, LLVM::GEPOp::create(b, p, i, cRows,
                                                              ArrayRef<LLVM::GEPArg>{int32_t(r)})))
            : code.at(c, code.mul(code.integer(r), cRows)));
  for (Value row : rowAt)
    for (int64_t j = 0; j < tile.cols; j += 64 / plan.bytes)
      LLVM::Prefetch::create(b, code.at(row, j), /*rw=*/1, /*hint=*/3, /*cache=*/1);

  /// One k: acc[r][v] += a[r] * b[v]
  auto step = [&](Value k, SmallVectorImpl<Value> &acc) {
    Value aRow = code.at(a, code.mul(k, tile.rows));
    Value bRow = code.at(bPanel, plan.directB ? code.mul(k, bStride) : code.mul(k, width));
    SmallVector<Value> bv;
    for (int v = 0; v < nv; ++v)
      bv.push_back(code.loadLanes(code.at(bRow, v * lanes), plan.directB ? valid(v) : 0));
    for (int64_t r = 0; r < tile.rows; ++r) {
      Value x = code.load(code.element, code.at(aRow, r));
      x = vector::BroadcastOp::create(b, code.vector, x);
      for (int v = 0; v < nv; ++v)
        acc[r * nv + v] = vector::FMAOp::create(b, x, bv[v], acc[r * nv + v]);
    }
  };

  Value whole = code.mul(code.div(kc, unroll), unroll);
  SmallVector<Value> state(tile.rows * nv, code.zero());
  state.push_back(code.integer(0));
  auto main =
      scf::ForOp::create(b, code.integer(0), whole, code.integer(unroll), state,
                         [&](OpBuilder &, Location, Value k, ValueRange carried) {
                           SmallVector<Value> acc(carried.drop_back());
                           Value fetched = carried.back();
                           Value line = code.atByte(ahead, fetched);
                           for (int v = 0; v < nv; ++v) {
                             LLVM::Prefetch::create(b, line, /*rw=*/0, /*hint=*/2, /*cache=*/1);
                             if (v + 1 < nv)
                               line = code.atByte(line, aheadLane);
                           }
                           for (int u = 0; u < unroll; ++u)
                             step(code.add(k, u), acc);
                           acc.push_back(code.min(code.add(fetched, aheadStep), aheadEnd));
                           scf::YieldOp::create(b, acc);
                         });
  auto rest = scf::ForOp::create(b, whole, kc, code.integer(1), main.getResults().drop_back(),
                                 [&](OpBuilder &, Location, Value k, ValueRange carried) {
                                   SmallVector<Value> acc(carried);
                                   step(k, acc);
                                   scf::YieldOp::create(b, acc);
                                 });

  auto index = [&](Value v) {
    return arith::IndexCastOp::create(b, b.getIndexType(), v).getResult();
  };
  for (int64_t r = 0; r < tile.rows; ++r)
    for (int v = 0; v < nv; ++v) {
      Value sum = rest.getResult(r * nv + v);
      Value to = code.at(rowAt[r], v * lanes);
      if (tile.add)
        sum = arith::AddFOp::create(b, code.loadLanes(to, valid(v)), sum);
      if (tile.epilogue) {
        Value mask = valid(v) == lanes ? Value() : code.mask(valid(v));
        sum = epilogue->emit(b, {sum, index(arguments[10]), index(code.add(arguments[11], r)),
                                 index(code.add(arguments[12], v * lanes)), mask,
                                 ValueRange(arguments.drop_front(13))});
      }
      code.storeLanes(sum, to, valid(v));
    }
  func::ReturnOp::create(b);
  return function;
}

} // namespace frit::matmul
