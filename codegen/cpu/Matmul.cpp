// The loops around the micro-kernel:
//
//   for each batch of this thread
//     for each block of k
//       for each block of resident panels: pack it
//         for each panel of the other operand: pack it
//           for each resident panel: micro-kernel
//
// Threads share row panels or column panels (of all batches, laid end to end). A panel's sums do
// not depend on who computes it or after which other panel, so neither do the bits.
#include "codegen/cpu/Matmul.h"
#include "codegen/cpu/MatmulCode.h"

using namespace mlir;

namespace frit {

using namespace matmul;

int64_t matmulWorkspaceBytes(const MatmulSpec &spec, const Target &target) {
  Plan plan = makePlan(spec, target);
  return plan.aBytes() + plan.bBytes() + plan.scratchBytes() + plan.tableBytes();
}

namespace {

/// Consecutive panels [low, high).
struct Range {
  Value low, high;
};

struct MatmulEmitter {
  ModuleOp module;
  StringRef name;
  const Plan &plan;
  const Epilogue *epilogue;
  ImplicitLocOpBuilder &b;
  Code &code;
  Value a, bMatrix, c;                    // of the current batch
  Value batch;                            // its number
  Value aPacked, bPacked, scratch, table; // workspace
  ValueRange extra;                       // epilogue operands
  Value k0, kc, firstK, lastK;            // of the current block of k

  void choose(Value condition, function_ref<void()> yes, function_ref<void()> no) {
    scf::IfOp::create(
        b, condition,
        [&](OpBuilder &, Location) {
          yes();
          scf::YieldOp::create(b);
        },
        [&](OpBuilder &, Location) {
          no();
          scf::YieldOp::create(b);
        });
  }

  /// body(rows of the panel): panels come in two heights.
  void byHeight(Value panel, function_ref<void(int64_t)> body) {
    if (plan.rowExtra == 0)
      return body(plan.rowBase);
    choose(
        code.less(panel, code.integer(plan.rowExtra)), [&] { body(plan.rowBase + 1); },
        [&] { body(plan.rowBase); });
  }

  /// body(columns of the panel): the last may be narrower.
  void byWidth(Value panel, function_ref<void(int64_t)> body) {
    if (plan.lastCols == plan.nr())
      return body(plan.nr());
    if (plan.colPanels == 1)
      return body(plan.lastCols);
    choose(
        code.equal(panel, plan.colPanels - 1), [&] { body(plan.lastCols); },
        [&] { body(plan.nr()); });
  }

  Value firstRow(Value panel) {
    return code.add(code.mul(panel, plan.rowBase), code.min(panel, code.integer(plan.rowExtra)));
  }
  Value firstCol(Value panel) { return code.mul(panel, plan.nr()); }

  Value stride(const matmul::Axis &axis) { return code.integer(axis.stride()); }

  void packRows(Value panel, Value to) {
    byHeight(panel, [&](int64_t rows) {
      auto pack = emitPack(module, plan, plan.a, rows, rows, /*alignedStart=*/false);
      func::CallOp::create(
          b, pack,
          ValueRange{a, firstRow(panel), k0, kc, to, stride(plan.a.across), stride(plan.a.along)});
    });
  }

  void packCols(Value panel, Value to) {
    byWidth(panel, [&](int64_t cols) {
      int64_t width = (cols + plan.lanes - 1) / plan.lanes * plan.lanes;
      auto pack = emitPack(module, plan, plan.b, width, cols, /*alignedStart=*/true);
      func::CallOp::create(b, pack,
                           ValueRange{bMatrix, firstCol(panel), k0, kc, to, stride(plan.b.across),
                                      stride(plan.b.along)});
    });
  }

  /// What a micro-kernel fetches ahead: see emitKernel.
  struct Ahead {
    Value base, lane, step, end;
  };

  /// The part number `part` of `parts` of the source of an operand's panel that starts at `first`.
  Ahead sourceOf(const Operand &operand, Value matrix, Value first, int64_t width, Value part,
                 Value parts) {
    Value zero = code.integer(0);
    if (!operand.across.single() || !operand.along.single())
      return {matrix, zero, zero, zero};
    int64_t line = operand.across.stride(), step = operand.along.stride();
    if (line == 1) {
      // Each k is one run of lines: this part takes its share of the k.
      Value share = code.div(code.add(kc, code.sub(parts, 1)), parts);
      Value from =
          code.add(code.mul(first, line), code.mul(code.add(k0, code.mul(part, share)), step));
      return {code.at(matrix, from), code.integer(64), code.integer(step * plan.bytes),
              code.mul(code.sub(share, 1), step * plan.bytes)};
    }
    if (step == 1) {
      // Each line is one run of k: this part takes nv lines.
      Value from = code.min(code.mul(part, plan.nv), code.integer(width - plan.nv));
      from = code.add(code.mul(code.add(first, from), line), k0);
      return {code.at(matrix, from), code.integer(line * plan.bytes), code.integer(64),
              code.mul(kc, plan.bytes)};
    }
    return {matrix, zero, zero, zero};
  }

