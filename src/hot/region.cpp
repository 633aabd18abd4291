#include "hot/region.hpp"

#include <algorithm>

namespace okg::hot {

using base::Code;
using base::Error;
using base::Result;
using base::Status;
using faults::is;
using faults::Mutant;

namespace {

constexpr std::uint64_t kBlock = 4096;                         // compared at once
constexpr std::uint64_t kMostLines = LogHead::kMostWords / 8;  // of an entry

std::uint64_t lines_of(std::uint64_t bytes) {
  return (bytes + kLineBytes - 1) / kLineBytes;
}

}  // namespace

Region::Region(const Image& image, const Entry& entry)
    : image_(image),
      mode_(static_cast<RegionMode>(entry.flavor)),
      begin_(entry.data_offset),
      bytes_(entry.value_bytes),
      log_(image, entry),
      record_(image, log_) {}

Status Region::check(const Image& image, std::size_t entry) {
  const Entry& found = image.entry(entry);
  if (!is_region(image, found)) return Error(Code::corrupt, "a region's entry leads to nowhere");
  return Log(image, found).check();
}

void Region::recover(const Image& image, std::size_t entry) {
  Log(image, image.entry(entry)).recover();
}

Result<std::unique_ptr<Region>> Region::open(const Image& image, std::size_t entry) {
  if (auto checked = check(image, entry); !checked) return checked.error();
  std::unique_ptr<Region> region(new Region(image, image.entry(entry)));
  auto* const committed = image.at<std::byte>(region->begin_);
  if (region->mode_ == RegionMode::in_place) {
    region->live_ = committed;
    region->touched_.resize(lines_of(region->bytes_) / 64 + 1);
  } else {
    // Whole lines: the comparison need not stop in one.
    region->memory_ = std::make_unique_for_overwrite<std::byte[]>(lines_of(region->bytes_) * kLineBytes);
    region->live_ = region->memory_.get();
    std::memcpy(region->live_, committed, lines_of(region->bytes_) * kLineBytes);
  }
  return region;
}

Status Region::touch(std::uint64_t offset, std::uint64_t bytes) {
  if (offset > bytes_ || bytes > bytes_ - offset)
    return Error(Code::invalid_argument, "touch of " + std::to_string(bytes) + " bytes at " +
                                             std::to_string(offset) + ": the region has " +
                                             std::to_string(bytes_));
  if (mode_ == RegionMode::diff || bytes == 0) return {};
  const std::uint64_t end = (offset + bytes - 1) / kLineBytes + 1;
  std::uint64_t words = undo_words_;
  for (std::uint64_t line = offset / kLineBytes; line < end;) {
    if (is_touched(line)) {
      ++line;
      continue;
    }
    std::uint64_t next = line + 1;
    while (next < end && next - line < kMostLines && !is_touched(next)) ++next;
    const std::uint64_t at = begin_ + line * kLineBytes, size = (next - line) * kLineBytes;
    const std::uint64_t head = LogHead{at, size / 8}.word();
    if (is(Mutant::undo_count_first)) log_.commit(words + 1 + size / 8);
    ordered::fill(log_.words() + words, &head, 8);
    ordered::fill(log_.words() + words + 1, image_.at<std::byte>(at), size);
    words += 1 + size / 8;
    for (; line < next; ++line) touched_[line / 64] |= 1ULL << line % 64;
  }
  // Before the caller may write.
  if (words != undo_words_ && !is(Mutant::undo_not_counted)) log_.commit(words);
  undo_words_ = words;
  return {};
}

Status Region::check_touches() {
  if (mode_ != RegionMode::in_place) return {};
  shadow_ = std::make_unique_for_overwrite<std::byte[]>(bytes_);
  std::memcpy(shadow_.get(), live_, bytes_);
  return {};
}

Status Region::commit() {
  if (mode_ == RegionMode::diff) return commit_diff();
  if (shadow_ != nullptr) {
    for (std::uint64_t line = 0; line < lines_of(bytes_); ++line) {
      const std::uint64_t at = line * kLineBytes, size = std::min(kLineBytes, bytes_ - at);
      if (!is_touched(line) && std::memcmp(shadow_.get() + at, live_ + at, size) != 0)
        return Error(Code::conflict, "bytes " + std::to_string(at) + " to " + std::to_string(at + size) +
                                         " of the region were written without touch()");
    }
    for_each_touched([&](std::uint64_t at, std::uint64_t size) {
      std::memcpy(shadow_.get() + at, live_ + at, std::min(size, bytes_ - at));
    });
  }
  // The one store that takes nothing back any more.
  if (undo_words_ != 0) log_.retire();
  forget_touches();
  return {};
}

template <class Visit>
void Region::for_each_touched(Visit&& visit) const {
  for (std::uint64_t at = 0; at < undo_words_;) {
    const LogHead head = LogHead::from(ordered::load(log_.words() + at));
    visit(head.offset - begin_, head.words * 8);
    at += 1 + head.words;
  }
}

void Region::forget_touches() {
  for_each_touched([&](std::uint64_t at, std::uint64_t size) {
    for (std::uint64_t line = at / kLineBytes; line < (at + size) / kLineBytes; ++line)
      touched_[line / 64] = 0;
  });
  undo_words_ = 0;
}

Status Region::roll_back() {
  if (mode_ == RegionMode::diff) {
    std::memcpy(live_, image_.at<std::byte>(begin_), lines_of(bytes_) * kLineBytes);
    return {};
  }
  log_.recover();
  forget_touches();
  return {};
}

Status Region::commit_diff() {
  const auto* const committed = image_.at<std::byte>(begin_);
  record_.clear();
  const std::uint64_t lines = lines_of(bytes_);
  const auto differs = [&](std::uint64_t line) {
    return std::memcmp(live_ + line * kLineBytes, committed + line * kLineBytes, kLineBytes) != 0;
  };
  for (std::uint64_t block = 0; block < lines; block += kBlock / kLineBytes) {
    const std::uint64_t end = std::min(lines, block + kBlock / kLineBytes);
    if (std::memcmp(live_ + block * kLineBytes, committed + block * kLineBytes, (end - block) * kLineBytes) ==
        0)
      continue;
    for (std::uint64_t line = block; line < end; ++line) {
      if (!differs(line)) continue;
      std::uint64_t next = line + 1;
      while (next < end && differs(next)) ++next;
      if (!record_.set_range(begin_ + line * kLineBytes,
                             {live_ + line * kLineBytes, (next - line) * kLineBytes}))
        return Error(Code::internal, "a region's log is too small");
      line = next;
    }
  }
  if (is(Mutant::region_without_log)) {
    ordered::fill(image_.at<std::byte>(begin_), live_, lines * kLineBytes);
    return {};
  }
  record_.carry_out({});
  return {};
}

}  // namespace okg::hot
