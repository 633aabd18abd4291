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

namespace {

// What is there, whatever it is.
std::optional<std::string> read_entry(Engine& engine, std::size_t entry, Model* found) {
  const Entry& at = engine.image().entry(entry);
  const std::string name = engine.name_of(entry);
  switch (engine.image().kind(entry)) {
    case EntryKind::free:
      return std::nullopt;
    case EntryKind::table: {
      const auto read =
          engine.for_each(entry, [&](std::string_view key, std::string_view value, const auto&) {
            (*found)[{entry, std::string(key)}] = value;
            return true;
          });
      if (!read) return "iterate: " + read.error().text;
      return std::nullopt;
    }
    case EntryKind::journal: {
      const auto opened = engine.journal(name, {});
      if (!opened) return "journal: " + opened.error().text;
      std::string buffer(at.data_bytes, '\0');
      for (Journal::Message message;;) {
        const auto peeked =
            engine.journal_at(entry).peek(message.sequence, buffer.data(), buffer.size(), &message);
        if (!peeked && peeked.error().code == base::Code::not_found) return std::nullopt;
        if (!peeked) return "peek: " + peeked.error().text;
        (*found)[{entry, std::to_string(message.sequence)}] = buffer.substr(0, message.bytes);
      }
    }
    case EntryKind::region: {
      RegionOptions options;
      options.mode = static_cast<RegionMode>(at.flavor);
      options.bytes = at.value_bytes;
      const auto opened = engine.region(name, options);
      if (!opened) return "region: " + opened.error().text;
      Region& region = engine.region_at(entry);
      (*found)[{entry, ""}] = {reinterpret_cast<const char*>(region.data()), region.size()};
      return std::nullopt;
    }
  }
  return "entry " + std::to_string(entry) + " is of no kind";
}

}  // namespace

std::optional<std::string> open_and_read(const Bytes& image, Model* found) {
  const auto header = check_header(image.get(), image.size());
  if (!header) return "header: " + header.error().text;
  const auto engine = Engine::open(image.get(), *header);
  if (!engine) return "open: " + engine.error().text;
  const auto usage = (*engine)->verify();
  if (!usage) return "verify: " + usage.error().text;
  for (std::size_t t = 0; t < kMostTables; ++t) {
    if (auto wrong = read_entry(**engine, t, found)) return wrong;
  }
  return std::nullopt;
}

std::optional<std::string> open_and_compare(const Bytes& image, const Model& before, const Model& after,
                                            bool* is_after) {
  Model found;
  if (auto wrong = open_and_read(image, &found)) return wrong;
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
    : header_(*lay_out(bytes, shards, 512, {1, 2, 3}, 0x1234567)),
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
