// Matmuls of many shapes, strides and batches against a plain f64 loop; the same bits for one, two
// and five threads; nothing touched outside the matrices.
#include "codegen/cpu/Matmul.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/Verifier.h"
#include "test/codegen/Compiled.h"
#include <cmath>
#include <cstring>
#include <random>
#include <sys/mman.h>
#include <unistd.h>

using namespace mlir;
using namespace frit;
using namespace frit::test;

namespace {

/// Memory that ends at a page nobody may touch.
class Guarded {
public:
  explicit Guarded(size_t bytes) : bytes(bytes) {
    size_t page = sysconf(_SC_PAGESIZE);
    size = (bytes + page - 1) / page * page + 2 * page;
    base = static_cast<char *>(
        mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    REQUIRE(base != MAP_FAILED);
    mprotect(base, page, PROT_NONE);
    mprotect(base + size - page, page, PROT_NONE);
    begin = base + size - page - bytes;
  }
  ~Guarded() { munmap(base, size); }
  Guarded(const Guarded &) = delete;
  template <typename T> T *as() { return reinterpret_cast<T *>(begin); }
  size_t bytes;

private:
  char *base, *begin;
  size_t size;
};

int64_t sizeOf(ArrayRef<Dim> dims) {
  int64_t size = 1;
  for (Dim dim : dims)
    size *= dim.size;
  return size;
}

int64_t offsetOf(ArrayRef<Dim> dims, int64_t i) {
  int64_t offset = 0;
  for (size_t d = dims.size(); d-- > 0; i /= dims[d].size)
    offset += i % dims[d].size * dims[d].stride;
  return offset;
}

int64_t extent(const Matrix &m) {
  int64_t last = 0;
  for (ArrayRef<Dim> dims : {ArrayRef(m.batch), ArrayRef(m.rows), ArrayRef(m.cols)})
    for (Dim dim : dims)
      last += (dim.size - 1) * dim.stride;
  return last + 1;
}

template <typename T>
using Kernel = void(T *, T *, T *, void *, int64_t thread, int64_t threads, T *bias);

/// Emits, runs and checks one spec.
template <typename T> void check(const Target &target, MatmulSpec spec, bool withEpilogue = false) {
  MLIRContext &ctx = context();
  OpBuilder builder(&ctx);
  spec.element = sizeof(T) == 4 ? FloatType(builder.getF32Type()) : FloatType(builder.getF64Type());
  if (withEpilogue) {
    // c = (a·b + bias[col])²
    Epilogue epilogue;
    epilogue.operands = {LLVM::LLVMPointerType::get(&ctx)};
    epilogue.emit = [&](ImplicitLocOpBuilder &b, const EpilogueTile &tile) -> Value {
      Value col = arith::IndexCastOp::create(b, b.getI64Type(), tile.col);
      Value from = LLVM::GEPOp::create(b, tile.operands[0].getType(), spec.element,
                                       tile.operands[0], ArrayRef<LLVM::GEPArg>{col});
      Type type = tile.vector.getType();
      Value bias;
      if (tile.mask) {
        Value zero = arith::ConstantOp::create(b, b.getZeroAttr(type));
        bias = LLVM::MaskedLoadOp::create(b, type, from, tile.mask, zero, sizeof(T));
      } else {
        bias = LLVM::LoadOp::create(b, type, from, sizeof(T));
      }
      Value sum = arith::AddFOp::create(b, tile.vector, bias);
      return arith::MulFOp::create(b, sum, sum);
    };
    spec.epilogue = epilogue;
  }
  OwningOpRef<ModuleOp> module = ModuleOp::create(builder.getUnknownLoc());
  func::FuncOp function = emitMatmul(*module, "kernel", spec, target);
  function.setPublic();
  REQUIRE(succeeded(verify(*module)));
  Compiled compiled(*module, target);
  auto kernel = compiled.get<Kernel<T>>("kernel");

  int64_t m = sizeOf(spec.c.rows), n = sizeOf(spec.c.cols), k = sizeOf(spec.a.cols),
          batches = sizeOf(spec.c.batch);
  Guarded a(extent(spec.a) * sizeof(T)), b(extent(spec.b) * sizeof(T)), bias(n * sizeof(T)),
      workspace((matmulWorkspaceBytes(spec, target) + 63) / 64 * 64);
  std::mt19937 random(1);
  std::uniform_real_distribution<double> uniform(-1, 1);
  for (Guarded *g : {&a, &b, &bias})
    for (size_t i = 0; i < g->bytes / sizeof(T); ++i)
      g->as<T>()[i] = uniform(random);
  std::vector<T> before(extent(spec.c)), first;
  for (T &value : before)
    value = uniform(random);
  for (int threads : {1, 2, 5}) {
    Guarded c(before.size() * sizeof(T));
    memcpy(c.as<T>(), before.data(), c.bytes);
    for (int thread = 0; thread < threads; ++thread) {
      memset(workspace.as<char>(), 0xff, workspace.bytes); // NaN
      kernel(a.as<T>(), b.as<T>(), c.as<T>(), workspace.as<void>(), thread, threads, bias.as<T>());
    }
    std::vector<T> result(c.as<T>(), c.as<T>() + before.size());
    if (threads > 1) {
      REQUIRE(memcmp(result.data(), first.data(), c.bytes) == 0);
      continue;
    }
    first = result;
    std::vector<bool> written(before.size());
    double worst = 0;
    for (int64_t batch = 0; batch < batches; ++batch)
      for (int64_t row = 0; row < m; ++row)
        for (int64_t col = 0; col < n; ++col) {
          const T *ar = a.as<T>() + offsetOf(spec.a.batch, batch) + offsetOf(spec.a.rows, row);
          const T *bc = b.as<T>() + offsetOf(spec.b.batch, batch) + offsetOf(spec.b.cols, col);
          double sum = 0;
          for (int64_t i = 0; i < k; ++i)
            sum += double(ar[offsetOf(spec.a.cols, i)]) * bc[offsetOf(spec.b.rows, i)];
          int64_t at = offsetOf(spec.c.batch, batch) + offsetOf(spec.c.rows, row) +
                       offsetOf(spec.c.cols, col);
          if (spec.accumulate)
            sum += before[at];
          if (withEpilogue)
            sum = (sum + bias.as<T>()[col]) * (sum + bias.as<T>()[col]);
          written[at] = true;
          worst = std::max(worst, std::abs(result[at] - sum) / (std::sqrt(k) + std::abs(sum)));
          if (!(std::abs(result[at] - sum) < 1e30))
            FAIL("not finite at " << row << ", " << col);
        }
    REQUIRE(worst < (sizeof(T) == 4 ? 2e-6 : 4e-15) * (withEpilogue ? 4 : 1)); // squares
    for (size_t i = 0; i < before.size(); ++i)
      if (!written[i] && result[i] != before[i])
        FAIL("wrote outside C at " << i);
  }
}

MatmulSpec plain(int64_t m, int64_t n, int64_t k) {
  return {
      {{}, {{m, k}}, {{k, 1}}}, {{}, {{k, n}}, {{n, 1}}}, {{}, {{m, n}}, {{n, 1}}}, {}, false, {}};
}

} // namespace

TEST_CASE("matmul: sizes around the tile, every level") {
  for (const Target &target : runnableTargets()) {
    CAPTURE(target.isa);
    struct {
      int64_t m, n, k;
    } sizes[] = {{1, 1, 1},    {1, 33, 7},   {33, 1, 40},  {5, 17, 3},   {14, 32, 16},
                 {15, 31, 64}, {29, 65, 21}, {64, 64, 64}, {3, 200, 50}, {100, 70, 1}};
    for (auto [m, n, k] : sizes) {
      CAPTURE(m, n, k);
      check<float>(target, plain(m, n, k));
    }
    check<double>(target, plain(29, 35, 43));
    check<double>(target, plain(1, 100, 5));
  }
}

TEST_CASE("matmul: blocks of k, of rows and of columns") {
  Target target = Target::host();
  target.l2 = 64 << 10; // small blocks
  for (auto [m, n, k] : {std::array<int64_t, 3>{60, 70, 1601}, {300, 40, 800}, {40, 300, 800}}) {
    CAPTURE(m, n, k);
    MatmulSpec spec = plain(m, n, k);
    check<float>(target, spec);
    check<float>(target, spec, /*withEpilogue=*/true);
    spec.accumulate = true;
    check<float>(target, spec);
    check<double>(target, spec);
  }
}

TEST_CASE("matmul: transposed operands") {
  Target target = Target::host();
  for (auto [m, n, k] :
       {std::array<int64_t, 3>{45, 50, 70}, {30, 33, 48}, {1, 90, 64}, {90, 1, 64}}) {
    CAPTURE(m, n, k);
    MatmulSpec spec = plain(m, n, k);
    spec.a = {{}, {{m, 1}}, {{k, m}}};
    check<float>(target, spec);
    spec.b = {{}, {{k, 1}}, {{n, k}}};
    check<float>(target, spec);
    check<double>(target, spec);
    spec.a = plain(m, n, k).a;
    check<float>(target, spec);
    spec.c = {{}, {{m, 1}}, {{n, m}}}; // C transposed as well
    check<float>(target, spec);
    spec.accumulate = true;
    check<float>(target, spec);
  }
}

TEST_CASE("matmul: strides that nothing fits") {
  Target target = Target::host();
  MatmulSpec spec{{{}, {{20, 3}}, {{37, 61}}},
                  {{}, {{37, 2}}, {{35, 75}}},
                  {{}, {{20, 2}}, {{35, 41}}},
                  {},
                  false,
                  {}};
  check<float>(target, spec);
  spec.accumulate = true;
  check<float>(target, spec);
  check<double>(target, spec);
  SECTION("an operand repeated along a dimension of stride zero") {
    spec.a.rows = {{20, 0}};
    check<float>(target, spec);
    MatmulSpec broadcast = plain(20, 40, 30);
    broadcast.b.rows = {{30, 0}};
    check<float>(target, broadcast);
  }
}

TEST_CASE("matmul: attention, heads in the middle") {
  Target target = Target::host();
  for (int64_t t : {9, 64}) {
    int64_t B = 2, H = 3, D = 16;
    SmallVector<Dim> heads{{B, t * H * D}, {H, D}};
    // scores = q·kᵀ
    MatmulSpec scores{{heads, {{t, H * D}}, {{D, 1}}},
                      {heads, {{D, 1}}, {{t, H * D}}},
                      {{{B, H * t * t}, {H, t * t}}, {{t, t}}, {{t, 1}}},
                      {},
                      false,
                      {}};
    check<float>(target, scores);
    // out = scores·v
    MatmulSpec out{
        scores.c, {heads, {{t, H * D}}, {{D, 1}}}, {heads, {{t, H * D}}, {{D, 1}}}, {}, false, {}};
    check<float>(target, out);
    check<float>(target, out, /*withEpilogue=*/true);
    // dk = scoresᵀ·q
    MatmulSpec dk{{scores.c.batch, {{t, 1}}, {{t, t}}}, scores.a, scores.a, {}, true, {}};
    check<float>(target, dk);
  }
}

TEST_CASE("matmul: axes of several dimensions") {
  Target target = Target::host();
  int64_t B = 3, T = 10, H = 2, D = 32, W = 48;
  // out[b,t,w] = sum over h, d of x[b,h,t,d] w[h,d,w]
  MatmulSpec spec{{{}, {{B, H * T * D}, {T, D}}, {{H, T * D}, {D, 1}}},
                  {{}, {{H, D * W}, {D, W}}, {{W, 1}}},
                  {{}, {{B, T * W}, {T, W}}, {{W, 1}}},
                  {},
                  false,
                  {}};
  check<float>(target, spec);
  // x[b,h,t,d] = sum over w of out[b,t,w] w[h,d,w]
  MatmulSpec back{
      spec.c, {{}, {{W, 1}}, {{H, D * W}, {D, W}}}, {{}, spec.a.rows, spec.a.cols}, {}, false, {}};
  check<float>(target, back);
  back.accumulate = true;
  check<float>(target, back);
  check<double>(target, back);
  // dw[h,d,w] = sum over b, t
  MatmulSpec weights{{{}, spec.a.cols, spec.a.rows},
                     {{}, spec.c.rows, spec.c.cols},
                     {{}, spec.b.rows, spec.b.cols},
                     {},
                     true,
                     {}};
  check<float>(target, weights);
  // a head size that no vector fits
  D = 5;
  MatmulSpec odd{{{}, {{B, H * T * D}, {T, D}}, {{H, T * D}, {D, 1}}},
                 {{}, {{H, D * W}, {D, W}}, {{W, 1}}},
                 {{}, {{B, T * W}, {T, W}}, {{W, 1}}},
                 {},
                 false,
                 {}};
  check<float>(target, odd);
  MatmulSpec oddBack{
      odd.c, {{}, {{W, 1}}, {{H, D * W}, {D, W}}}, {{}, odd.a.rows, odd.a.cols}, {}, true, {}};
  check<float>(target, oddBack);
}

TEST_CASE("matmul: epilogue sees rows, columns and tails") {
  for (const Target &target : runnableTargets()) {
    CAPTURE(target.isa);
    check<float>(target, plain(17, 37, 20), /*withEpilogue=*/true);
    check<float>(target, plain(1, 70, 20), /*withEpilogue=*/true);
  }
}

TEST_CASE("matmul: one micro-kernel and one packing serve every matmul of the module") {
  MLIRContext &ctx = context();
  OpBuilder builder(&ctx);
  OwningOpRef<ModuleOp> module = ModuleOp::create(builder.getUnknownLoc());
  MatmulSpec spec = plain(28, 640, 320);
  spec.element = builder.getF32Type();
  Target target = *Target::named("avx512");
  emitMatmul(*module, "one", spec, target);
  auto count = [&] { return std::distance(module->getBody()->begin(), module->getBody()->end()); };
  auto before = count();
  REQUIRE(before == 4); // matmul, two packings, one kernel
  spec = plain(28, 960, 480);
  spec.element = builder.getF32Type();
  emitMatmul(*module, "two", spec, target);
  REQUIRE(count() == before + 1);
  emitMatmul(*module, "two", spec, target);
  REQUIRE(count() == before + 1);
}
