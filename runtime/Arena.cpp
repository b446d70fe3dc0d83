#include "runtime/Arena.h"
#include "runtime/Error.h"
#include <cerrno>
#include <cstring>
#include <sys/mman.h>
#include <unistd.h>
#include <vector>

using namespace frit;

static constexpr size_t hugePage = size_t(2) << 20;

Arena::Arena(int64_t bytes) : bytes(bytes) {
  size_t page = size_t(sysconf(_SC_PAGESIZE));
  mapped = (size_t(bytes) + page - 1) / page * page;
  if (mapped == 0)
    mapped = page;
  // Address space for the alignment and the guard page; what is not needed goes back.
  size_t reserved = mapped + hugePage + page;
  void *found =
      mmap(nullptr, reserved, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (found == MAP_FAILED)
    fail("the program needs {} bytes of memory: {}", bytes, std::strerror(errno));
  uint8_t *begin = static_cast<uint8_t *>(found);
  base = reinterpret_cast<uint8_t *>((reinterpret_cast<uintptr_t>(begin) + hugePage - 1) /
                                     hugePage * hugePage);
  if (base != begin)
    munmap(begin, size_t(base - begin));
  uint8_t *end = base + mapped + page;
  if (end != begin + reserved)
    munmap(end, size_t(begin + reserved - end));
  if (mprotect(base, mapped, PROT_READ | PROT_WRITE) != 0) {
    int error = errno;
    munmap(base, mapped + page);
    fail("the program needs {} bytes of memory: {}", bytes, std::strerror(error));
  }
  madvise(base, mapped, MADV_HUGEPAGE); // a wish, not a need
}

Arena::~Arena() { munmap(base, mapped + size_t(sysconf(_SC_PAGESIZE))); }

int64_t Arena::resident() const {
  size_t page = size_t(sysconf(_SC_PAGESIZE));
  std::vector<unsigned char> present(mapped / page);
  if (mincore(base, mapped, present.data()) != 0)
    return 0;
  int64_t pages = 0;
  for (unsigned char flag : present)
    pages += flag & 1;
  return pages * int64_t(page);
}
