// From a key to its record: an extendible hash of which each step is one committed record.
#pragma once

#include <string_view>

#include "hot/cells.hpp"
#include "hot/hash.hpp"
#include "hot/operation.hpp"
#include "hot/record.hpp"

namespace okg::hot {

// The index of one table in one shard.
class Index {
 public:
  Index(const Image& image, std::size_t table, std::uint8_t shard)
      : image_(image), table_(table), root_(image.offset_of(&image.entry(table).shards[shard].directory)) {}

  struct Found {
    std::uint64_t cell_offset = 0;  // 0: not there, and nothing else says anything
    std::uint64_t cell;
    RecordView view;
  };
  // For a writer, under the shard's mutex, and for a reader that validates what it found by the shard's
  // sequence. corrupt when a word leads to nowhere.
  base::Result<Found> find(Hashed hashed, std::string_view key) const;
  // The same without a text of what is wrong. What every get and put waits for, and where an instruction less
  // counts: with few enough of them the processor has the next search's memory on its way, too.
  enum class Search { found, missing, no_directory, no_leaf, no_record };
  // The key as text, or as a number.
  template <class Key>
  Search search(Hashed hashed, Key key, Found* found) const;

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
  template <class Key>
  Search search_line(const Image::Data& data, std::uint64_t line, std::uint32_t tag, Key key,
                     Found* found) const;
  template <class Key>
  Search search_further(const Image::Data& data, const Leaf& leaf, Hashed hashed, Key key,
                        Found* found) const;
  // found, also where there is no directory yet; else what is wrong.
  Search locate(const Image::Data& data, std::uint32_t tag, Leaf* leaf) const;
  base::Result<Leaf> leaf_of(std::uint32_t tag) const;
  base::Status begin(Pages& pages, Shard& shard) const;
  base::Status double_directory(const Rooted& root, Pages& pages, Shard& shard) const;
  base::Status split(const Leaf& leaf, std::uint32_t tag, Pages& pages, Shard& shard) const;
  base::Error damaged(const char* what) const;
  base::Error damaged(Search what) const;
  static std::uint64_t line_offset(const Leaf& leaf, std::size_t line) {
    return leaf.leaf.offset + line % kLeafLines * kLineBytes;
  }
  static bool has_key(const RecordView& view, std::uint64_t key) {
    std::uint64_t theirs = 0;
    if (view.header.key_bytes != sizeof theirs) return false;  // there may be nothing behind the header
    ordered::copy_out(&theirs, view.key, sizeof theirs);
    return theirs == key;
  }
  static bool has_key(const RecordView& view, std::string_view key) {
    if (view.header.key_bytes != key.size()) return false;
    std::array<char, kMostKeyBytes> theirs;
    ordered::copy_out(theirs.data(), view.key, key.size());
    return std::memcmp(theirs.data(), key.data(), key.size()) == 0;
  }
  // What a writer changes is what the page map says it is.
  base::Status check_own(const Leaf& leaf, std::uint8_t shard) const;

  const Image& image_;
  std::size_t table_;
  std::uint64_t root_;
};

inline Index::Search Index::locate(const Image::Data& data, std::uint32_t tag, Leaf* leaf) const {
  const std::uint64_t word = image_.load(root_);
  if (word == 0) return Search::found;
  leaf->root = Rooted::from(word);
  if (leaf->root.depth > kMostDepth || leaf->root.offset % kPageBytes != 0 ||
      !data.has(leaf->root.offset, 8ULL << leaf->root.depth))
    return Search::no_directory;
  leaf->directory_word = leaf->root.offset + (std::uint64_t{tag} >> (kTagBits - leaf->root.depth)) * 8;
  leaf->leaf = Rooted::from(image_.load(leaf->directory_word));
  if (leaf->leaf.depth > leaf->root.depth || !data.has_page(leaf->leaf.offset)) return Search::no_leaf;
  return Search::found;
}

template <class Key>
[[gnu::always_inline]] inline Index::Search Index::search(Hashed hashed, Key key, Found* found) const {
  const Image::Data data = image_.data();
  Leaf at;
  if (const Search located = locate(data, hashed.tag(), &at); located != Search::found) return located;
  if (at.directory_word == 0) return Search::missing;
  const Search searched = search_line(data, line_offset(at, hashed.line()), hashed.tag(), key, found);
  if (searched != Search::missing) return searched;
  return search_further(data, at, hashed, key, found);
}

// Of ten records one is not in its own line.
template <class Key>
[[gnu::noinline]] Index::Search Index::search_further(const Image::Data& data, const Leaf& leaf,
                                                      Hashed hashed, Key key, Found* found) const {
  for (std::size_t i = 1; i < kWindowLines; ++i) {
    const Search searched = search_line(data, line_offset(leaf, hashed.line() + i), hashed.tag(), key, found);
    if (searched != Search::missing) return searched;
  }
  return Search::missing;
}

template <class Key>
[[gnu::always_inline]] inline Index::Search Index::search_line(const Image::Data& data, std::uint64_t line,
                                                               std::uint32_t tag, Key key,
                                                               Found* found) const {
  for (unsigned bits = cells_with(tag, image_.word(line)); bits != 0; bits &= bits - 1) {
    const std::uint64_t cell_offset = line + static_cast<unsigned>(__builtin_ctz(bits)) * 8UL;
    const std::uint64_t cell = image_.load(cell_offset);
    if (cell == 0) continue;
    const std::uint64_t offset = record_offset(cell);
    image_.prefetch(offset + kLineBytes);
    if (!view_record(image_, data, offset, &found->view) || found->view.table() != table_)
      return Search::no_record;
    if (!has_key(found->view, key)) continue;
    found->cell_offset = cell_offset;
    found->cell = cell;
    return Search::found;
  }
  return Search::missing;
}

}  // namespace okg::hot
