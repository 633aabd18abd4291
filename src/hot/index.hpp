// From a key to its record: an extendible hash of which each step is one committed record.
#pragma once

#include <string_view>

#include "hot/hash.hpp"
#include "hot/operation.hpp"
#include "hot/record.hpp"

namespace okg::hot {

inline std::uint64_t cell_for(std::uint32_t tag, std::uint64_t offset) {
  return std::uint64_t{tag} << (64 - kTagBits) | offset / kSlotUnit;
}
inline std::uint64_t record_offset(std::uint64_t cell) {
  return (cell & kCellOffsetMask) * kSlotUnit;
}

// The index of one table in one shard.
class Index {
 public:
  Index(const Image& image, std::size_t table, std::uint8_t shard);

  struct Found {
    std::uint64_t cell_offset = 0;  // 0: not there
    std::uint64_t cell = 0;
    RecordView view{};
  };
  // For a writer, under the shard's mutex, and for a reader that validates what it found by the shard's
  // sequence. corrupt when a word leads to nowhere.
  base::Result<Found> find(Hashed hashed, std::string_view key) const;
  // The same without a text of what is wrong.
  enum class Search { found, missing, no_directory, no_leaf, no_record };
  Search search(Hashed hashed, std::string_view key, Found* found) const;

  // The offset of a cell for a key that is not there, empty also once `redo` was carried out; 0: there is
  // none before grow().
  base::Result<std::uint64_t> room(Hashed hashed, const RedoRecord& redo, std::uint8_t shard) const;
  // One step towards room for that key, an operation of its own: the first leaf, a larger directory, or a
  // leaf made two.
  base::Status grow(Hashed hashed, Pages& pages, Shard& shard) const;

  // The leaf that `tag` belongs to, and the end of the tags that belong to it with it. offset 0: there is no
  // record in this index.
  struct Range {
    std::uint64_t offset = 0;
    std::uint32_t end = 1U << kTagBits;
  };
  base::Result<Range> leaf_at(std::uint32_t tag) const;

 private:
  struct Leaf {
    std::uint64_t directory_word = 0;  // offset of the word that leads to it; 0: no directory yet
    Rooted root{}, leaf{};
  };
  // found, also where there is no directory yet; else what is wrong.
  Search locate(std::uint32_t tag, Leaf* leaf) const;
  base::Result<Leaf> leaf_of(std::uint32_t tag) const;
  base::Status begin(Pages& pages, Shard& shard) const;
  base::Status double_directory(const Rooted& root, Pages& pages, Shard& shard) const;
  base::Status split(const Leaf& leaf, std::uint32_t tag, Pages& pages, Shard& shard) const;
  base::Error damaged(const char* what) const;
  base::Error damaged(Search what) const;
  bool is_directory(const Rooted& root) const {
    return root.depth <= kMostDepth && root.offset % kPageBytes == 0 &&
           image_.is_data(root.offset, 8ULL << root.depth);
  }
  unsigned candidates(std::uint64_t line, std::uint32_t tag,
                      std::array<std::uint64_t, kCellsPerLine>* cells) const;
  static bool has_key(const RecordView& view, std::string_view key);
  // What a writer changes is what the page map says it is.
  base::Status check_own(const Leaf& leaf, std::uint8_t shard) const;

  const Image& image_;
  std::size_t table_;
  std::uint64_t root_;
};

}  // namespace okg::hot
