// A segment that somebody hostile changed: sound bytes with patches in them. Whatever is done with it ends in
// an error or an answer; nothing outside of it is touched.
#include <array>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include "hot/engine.hpp"
#include "hot/layout.hpp"
#include "hot_sample.hpp"

namespace {

using okg::fuzz::demand;
using okg::hot::Engine;
using okg::hot::Header;

constexpr std::uint64_t kBytes = 2 << 20;

struct Memory {
  std::byte* data = static_cast<std::byte*>(std::aligned_alloc(okg::hot::kPageBytes, kBytes));
};

const std::vector<std::byte>& sound() {
  static const std::vector<std::byte> bytes = [] {
    Memory memory;
    std::memset(memory.data, 0, kBytes);
    const auto header = okg::hot::lay_out(kBytes, 2, 512, {1}, 5);
    okg::hot::format(memory.data, *header, kBytes);
    const auto engine = Engine::open(memory.data, *header);
    okg::fuzz::fill(**engine);
    std::vector<std::byte> copy(memory.data, memory.data + kBytes);
    std::free(memory.data);
    return copy;
  }();
  return bytes;
}

void use_journal(Engine& engine) {
  const auto entry = engine.journal("outbox", {8192, 1, 0});
  if (!entry) return;
  okg::hot::Journal& journal = engine.journal_at(*entry);
  std::array<char, 200> buffer;
  okg::hot::Journal::Message message;
  for (int i = 0; i < 40 && journal.peek(message.sequence, buffer.data(), buffer.size(), &message); ++i)
    if (i % 10 == 9) (void)journal.acknowledge(message.sequence);
  (void)journal.append("one more");
}

void use_regions(Engine& engine) {
  okg::hot::RegionOptions options;
  options.bytes = 5000;
  for (const auto mode : {okg::hot::RegionMode::diff, okg::hot::RegionMode::in_place}) {
    options.mode = mode;
    const auto entry = engine.region(mode == okg::hot::RegionMode::diff ? "diff" : "place", options);
    if (!entry) continue;
    okg::hot::Region& region = engine.region_at(*entry);
    if (!region.touch(4000, 1000)) continue;
    std::memset(region.data() + 4000, 'x', 1000);
    (void)region.commit();
    (void)region.roll_back();
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static Memory memory;
  std::memcpy(memory.data, sound().data(), kBytes);
  okg::fuzz::for_each_patch(data, size, kBytes,
                            [](std::uint64_t at, const std::uint8_t* bytes, std::size_t length) {
                              std::memcpy(memory.data + at, bytes, length);
                            });
  okg::fuzz::mend_header(memory.data);
  const auto checked = okg::hot::check_header(memory.data, sizeof(Header));
  // What Segment::find() looks at before it hands the memory on.
  if (!checked || checked->max_bytes > kBytes) return 0;
  const std::uint64_t allocated = okg::hot::Image(memory.data, *checked).bytes();
  if (allocated < checked->data_offset || allocated > checked->max_bytes ||
      allocated % okg::hot::kPageBytes != 0)
    return 0;

  const auto opened = Engine::open(memory.data, *checked);
  if (!opened) return 0;
  Engine& engine = **opened;
  const bool is_sound = engine.verify().has_value();
  okg::hot::TableOptions named;
  named.key_kind = okg::hot::KeyKind::bytes;
  const auto numbers = engine.table("numbers", {}), names = engine.table("names", named);
  std::array<char, 4096> buffer;
  Engine::Value got;
  for (const bool are_numbers : {true, false}) {
    const auto& table = are_numbers ? numbers : names;
    if (!table) continue;
    (void)engine.for_each(*table, [](std::string_view, std::string_view, const auto&) { return true; });
    for (std::uint64_t key = 0; key < 40; ++key) {
      const std::string name = "name" + std::to_string(key);
      const std::string_view wanted = are_numbers ? okg::hot::key_of(key) : std::string_view(name);
      (void)engine.get(*table, wanted, buffer.data(), buffer.size(), &got);
      Engine::View view;
      if (engine.view(*table, wanted, &view) == okg::hot::Got::found) engine.end_view(view);
      if (key % 7 == 0) (void)engine.set_deadline(*table, wanted, static_cast<std::int64_t>(key));
      if (key % 2 == 0) (void)engine.put(*table, wanted, std::string_view(buffer.data(), key * 10));
      if (key % 5 == 0) (void)engine.erase(*table, wanted);
    }
  }
  use_journal(engine);
  use_regions(engine);
  if (numbers && names) {
    const std::uint64_t key = 3;
    using okg::hot::Change;
    const std::array<Change, 2> both = {
        Change{Change::Kind::put, *numbers, okg::hot::key_of(key), "together"},
        Change{Change::Kind::put, *names, "name1", "together"}};
    (void)engine.commit(both);
  }
  engine.set_clock([] { return 1000; });
  for (int i = 0; i < 300 && engine.work(); ++i) {
  }
  // What was sound stays so.
  if (is_sound) demand(engine.verify().has_value());
  return 0;
}
