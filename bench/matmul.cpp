// Our matmul against OpenBLAS, packing included, on the shapes of a GPT-2 124M step (batch 4,
// context 64): forward y = x·wᵀ, dx = dy·w, dw = dyᵀ·x, weights stored [out, in].
//
//   bench_matmul [threads] [repetitions] [filter]
//
// The two are measured in turn (A B A B ...) in one process; the ratio is the median over the
// pairs, so that a disturbed machine disturbs both. Above 1 we are faster. Results are compared
// too.
#include "codegen/cpu/Matmul.h"
#include "codegen/Link.h"
#include "codegen/Object.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "llvm/Support/FileSystem.h"
#include <algorithm>
#include <atomic>
#include <cblas.h>
#include <chrono>
#include <cmath>
#include <dlfcn.h>
#include <fstream>
#include <random>
#include <sched.h>
#include <thread>
#include <vector>

extern "C" void openblas_set_num_threads(int);

using namespace mlir;
using namespace frit;

namespace {

struct Shape {
  std::string name;
  int64_t m, n, k;
  bool aTransposed, bTransposed;
  int64_t batch = 1;
};

using Kernel = void(float *, float *, float *, void *, int64_t, int64_t);

double now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

/// Keeps the calling thread on one processor: two spinning threads on the same one would measure
/// the scheduler.
void pin(int processor) {
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(processor, &set);
  sched_setaffinity(0, sizeof(set), &set);
}

/// Threads that spin for work, as the runtime's do within a step, but only between `wake` and
/// `rest`: the peer's threads want the cores as well.
class Pool {
public:
  explicit Pool(int threads) : threads(threads) {
    for (int i = 1; i < threads; ++i)
      workers.emplace_back([this, i] {
        pin(i);
        for (int seen = 0;;) {
          awake.wait(false);
          int current = round.load(std::memory_order_acquire);
          if (current == seen)
            continue;
          seen = current;
          if (!work)
            return;
          work(i);
          done.fetch_add(1, std::memory_order_release);
        }
      });
  }
  ~Pool() {
    work = nullptr;
    ++round;
    wake();
    for (std::thread &worker : workers)
      worker.join();
  }
  void wake() {
    awake = true;
    awake.notify_all();
  }
  void rest() { awake = false; }
  void run(std::function<void(int)> f) {
    work = std::move(f);
    done = 0;
    ++round;
    work(0);
    while (done.load(std::memory_order_acquire) != threads - 1)
      ;
  }

private:
  int threads;
  std::vector<std::thread> workers;
  std::function<void(int)> work;
  std::atomic<int> round{0}, done{0};
  std::atomic<bool> awake{false};
};

/// Seconds of one call, in a turn of several: the first, which wakes threads, does not count.
double turn(int calls, const std::function<void()> &f) {
  f();
  double start = now();
  for (int i = 0; i < calls; ++i)
    f();
  return (now() - start) / calls;
}

float *allocate(size_t count) {
  void *p = aligned_alloc(64, (count * sizeof(float) + 63) / 64 * 64);
  return static_cast<float *>(p);
}

void fail(const std::string &text) {
  fprintf(stderr, "bench_matmul: %s\n", text.c_str());
  exit(1);
}

} // namespace

