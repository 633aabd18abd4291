// What the fuzz targets of hot state begin with: a segment with something of each kind in it, and an input's
// patches. Input: patches of "offset (3 bytes), kind and length (1 byte), bytes".
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <string>

#include "hot/crc32c.hpp"
#include "hot/engine.hpp"

namespace okg::fuzz {

inline void demand(bool so) {
  if (!so) std::abort();
}

// Some records of each kind, a split, something erased. Tables "numbers" (0) and "names" (1), a journal
// "outbox" (2), regions "diff" (3) and "place" (4).
inline void fill(hot::Engine& engine) {
  const auto numbers = engine.table("numbers", {});
  hot::TableOptions named;
  named.key_kind = hot::KeyKind::bytes;
  const auto names = engine.table("names", named);
  for (std::uint64_t key = 0; key < 900; ++key)
    demand(engine.put(*numbers, hot::key_of(key), "12345678").has_value());
  for (int i = 0; i < 20; ++i)
    demand(
        engine.put(*names, "name" + std::to_string(i), std::string(static_cast<std::size_t>(i % 3) * 90, 'v'))
            .has_value());
  demand(engine.put(*names, "large", std::string(40'000, 'l')).has_value());
  for (std::uint64_t key = 0; key < 900; key += 3)
    demand(engine.erase(*numbers, hot::key_of(key)).has_value());
  const auto outbox = engine.journal("outbox", {8192, 1, 0});
  for (int i = 0; i < 30; ++i) demand(engine.journal_at(*outbox).append(std::string(100, 'm')).has_value());
  hot::RegionOptions region;
  region.bytes = 5000;
  for (const auto mode : {hot::RegionMode::diff, hot::RegionMode::in_place}) {
    region.mode = mode;
    const auto made = engine.region(mode == hot::RegionMode::diff ? "diff" : "place", region);
    hot::Region& at = engine.region_at(*made);
    demand(at.touch(100, 200).has_value());
    std::memset(at.data() + 100, 'r', 200);
    // One of them is left in the middle of a tick.
    if (mode == hot::RegionMode::diff) demand(at.commit().has_value());
  }
  demand(engine.set_deadline(*numbers, hot::key_of(1), 5).has_value());
}

// Calls `put(offset, bytes, length)` for each patch, within `end`.
template <class Put>
void for_each_patch(const std::uint8_t* data, std::size_t size, std::uint64_t end, Put&& put) {
  while (size >= 4) {
    const std::uint64_t offset =
        (std::uint64_t{data[0]} | std::uint64_t{data[1]} << 8 | std::uint64_t{data[2]} << 16) % end;
    const std::size_t length = std::min<std::size_t>({data[3] % 32U + 1U, size - 4, end - offset});
    // Words lie at multiples of 8.
    put((data[3] & 0x80) != 0 ? offset : offset / 8 * 8, data + 4, length);
    data += 4 + length;
    size -= 4 + length;
  }
}

// The header's checksum is made right again, or nothing behind it would ever be looked at.
inline void mend_header(std::byte* segment) {
  hot::Header header;
  std::memcpy(&header, segment, sizeof header);
  header.crc = hot::crc32c(0, reinterpret_cast<const std::byte*>(&header) + hot::kHeaderCrcBegin,
                           sizeof header - hot::kHeaderCrcBegin);
  std::memcpy(segment, &header, sizeof header);
}

}  // namespace okg::fuzz
