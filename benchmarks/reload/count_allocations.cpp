#include "count_allocations.hpp"

#include <cerrno>
#include <cstddef>

// glibc's own names for what is replaced here.
extern "C" {
void* __libc_malloc(std::size_t size);
void* __libc_calloc(std::size_t count, std::size_t size);
void* __libc_realloc(void* memory, std::size_t size);
void* __libc_memalign(std::size_t alignment, std::size_t size);
}

namespace {

thread_local std::uint64_t counted = 0;

}  // namespace

#define OKG_REPLACES extern "C" __attribute__((visibility("default")))

OKG_REPLACES void* malloc(std::size_t size) {
  ++counted;
  return __libc_malloc(size);
}
OKG_REPLACES void* calloc(std::size_t count, std::size_t size) {
  ++counted;
  return __libc_calloc(count, size);
}
OKG_REPLACES void* realloc(void* memory, std::size_t size) {
  ++counted;
  return __libc_realloc(memory, size);
}
OKG_REPLACES void* memalign(std::size_t alignment, std::size_t size) {
  ++counted;
  return __libc_memalign(alignment, size);
}
OKG_REPLACES void* aligned_alloc(std::size_t alignment, std::size_t size) {
  ++counted;
  return __libc_memalign(alignment, size);
}
OKG_REPLACES int posix_memalign(void** memory, std::size_t alignment, std::size_t size) {
  ++counted;
  *memory = __libc_memalign(alignment, size);
  return *memory == nullptr ? ENOMEM : 0;
}

namespace okg::benchmarks {

std::uint64_t allocations() {
  return counted;
}

}  // namespace okg::benchmarks