int main(int argc, char **argv) {
  int threads = argc > 1 ? atoi(argv[1]) : 1, repetitions = argc > 2 ? atoi(argv[2]) : 21;
  std::string filter = argc > 3 ? argv[3] : "";
  std::vector<Shape> shapes;
  struct {
    int64_t in, out;
  } layers[] = {{768, 2304}, {768, 768}, {768, 3072}, {3072, 768}, {768, 50257}};
  for (auto [in, out] : layers) {
    std::string tail = " 256x" + std::to_string(in) + "x" + std::to_string(out);
    shapes.push_back({"y " + tail, 256, out, in, false, true});
    shapes.push_back({"dx" + tail, 256, in, out, false, false});
    shapes.push_back({"dw" + tail, out, in, 256, true, false});
  }
  // Attention, 12 heads of width 64: scores, weighted values, and the gradient of keys.
  for (int64_t t : {64, 256}) {
    std::string tail = " 48x" + std::to_string(t) + "x64";
    shapes.push_back({"qk" + tail, t, t, 64, false, true, 48});
    shapes.push_back({"pv" + tail, t, 64, t, false, false, 48});
    shapes.push_back({"dk" + tail, t, 64, t, true, false, 48});
  }
  // Recurrent layers: few rows; a single row.
  for (int64_t m : {1, 4, 32, 64}) {
    std::string tail = " " + std::to_string(m) + "x512x2048";
    shapes.push_back({"y " + tail, m, 2048, 512, false, true});
    shapes.push_back({"dx" + tail, m, 512, 2048, false, false});
  }
  std::erase_if(shapes, [&](const Shape &s) { return s.name.find(filter) == std::string::npos; });

  // Compile all kernels as one module.
  DialectRegistry registry;
  registerCodegenDialects(registry);
  MLIRContext context(registry, MLIRContext::Threading::DISABLED);
  context.loadAllAvailableDialects();
  OpBuilder builder(&context);
  OwningOpRef<ModuleOp> module = ModuleOp::create(builder.getUnknownLoc());
  Target target = Target::host();
  if (const char *isa = getenv("FRIT_ISA")) {
    Target level = Target::named(isa).value_or(target);
    level.l1 = target.l1;
    level.l2 = target.l2;
    target = level;
  }
  std::vector<int64_t> workspaceBytes;
  for (size_t i = 0; i < shapes.size(); ++i) {
    auto [name, m, n, k, at, bt, batch] = shapes[i];
    MatmulSpec spec;
    spec.a = {{{batch, m * k}}, {{m, at ? 1 : k}}, {{k, at ? m : 1}}};
    spec.b = {{{batch, k * n}}, {{k, bt ? 1 : n}}, {{n, bt ? k : 1}}};
    spec.c = {{{batch, m * n}}, {{m, n}}, {{n, 1}}};
    spec.element = builder.getF32Type();
    emitMatmul(*module, "kernel" + std::to_string(i), spec, target).setPublic();
    workspaceBytes.push_back(matmulWorkspaceBytes(spec, target));
  }
  double start = now();
  auto object = compileModule(*module, target);
  if (!object)
    fail(toString(object.takeError()));
  double compiled = now();
  llvm::SmallString<128> objectPath, libraryPath;
  llvm::sys::fs::createTemporaryFile("bench", "o", objectPath);
  llvm::sys::fs::createTemporaryFile("bench", "so", libraryPath);
  std::ofstream(objectPath.c_str(), std::ios::binary) << *object;
  if (auto error = linkShared({std::string(objectPath)}, libraryPath))
    fail(toString(std::move(error)));
  printf("%s, %zu kernels compiled in %.2f s (%zu bytes), linked in %.2f s\n", target.isa.c_str(),
         shapes.size(), compiled - start, object->size(), now() - compiled);
  void *library = dlopen(libraryPath.c_str(), RTLD_NOW);
  if (!library)
    fail(dlerror());
  llvm::sys::fs::remove(objectPath);
  llvm::sys::fs::remove(libraryPath);

  openblas_set_num_threads(threads);
  Pool pool(threads);
  pin(0);
  printf("%-22s %8s %8s   %s\n", "threads ", "ours", "openblas", "median ratio (best of each)");
  double product = 1, worst = 1e9;
  for (size_t i = 0; i < shapes.size(); ++i) {
    auto [name, m, n, k, at, bt, batch] = shapes[i];
    float *a = allocate(batch * m * k), *b = allocate(batch * k * n),
          *ours = allocate(batch * m * n), *theirs = allocate(batch * m * n);
    std::mt19937 random(i);
    std::uniform_real_distribution<float> uniform(-1, 1);
    for (int64_t j = 0; j < batch * m * k; ++j)
      a[j] = uniform(random);
    for (int64_t j = 0; j < batch * k * n; ++j)
      b[j] = uniform(random);
    std::fill_n(ours, batch * m * n, NAN);
    std::vector<float *> workspaces;
    for (int t = 0; t < threads; ++t)
      workspaces.push_back(allocate(workspaceBytes[i] / sizeof(float)));
    auto kernel =
        reinterpret_cast<Kernel *>(dlsym(library, ("kernel" + std::to_string(i)).c_str()));
    std::vector<double> ratios;
    double bestOurs = 1e9, bestTheirs = 1e9;
    // A turn takes about 10 ms.
    int calls = std::max<int64_t>(1, 1'500'000'000ll * threads / (2 * m * n * k * batch));
    for (int r = 0; r < repetitions; ++r) {
      if (threads > 1) // the peer's threads spin for a while before they sleep
        std::this_thread::sleep_for(std::chrono::milliseconds(40));
      pool.wake();
      double mine = turn(calls, [&, a = a, b = b] {
        pool.run([&](int t) { kernel(a, b, ours, workspaces[t], t, threads); });
      });
      pool.rest();
      double other = turn(calls, [&, m = m, n = n, k = k, at = at, bt = bt, batch = batch] {
        for (int64_t i = 0; i < batch; ++i)
          cblas_sgemm(CblasRowMajor, at ? CblasTrans : CblasNoTrans, bt ? CblasTrans : CblasNoTrans,
                      m, n, k, 1, a + i * m * k, at ? m : k, b + i * k * n, bt ? k : n, 0,
                      theirs + i * m * n, n);
      });
      ratios.push_back(other / mine);
      bestOurs = std::min(bestOurs, mine);
      bestTheirs = std::min(bestTheirs, other);
    }
    for (int64_t j = 0; j < batch * m * n; ++j)
      if (!(std::abs(ours[j] - theirs[j]) < 1e-4 * std::sqrt(k)))
        fail(name + ": results differ");
    std::sort(ratios.begin(), ratios.end());
    double flops = 2.0 * m * n * k * batch, median = ratios[ratios.size() / 2];
    printf("%-22s %6.1f   %6.1f    %.3f (%.3f)\n", name.c_str(), flops / bestOurs * 1e-9,
           flops / bestTheirs * 1e-9, median, bestTheirs / bestOurs);
    fflush(stdout);
    product *= median;
    worst = std::min(worst, median);
    for (float *p : {a, b, ours, theirs})
      free(p);
    for (float *p : workspaces)
      free(p);
  }
  printf("geometric mean %.3f, worst %.3f\n", std::pow(product, 1.0 / shapes.size()), worst);
}
