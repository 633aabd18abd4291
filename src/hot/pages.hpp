// Runs of pages, and who has them. The page map in the file says it; what is free is remembered here, found
// again after an open by looking through the map bit by bit.
#pragma once

#include <array>
#include <functional>
#include <map>
#include <mutex>
#include <vector>

#include "base/error.hpp"
#include "hot/by_class.hpp"
#include "hot/image.hpp"
#include "hot/redo.hpp"

namespace okg::hot {

struct PageRun {
  std::uint64_t page;
  std::uint32_t count;
};

// All functions: under the mutex, which an operation that takes or frees pages holds until its record is
// retired.
class Pages {
 public:
  explicit Pages(const Image& image);

  std::mutex mutex;

  // Makes room in the file from the first offset to the second; none: the file does not grow.
  using Grow = std::function<base::Status(std::uint64_t from, std::uint64_t to)>;
  void set_grow(Grow grow) { grow_ = std::move(grow); }

  // A run of `count` pages as `what` (whose count is set here), in the record. no_space, without a trace,
  // when there is none.
  base::Result<std::uint64_t> take(std::uint32_t count, PageWord what, RedoRecord& record);
  // Gives runs taken since the last settle() back: the record was given up.
  void give_up() noexcept;
  // The record was carried out.
  void settle() noexcept;
  // Into the record: the run is free, once it was carried out. It is not taken before it was offered.
  void free(PageRun run, RedoRecord& record);
  void offer(PageRun run) noexcept;

  // Frees a run that nothing leads to: one store, which needs no record.
  void give_back(PageRun run) noexcept;

  // Gives the memory of one free run back to the system, where that is wanted. False when there is none.
  using Punch = std::function<bool(std::uint64_t from, std::uint64_t to)>;
  bool punch(const Punch& punch);

  // Looks at up to `runs` more runs of what was there at the open. False once all were looked at.
  bool scan(std::size_t runs);
  bool is_scanned() const { return scanned_ >= scan_end_; }
  // Are there so many pages that were never used?
  bool has_unused(std::uint32_t count) const { return end_ + count <= image_.bytes() / kPageBytes; }
  // Slabs of a shard and class that scan() found: their slots may be free.
  std::vector<std::uint64_t>& found(std::size_t shard, unsigned size_class) {
    return found_[shard][size_class];
  }

 private:
  struct Run {
    std::uint64_t count;
    bool is_backed;  // its memory was not given back
  };
  using Free = std::map<std::uint64_t, Run>;  // by first page
  struct Taken {
    std::uint64_t page;
    Free::node_type run;         // of which it was taken; empty: of the unused ones
    std::uint64_t backed_bytes;  // allocated again for it
  };
  static std::uint64_t free_word(const Run& run);
  Free::iterator best_fit(std::uint32_t count);
  void add_free(std::uint64_t page, Run run);
  // So that `count` pages more than used ones are there.
  base::Status grow(std::uint64_t count);

  const Image& image_;
  Grow grow_;
  Free free_;
  std::vector<Taken> taken_;
  std::uint64_t end_;  // pages from here on were never used
  std::uint64_t scanned_, scan_end_;
  std::vector<ByClass> found_;
};

}  // namespace okg::hot
