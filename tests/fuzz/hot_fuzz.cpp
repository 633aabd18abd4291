// A segment that somebody hostile changed: sound bytes with patches in them. Whatever is done with it ends in
// an error or an answer; nothing outside of it is touched.
//
// Input: patches of "offset (3 bytes), kind and length (1 byte), bytes". The header's checksum is made right
// again, or nothing behind it would ever be looked at.
#include <array>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include "hot/crc32c.hpp"
#include "hot/engine.hpp"
#include "hot/layout.hpp"

namespace {

using okg::hot::Engine;
using okg::hot::Header;

constexpr std::uint64_t kBytes = 2 << 20;

void demand(bool so) {
  if (!so) std::abort();
}

struct Memory {
  std::byte* data = static_cast<std::byte*>(std::aligned_alloc(okg::hot::kPageBytes, kBytes));
};

// Some records of each kind, a split, something erased.
const std::vector<std::byte>& sound() {
  static const std::vector<std::byte> bytes = [] {
    Memory memory;
    std::memset(memory.data, 0, kBytes);
    const auto header = okg::hot::lay_out(kBytes, 2, 512, {1}, 5);
    okg::hot::format(memory.data, *header, kBytes);
    const auto engine = Engine::open(memory.data, *header);
    const auto numbers = (*engine)->table("numbers", {});
    okg::hot::TableOptions named;
    named.key_kind = okg::hot::KeyKind::bytes;
    const auto names = (*engine)->table("names", named);
    for (std::uint64_t key = 0; key < 900; ++key)
      demand((*engine)->put(*numbers, okg::hot::key_of(key), "12345678").has_value());
    for (int i = 0; i < 20; ++i)
      demand((*engine)
                 ->put(*names, "name" + std::to_string(i),
                       std::string(static_cast<std::size_t>(i % 3) * 90, 'v'))
                 .has_value());
    demand((*engine)->put(*names, "large", std::string(40'000, 'l')).has_value());
    for (std::uint64_t key = 0; key < 900; key += 3)
      demand((*engine)->erase(*numbers, okg::hot::key_of(key)).has_value());
    const auto outbox = (*engine)->journal("outbox", {8192, 1, 0});
    for (int i = 0; i < 30; ++i)
      demand((*engine)->journal_at(*outbox).append(std::string(100, 'm')).has_value());
    okg::hot::RegionOptions region;
    region.bytes = 5000;
    for (const auto mode : {okg::hot::RegionMode::diff, okg::hot::RegionMode::in_place}) {
      region.mode = mode;
      const auto made = (*engine)->region(mode == okg::hot::RegionMode::diff ? "diff" : "place", region);
      okg::hot::Region& at = (*engine)->region_at(*made);
      demand(at.touch(100, 200).has_value());
      std::memset(at.data() + 100, 'r', 200);
      // One of them is left in the middle of a tick.
      if (mode == okg::hot::RegionMode::diff) demand(at.commit().has_value());
    }
    demand((*engine)->set_deadline(*numbers, okg::hot::key_of(1), 5).has_value());
    std::vector<std::byte> copy(memory.data, memory.data + kBytes);
    std::free(memory.data);
    return copy;
  }();
  return bytes;
}

void patch(std::byte* bytes, const std::uint8_t* data, std::size_t size) {
  while (size >= 4) {
    const std::uint64_t offset =
        (std::uint64_t{data[0]} | std::uint64_t{data[1]} << 8 | std::uint64_t{data[2]} << 16) % kBytes;
    const std::size_t length = std::min<std::size_t>({data[3] % 32U + 1U, size - 4, kBytes - offset});
    // Words lie at multiples of 8.
    const std::uint64_t at = (data[3] & 0x80) != 0 ? offset : offset / 8 * 8;
    std::memcpy(bytes + at, data + 4, length);
    data += 4 + length;
    size -= 4 + length;
  }
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
  patch(memory.data, data, size);
  Header header;
  std::memcpy(&header, memory.data, sizeof header);
  header.crc = okg::hot::crc32c(0, reinterpret_cast<const std::byte*>(&header) + okg::hot::kHeaderCrcBegin,
                                sizeof header - okg::hot::kHeaderCrcBegin);
  const auto checked = okg::hot::check_header(&header, sizeof header);
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
