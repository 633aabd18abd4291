#include "hot/overlay.hpp"

#include <algorithm>
#include <cstring>

#include "hot/format.hpp"

namespace okg::hot {

void Overlay::clear() {
  pieces_.clear();
  words_.clear();
}

void Overlay::add(std::vector<std::uint64_t> words) {
  const std::vector<std::uint64_t>& kept = words_.emplace_back(std::move(words));
  for (std::size_t at = 0; at < kept.size();) {
    const LogHead head = LogHead::from(kept[at]);
    cover(head.offset, head.offset + head.words * 8,
          reinterpret_cast<const std::byte*>(kept.data() + at + 1));
    at += 1 + head.words;
  }
}

void Overlay::cover(std::uint64_t begin, std::uint64_t end, const std::byte* from) {
  auto next = pieces_.lower_bound(begin);
  if (next != pieces_.begin()) {
    const auto before = std::prev(next);
    const Piece old = before->second;
    if (old.end > begin) before->second.end = begin;
    if (old.end > end) pieces_[end] = {old.end, old.from + (end - before->first)};
  }
  for (next = pieces_.lower_bound(begin); next != pieces_.end() && next->first < end;
       next = pieces_.erase(next))
    if (next->second.end > end) pieces_[end] = {next->second.end, next->second.from + (end - next->first)};
  pieces_[begin] = {end, from};
}

void Overlay::put_over(void* bytes, std::uint64_t offset, std::uint64_t size) const {
  auto piece = pieces_.upper_bound(offset);
  if (piece != pieces_.begin() && std::prev(piece)->second.end > offset) --piece;
  for (; piece != pieces_.end() && piece->first < offset + size; ++piece) {
    const std::uint64_t begin = std::max(piece->first, offset);
    const std::uint64_t end = std::min(piece->second.end, offset + size);
    std::memcpy(static_cast<std::byte*>(bytes) + (begin - offset),
                piece->second.from + (begin - piece->first), end - begin);
  }
}

}  // namespace okg::hot
