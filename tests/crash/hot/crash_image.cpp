#include "crash/hot/crash_image.hpp"

#include "hot/layout.hpp"

#include <sys/mman.h>

#include <new>
#include <stdexcept>

namespace okg::hot::test {

Bytes::Bytes(std::size_t size, Kind kind) : size_(size) {
  void* const memory = ::mmap(nullptr, size, PROT_READ | PROT_WRITE,
                              MAP_ANONYMOUS | (kind == Kind::shared ? MAP_SHARED : MAP_PRIVATE), -1, 0);
  if (memory == MAP_FAILED) throw std::bad_alloc();
  data_ = static_cast<std::byte*>(memory);
}
Bytes::~Bytes() {
  ::munmap(data_, size_);
}

std::optional<std::string> open_and_compare(const Bytes& image, const Model& before, const Model& after,
                                            bool* is_after) {
  const auto header = check_header(image.get(), image.size());
  if (!header) return "header: " + header.error().text;
  const auto engine = Engine::open(image.get(), *header);
  if (!engine) return "open: " + engine.error().text;
  const auto usage = (*engine)->verify();
  if (!usage) return "verify: " + usage.error().text;
  Model found;
  for (std::size_t t = 0; t < kMostTables; ++t) {
    if ((*engine)->name_of(t).empty()) continue;
    const auto read = (*engine)->for_each(t, [&](std::string_view key, std::string_view value) {
      found[{t, std::string(key)}] = value;
      return true;
    });
    if (!read) return "iterate: " + read.error().text;
  }
  if (found == after) {
    *is_after = true;
    return std::nullopt;
  }
  if (found == before) {
    *is_after = false;
    return std::nullopt;
  }
  return "holds " + std::to_string(found.size()) + " records, neither the " + std::to_string(before.size()) +
         " from before nor the " + std::to_string(after.size()) + " from after";
}

Harness::Harness(std::uint64_t bytes, std::uint64_t shards, Bytes::Kind kind)
    : header_(*lay_out(bytes, shards, 256, {1, 2, 3}, 0x1234567)),
      memory_(bytes, kind),
      image_(bytes),
      scratch_(bytes) {
  format(memory_.get(), header_, bytes);
  reopen();
}

void Harness::reopen() {
  auto opened = Engine::open(memory_.get(), header_);
  if (!opened) throw std::runtime_error(opened.error().text);
  engine_ = *std::move(opened);
}

}  // namespace okg::hot::test