  void callKernel(Tile tile, Value aPanel, Value bPanel, Value row, Value col, const Ahead &ahead) {
    auto kernel = emitKernel(module, name, plan, tile, epilogue);
    Value to = c, rows;
    if (plan.scratchC) {
      to = scratch;
      rows = code.integer(plan.nr());
    } else {
      to = code.at(to, code.offset(plan.cCols, col));
      if (plan.rowTable) {
        rows = LLVM::GEPOp::create(b, code.pointer, code.i64, table, ArrayRef<LLVM::GEPArg>{row});
      } else {
        to = code.at(to, code.offset(plan.cRows, row));
        rows = code.integer(plan.cRows.stride());
      }
    }
    Value bStride = code.integer(plan.b.along.stride());
    SmallVector<Value> operands{aPanel, bPanel,     bStride,    to,         rows,
                                kc,     ahead.base, ahead.lane, ahead.step, ahead.end};
    if (tile.epilogue) {
      operands.append({batch, row, col});
      operands.append(extra.begin(), extra.end());
    }
    if (plan.scratchC && tile.add)
      moveScratch(tile, row, col, /*out=*/false);
    func::CallOp::create(b, kernel, operands);
    if (plan.scratchC)
      moveScratch(tile, row, col, /*out=*/true);
  }

  /// Between a tile of C of any strides and the scratch tile.
  void moveScratch(Tile tile, Value row, Value col, bool out) {
    code.loop(code.integer(0), code.integer(tile.rows), 1, [&](Value r) {
      Value rowAt = code.at(c, code.offset(plan.cRows, code.add(row, r)));
      code.loop(code.integer(0), code.integer(tile.cols), 1, [&](Value j) {
        Value inC = code.at(rowAt, code.offset(plan.cCols, code.add(col, j)));
        Value inScratch = code.at(scratch, code.add(code.mul(r, plan.nr()), j));
        code.store(code.load(code.element, out ? inScratch : inC), out ? inC : inScratch);
      });
    });
  }

  void tile(Value rowPanel, Value colPanel, Value aPanel, Value bPanel, const Ahead &ahead) {
    Value row = firstRow(rowPanel), col = firstCol(colPanel);
    auto byLast = [&](Tile tile) {
      auto call = [&](bool last) {
        tile.epilogue = epilogue && last;
        callKernel(tile, aPanel, bPanel, row, col, ahead);
      };
      if (plan.kBlocks == 1 || !epilogue)
        return call(true);
      choose(lastK, [&] { call(true); }, [&] { call(false); });
    };
    byHeight(rowPanel, [&](int64_t rows) {
      byWidth(colPanel, [&](int64_t cols) {
        Tile tile{rows, cols, plan.accumulate, false};
        if (plan.kBlocks == 1 || plan.accumulate)
          return byLast(tile);
        choose(
            firstK, [&] { byLast(tile); },
            [&] {
              tile.add = true;
              byLast(tile);
            });
      });
    });
  }

  Value panelAt(Value packed, Value number, int64_t panelBytes) {
    return code.at(packed, code.mul(number, panelBytes / plan.bytes));
  }

  /// Blocks of nearly equal size, at most plan.blockPanels panels each.
  void blocks(Range panels, function_ref<void(Range)> body) {
    Value count = code.sub(panels.high, panels.low);
    Value number = code.div(code.add(count, plan.blockPanels - 1), plan.blockPanels);
    Value size = code.div(code.add(count, code.sub(number, 1)), code.max(number, code.integer(1)));
    code.loop(code.integer(0), number, 1, [&](Value i) {
      Value low = code.add(panels.low, code.mul(i, size));
      body({low, code.min(code.add(low, size), panels.high)});
    });
  }

  void aResident(Range rows, Range cols) {
    blocks(rows, [&](Range block) {
      Value count = code.sub(block.high, block.low);
      auto panel = [&](Value p) {
        return panelAt(aPacked, code.sub(p, block.low), plan.aPanelBytes());
      };
      code.loop(block.low, block.high, 1, [&](Value p) { packRows(p, panel(p)); });
      code.loop(cols.low, cols.high, 1, [&](Value q) {
        Value bPanel = bPacked;
        if (plan.directB)
          bPanel = code.at(bMatrix, code.add(code.offset(plan.b.across, firstCol(q)),
                                             code.offset(plan.b.along, k0)));
        else
          packCols(q, bPacked);
        code.loop(block.low, block.high, 1, [&](Value p) {
          Value next = firstCol(code.min(code.add(q, 1), code.sub(cols.high, 1)));
          tile(p, q, panel(p), bPanel,
               sourceOf(plan.b, bMatrix, next, plan.nr(), code.sub(p, block.low), count));
        });
      });
    });
  }

