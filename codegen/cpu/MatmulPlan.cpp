#include "codegen/cpu/MatmulPlan.h"
#include <algorithm>
#include <cassert>

namespace frit::matmul {

static int64_t ceilDiv(int64_t x, int64_t y) { return (x + y - 1) / y; }
static int64_t roundUp(int64_t x, int64_t to) { return ceilDiv(x, to) * to; }

//===----------------------------------------------------------------------===//
// Axes
//===----------------------------------------------------------------------===//

Axis::Axis(llvm::ArrayRef<Dim> given) {
  for (Dim dim : given) {
    if (dim.size == 1)
      continue;
    if (!dims.empty() && dims.back().stride == dim.size * dim.stride)
      dims.back() = {dims.back().size * dim.size, dim.stride};
    else
      dims.push_back(dim);
  }
}

int64_t Axis::size() const {
  int64_t product = 1;
  for (Dim dim : dims)
    product *= dim.size;
  return product;
}

bool Axis::contiguous(int64_t lanes) const {
  if (dims.empty())
    return true;
  return dims.back().stride == 1 && (dims.size() == 1 || dims.back().size % lanes == 0);
}

std::string Axis::name() const {
  std::string text;
  for (Dim dim : dims)
    text += (text.empty() ? "" : "_") + std::to_string(dim.size) + "s" + std::to_string(dim.stride);
  return text.empty() ? "1" : text;
}

//===----------------------------------------------------------------------===//
// Blocking
//===----------------------------------------------------------------------===//

/// The register tile: as many accumulators as leave room for nv vectors of B and one of A.
static void chooseTile(Plan &plan, const Target &target) {
  int free = target.registers - (target.fma ? 1 : 2);
  plan.nv = 2;
  // Few rows: wider tiles, so that enough independent sums are in flight.
  while (plan.nv < 8 && plan.m * (plan.nv * 2) + plan.nv * 2 <= free)
    plan.nv *= 2;
  plan.nv = std::min<int64_t>(plan.nv, ceilDiv(plan.n, plan.lanes));
  plan.mr = (free - plan.nv) / plan.nv;
  plan.mr = std::min(plan.mr, target.registers == 32 ? 14 : 6);
}

Plan makePlan(const MatmulSpec &spec, const Target &target) {
  Plan plan;
  plan.element = spec.element;
  plan.bytes = plan.element.getWidth() / 8;
  plan.lanes = target.lanes(plan.element.getWidth());
  plan.accumulate = spec.accumulate;
  plan.a = {Axis(spec.a.rows), Axis(spec.a.cols), Axis(spec.a.batch)};
  plan.b = {Axis(spec.b.cols), Axis(spec.b.rows), Axis(spec.b.batch)};
  plan.cRows = Axis(spec.c.rows);
  plan.cCols = Axis(spec.c.cols);
  plan.batch = Axis(spec.c.batch);
  assert(plan.a.across.size() == plan.cRows.size() && plan.b.across.size() == plan.cCols.size() &&
         plan.a.along.size() == plan.b.along.size() && "matmul sizes disagree");
  assert(plan.a.batch.size() == plan.batch.size() && plan.b.batch.size() == plan.batch.size() &&
         "matmul batches disagree");

  // Vectors run along columns of C. Where rows are the contiguous direction (or the only one),
  // compute the transpose: (AB)ᵀ = BᵀAᵀ.
  bool rowsBetter = plan.cRows.contiguous(plan.lanes * 2) &&
                    (!plan.cCols.contiguous(plan.lanes * 2) || plan.cCols.size() == 1);
  plan.swapped = rowsBetter && !spec.epilogue;
  if (plan.swapped) {
    std::swap(plan.a, plan.b);
    std::swap(plan.cRows, plan.cCols);
  }
  plan.m = plan.cRows.size();
  plan.n = plan.cCols.size();
  plan.k = plan.a.along.size();
  plan.batches = plan.batch.size();

  chooseTile(plan, target);
  // Panels of nearly equal height: 256 rows are 9 panels of 14 and 10 of 13, not 18 and a stump.
  plan.rowPanels = ceilDiv(plan.m, plan.mr);
  plan.rowBase = plan.m / plan.rowPanels;
  plan.rowExtra = plan.m % plan.rowPanels;
  plan.colPanels = ceilDiv(plan.n, plan.nr());
  plan.lastCols = plan.n - (plan.colPanels - 1) * plan.nr();

  // Where the sum over k is cut decides bits: it may depend on the level, never on measured caches.
  int64_t kcMax = (target.registers == 32 ? 768 : 384) * 4 / plan.bytes;
  plan.kBlocks = ceilDiv(plan.k, kcMax);
  plan.kc = std::min(plan.k, roundUp(ceilDiv(plan.k, plan.kBlocks), 16));
  plan.kBlocks = ceilDiv(plan.k, plan.kc);

  plan.scratchC = !plan.cCols.contiguous(plan.nr());
  plan.rowTable = !plan.scratchC && !plan.cRows.single();
  // Packing B pays when it is used often enough, or when reading it in place would miss the cache.
  bool smallB = plan.k * plan.n * plan.bytes <= target.l1 / 2 && plan.rowPanels <= 8;
  plan.directB = (plan.rowPanels == 1 || smallB) && plan.b.across.contiguous(plan.nr()) &&
                 plan.b.along.single();

  // The resident operand takes about half of the second-level cache. The other is packed again for
  // each of its blocks, so make resident what needs fewer of them. With B resident, tiles of C are
  // visited along rows, which is kinder to its pages: that counts when k is short and C is large.
  int64_t budget = target.l2 * 55 / 100;
  int64_t aPanels = std::max<int64_t>(1, budget / plan.aPanelBytes());
  int64_t bPanels = std::max<int64_t>(1, budget / plan.bPanelBytes());
  int64_t packedWithA = plan.m + plan.n * ceilDiv(plan.rowPanels, aPanels);
  int64_t packedWithB = plan.n + plan.m * ceilDiv(plan.colPanels, bPanels);
  bool shortK = plan.k <= 384;
  plan.aResident = plan.directB || packedWithA * (shortK ? 3 : 2) <= packedWithB * 2;
  plan.blockPanels =
      plan.aResident ? std::min(aPanels, plan.rowPanels) : std::min(bPanels, plan.colPanels);
  // Every thread packs its own share of the split operand and all of the other one.
  plan.splitRows = plan.m > plan.n;
  return plan;
}

//===----------------------------------------------------------------------===//
// Workspace
//===----------------------------------------------------------------------===//

int64_t Plan::aPanelBytes() const { return roundUp(mrMax() * kc * bytes, 64); }
int64_t Plan::bPanelBytes() const { return nr() * kc * bytes; }
// The last store of a packed panel may run over its end by less than a vector.
int64_t Plan::aBytes() const { return aPanelBytes() * (aResident ? blockPanels : 1) + 64; }
int64_t Plan::bBytes() const {
  return directB ? 0 : bPanelBytes() * (aResident ? 1 : blockPanels) + 64;
}
int64_t Plan::scratchBytes() const { return scratchC ? roundUp(mrMax() * nr() * bytes, 64) : 0; }
int64_t Plan::tableBytes() const { return rowTable ? roundUp(m * 8, 64) : 0; }

} // namespace frit::matmul
