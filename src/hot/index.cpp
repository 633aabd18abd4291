#include "hot/index.hpp"

#include <array>

namespace okg::hot {

using base::Error;
using base::Result;
using base::Status;
using faults::is;
using faults::Mutant;

namespace {

constexpr std::uint64_t kLeafCells = kLeafLines * kCellsPerLine;

std::uint32_t directory_pages(unsigned depth) {
  return static_cast<std::uint32_t>(((8ULL << depth) + kPageBytes - 1) / kPageBytes);
}

}  // namespace

Error Index::damaged(const char* what) const {
  return {base::Code::corrupt, "index at " + std::to_string(root_) + ": " + what};
}

Error Index::damaged(Search what) const {
  return damaged(what == Search::no_directory ? "its root leads to no directory"
                 : what == Search::no_leaf    ? "a directory word leads to no leaf"
                                              : "a cell leads to no record");
}

Result<Index::Range> Index::leaf_at(std::uint32_t tag) const {
  Range range;
  const auto leaf = leaf_of(tag);
  if (!leaf) return leaf.error();
  if (leaf->directory_word == 0) return range;
  range.offset = leaf->leaf.offset;
  const std::uint32_t tags = 1U << (kTagBits - leaf->leaf.depth);
  range.end = (tag & ~(tags - 1)) + tags;
  return range;
}

Result<Index::Leaf> Index::leaf_of(std::uint32_t tag) const {
  Leaf found;
  if (const Search located = locate(image_.data(), tag, &found); located != Search::found)
    return damaged(located);
  return found;
}

Result<Index::Found> Index::find(Hashed hashed, std::string_view key) const {
  Found found;
  const Search searched = search(hashed, key, &found);
  if (searched == Search::found || searched == Search::missing) return found;
  return damaged(searched);
}

Status Index::check_own(const Leaf& leaf, std::uint8_t shard) const {
  const auto of = [&](std::uint64_t offset) {
    return PageWord::from(image_.load(image_.page_word_offset(offset / kPageBytes)));
  };
  const PageWord page = of(leaf.leaf.offset), directory = of(leaf.root.offset);
  if (page.kind != PageKind::leaf || page.shard != shard)
    return damaged("a directory word leads to no leaf of its own");
  if (directory.kind != PageKind::directory || directory.shard != shard ||
      directory.count != directory_pages(leaf.root.depth))
    return damaged("its root leads to no directory of its own");
  return {};
}

Result<std::uint64_t> Index::room(Hashed hashed, const RedoRecord& redo, std::uint8_t shard) const {
  const auto leaf = leaf_of(hashed.tag());
  if (!leaf) return leaf.error();
  if (leaf->directory_word == 0) return 0;
  if (auto checked = check_own(*leaf, shard); !checked) return checked.error();
  for (std::size_t i = 0; i < kWindowLines * kCellsPerLine; ++i) {
    const std::uint64_t offset =
        line_offset(*leaf, hashed.line() + i / kCellsPerLine) + i % kCellsPerLine * 8;
    if (image_.load(offset) == 0 && redo.get(offset) == 0) return offset;
  }
  return 0;
}

Status Index::grow(Hashed hashed, Pages& pages, Shard& shard) const {
  const auto leaf = leaf_of(hashed.tag());
  if (!leaf) return leaf.error();
  if (leaf->directory_word == 0) return begin(pages, shard);
  if (auto checked = check_own(*leaf, shard.number); !checked) return checked;
  if (leaf->leaf.depth == kMostDepth) return Error(base::Code::no_space, "too many keys with the same hash");
  if (leaf->leaf.depth == leaf->root.depth) return double_directory(leaf->root, pages, shard);
  return split(*leaf, hashed.tag(), pages, shard);
}

// The first directory, of one word, and the first leaf.
Status Index::begin(Pages& pages, Shard& shard) const {
  Operation operation(image_, pages, shard);
  const auto directory = operation.take_pages(shard, 1, PageKind::directory);
  if (!directory) return directory.error();
  const auto leaf = operation.take_pages(shard, 1, PageKind::leaf);
  if (!leaf) return leaf.error();
  const std::uint64_t word = Rooted{0, *leaf}.word();
  const bool late = is(Mutant::double_before_fill);
  if (!late) {
    ordered::fill(image_.word(*directory), &word, 8);
    ordered::zero(image_.word(*leaf), kPageBytes);
  }
  operation.redo().set(root_, Rooted{0, *directory}.word(), Mutant::directory_outside);
  auto done = operation.commit();
  if (late) {
    ordered::fill(image_.word(*directory), &word, 8);
    ordered::zero(image_.word(*leaf), kPageBytes);
  }
  return done;
}

Status Index::double_directory(const Rooted& root, Pages& pages, Shard& shard) const {
  Operation operation(image_, pages, shard);
  const auto made = operation.take_pages(shard, directory_pages(root.depth + 1), PageKind::directory);
  if (!made) return made.error();
  const auto fill = [&] {
    for (std::uint64_t i = 0; i < 1ULL << root.depth; ++i) {
      const std::uint64_t word = image_.load(root.offset + i * 8);
      const std::array<std::uint64_t, 2> twice = {word, word};
      ordered::fill(image_.word(*made + i * 16), twice.data(), 16);
    }
  };
  const bool late = is(Mutant::double_before_fill);
  if (!late) fill();
  operation.redo().set(root_, Rooted{root.depth + 1, *made}.word(), Mutant::directory_outside);
  operation.free_pages(shard, {root.offset / kPageBytes, directory_pages(root.depth)});
  auto done = operation.commit();
  if (late) fill();
  return done;
}

Status Index::split(const Leaf& leaf, std::uint32_t tag, Pages& pages, Shard& shard) const {
  const unsigned depth = leaf.leaf.depth + 1;
  // Which half a cell belongs to is the next bit of its tag; it keeps its place in the leaf.
  const unsigned bit = kTagBits - depth;
  std::array<std::array<std::uint64_t, kLeafCells>, 2> halves{};
  for (std::size_t i = 0; i < kLeafCells; ++i) {
    const std::uint64_t cell = image_.load(leaf.leaf.offset + i * 8);
    if (cell != 0) halves[cell >> (64 - kTagBits) >> bit & 1][i] = cell;
  }
  Operation operation(image_, pages, shard);
  std::array<std::uint64_t, 2> made{};
  for (std::uint64_t& offset : made) {
    const auto page = operation.take_pages(shard, 1, PageKind::leaf);
    if (!page) return page.error();
    offset = *page;
  }
  const auto fill = [&] {
    for (std::size_t half = 0; half < 2; ++half)
      ordered::fill(image_.word(made[half]), halves[half].data(), kPageBytes);
  };
  const bool late = is(Mutant::publish_empty_leaf);
  if (!late) fill();
  const std::uint64_t words = 1ULL << (leaf.root.depth - leaf.leaf.depth);
  const std::uint64_t first = (std::uint64_t{tag} >> (kTagBits - leaf.root.depth)) & ~(words - 1);
  // Before they are gathered: a damaged directory may ask for millions.
  if (words * 2 + 32 > image_.header().log_words)
    return Error(base::Code::no_space, "the directory is too deep for the log");
  for (std::uint64_t i = 0; i < words; ++i)
    operation.redo().set(leaf.root.offset + (first + i) * 8, Rooted{depth, made[i / (words / 2)]}.word(),
                         Mutant::directory_outside);
  if (is(Mutant::free_leaf_first))
    ordered::store(image_.page_word(leaf.leaf.offset / kPageBytes), PageWord{PageKind::free, 0, 0, 1}.word());
  operation.free_pages(shard, {leaf.leaf.offset / kPageBytes, 1});
  auto done = operation.commit();
  if (late) fill();
  return done;
}

}  // namespace okg::hot
