// One object of a fixed size that is committed as a whole, tick by tick.
#pragma once

#include <memory>
#include <vector>

#include "base/error.hpp"
#include "hot/migration.hpp"
#include "hot/redo.hpp"

namespace okg::hot {

struct RegionOptions {
  RegionMode mode = RegionMode::diff;
  std::uint64_t bytes = 0;
  std::uint64_t schema_version = 1, fingerprint = 0;
  std::string fields;
  std::vector<Migration> migrations;
};

// Of one thread at a time.
class Region {
 public:
  // What a killed process had begun is carried out, or taken back, before: recover().
  static base::Result<std::unique_ptr<Region>> open(const Image& image, std::size_t entry);
  // Is its entry as it should be?
  static base::Status check(const Image& image, std::size_t entry);
  static void recover(const Image& image, std::size_t entry);

  // diff: ordinary memory with what was committed last. in_place: the committed bytes themselves.
  std::byte* data() { return live_; }
  std::uint64_t size() const { return bytes_; }
  RegionMode mode() const { return mode_; }

  // in_place: before these bytes are written. Lines that were announced since the last commit cost next to
  // nothing. invalid_argument when they lie outside.
  base::Status touch(std::uint64_t offset, std::uint64_t bytes);
  // What lies in data() is what will be found. With check_touches(): conflict, and nothing committed, where
  // something was written without touch().
  base::Status commit();
  // data() is again what was committed last.
  base::Status roll_back();
  // For debugging, and slow: a copy to compare with.
  base::Status check_touches();

 private:
  Region(const Image& image, const Entry& entry);
  base::Status commit_diff();
  bool is_touched(std::uint64_t line) const { return (touched_[line / 64] >> line % 64 & 1) != 0; }
  template <class Visit>
  void for_each_touched(Visit&& visit) const;  // first byte in the region, bytes; lines may end behind it
  void forget_touches();

  const Image& image_;
  RegionMode mode_;
  std::uint64_t begin_, bytes_;
  Log log_;
  std::byte* live_ = nullptr;
  // diff
  std::unique_ptr<std::byte[]> memory_;
  RedoRecord record_;
  // in_place
  std::uint64_t undo_words_ = 0;        // of the log: they say what was touched
  std::vector<std::uint64_t> touched_;  // a bit a line, to know it quickly
  std::unique_ptr<std::byte[]> shadow_;
};

// Words that a region's log needs, whatever changes.
constexpr std::uint64_t region_log_words(RegionMode mode, std::uint64_t bytes) {
  const std::uint64_t lines = (bytes + kLineBytes - 1) / kLineBytes;
  // diff: runs of changed lines have a line between them. in_place: a head a line.
  return mode == RegionMode::diff ? lines * 8 + lines / 2 + 16 : lines * 9 + 16;
}

// Does a region's entry lead to an image and a log? Of an Image or a Source.
template <class Bytes>
bool is_region(const Bytes& image, const Entry& entry) {
  const auto is_own = [&](std::uint64_t offset, std::uint64_t bytes) {
    return offset % kPageBytes == 0 && image.is_data(offset, bytes);
  };
  return entry.flavor <= 1 && entry.value_bytes != 0 && entry.value_bytes <= entry.data_bytes &&
         is_own(entry.data_offset, entry.data_bytes) && entry.log_words <= kMostBytes / 8 &&
         entry.log_words >= region_log_words(static_cast<RegionMode>(entry.flavor), entry.value_bytes) &&
         is_own(entry.log_offset, entry.log_words * 8);
}

}  // namespace okg::hot