  void bResident(Range rows, Range cols) {
    blocks(cols, [&](Range block) {
      Value count = code.sub(block.high, block.low);
      auto panel = [&](Value q) {
        return panelAt(bPacked, code.sub(q, block.low), plan.bPanelBytes());
      };
      code.loop(block.low, block.high, 1, [&](Value q) { packCols(q, panel(q)); });
      code.loop(rows.low, rows.high, 1, [&](Value p) {
        packRows(p, aPacked);
        code.loop(block.low, block.high, 1, [&](Value q) {
          Value next = firstRow(code.min(code.add(p, 1), code.sub(rows.high, 1)));
          tile(p, q, aPacked, panel(q),
               sourceOf(plan.a, a, next, plan.rowBase, code.sub(q, block.low), count));
        });
      });
    });
  }

  /// One batch, these panels.
  void multiply(Range rows, Range cols) {
    auto block = [&](Value number) {
      k0 = code.mul(number, plan.kc);
      kc = code.min(code.integer(plan.kc), code.sub(code.integer(plan.k), k0));
      firstK = code.equal(number, 0);
      lastK = code.equal(number, plan.kBlocks - 1);
      if (plan.aResident)
        aResident(rows, cols);
      else
        bResident(rows, cols);
    };
    if (plan.kBlocks == 1)
      block(code.integer(0));
    else
      code.loop(code.integer(0), code.integer(plan.kBlocks), 1, block);
  }
};

} // namespace

func::FuncOp emitMatmul(ModuleOp module, StringRef name, const MatmulSpec &spec,
                        const Target &target) {
  Plan plan = makePlan(spec, target);
  ImplicitLocOpBuilder b(module.getLoc(), module.getContext());
  Code code(b, plan);
  Type p = code.pointer, index = b.getIndexType();
  SmallVector<Type> types{p, p, p, p, index, index};
  if (spec.epilogue)
    types.append(spec.epilogue->operands);
  bool isNew;
  func::FuncOp function = declare(module, name, types, isNew);
  if (!isNew)
    return function;
  b.setInsertionPointToStart(&function.getBody().front());
  auto arguments = function.getArguments();
  Value a = arguments[0], bMatrix = arguments[1], c = arguments[2], workspace = arguments[3];
  auto toI64 = [&](Value v) { return arith::IndexCastOp::create(b, code.i64, v).getResult(); };
  Value thread = toI64(arguments[4]), threads = toI64(arguments[5]);
  // (AB)ᵀ = BᵀAᵀ: the plan says which operand plays which part.
  if (plan.swapped)
    std::swap(a, bMatrix);

  auto workspaceAt = [&](int64_t bytes) { return code.atByte(workspace, code.integer(bytes)); };
  int64_t bOffset = plan.aBytes(), scratchOffset = bOffset + plan.bBytes(),
          tableOffset = scratchOffset + plan.scratchBytes();
  MatmulEmitter emit{module,
                     name,
                     plan,
                     spec.epilogue ? &*spec.epilogue : nullptr,
                     b,
                     code,
                     a,
                     bMatrix,
                     c,
                     code.integer(0),
                     workspace,
                     workspaceAt(bOffset),
                     workspaceAt(scratchOffset),
                     workspaceAt(tableOffset),
                     ValueRange(arguments.drop_front(6)),
                     {},
                     {},
                     {},
                     {}};

  // This thread's share of the panels of all batches.
  int64_t units = plan.splitRows ? plan.rowPanels : plan.colPanels;
  Value total = code.integer(units * plan.batches);
  Value low = code.div(code.mul(thread, total), threads);
  Value high = code.div(code.mul(code.add(thread, 1), total), threads);

  if (plan.rowTable)
    code.loop(code.integer(0), code.integer(plan.m), 1, [&](Value row) {
      Value bytes = code.mul(code.offset(plan.cRows, row), plan.bytes);
      code.store(bytes, LLVM::GEPOp::create(b, code.pointer, code.i64, emit.table,
                                            ArrayRef<LLVM::GEPArg>{row}));
    });

  auto multiply = [&](Value from, Value to) {
    Value zero = code.integer(0);
    if (plan.splitRows)
      emit.multiply({from, to}, {zero, code.integer(plan.colPanels)});
    else
      emit.multiply({zero, code.integer(plan.rowPanels)}, {from, to});
  };
  if (plan.batches == 1) {
    multiply(low, high);
  } else {
    Value end = code.div(code.add(high, units - 1), units);
    code.loop(code.div(low, units), end, 1, [&](Value batch) {
      emit.batch = batch;
      emit.a = code.at(a, code.offset(plan.a.batch, batch));
      emit.bMatrix = code.at(bMatrix, code.offset(plan.b.batch, batch));
      emit.c = code.at(c, code.offset(plan.batch, batch));
      Value before = code.mul(batch, units);
      multiply(code.max(code.sub(low, before), code.integer(0)),
               code.min(code.sub(high, before), code.integer(units)));
    });
  }
  func::ReturnOp::create(b);
  return function;
}

} // namespace frit
