// Who looks at records of a shard where they lie, and what was freed meanwhile: it is free in the file, but
// nobody may have it yet.
#pragma once

#include <cstdint>
#include <unordered_set>
#include <utility>
#include <vector>

#include "hot/pages.hpp"

namespace okg::hot {

// Under the shard's mutex. What is freed waits for the views that are there at the time, and for no later
// ones.
class Views {
 public:
  bool none() const { return now_ == 0 && before_ == 0; }
  // Which generation the view belongs to, for end().
  std::uint64_t begin();
  // True: something can be had again, which take() gives.
  bool end(std::uint64_t generation);

  struct Slot {
    std::uint8_t size_class;
    std::uint64_t offset;
  };
  struct Freed {
    std::vector<Slot> slots;
    std::vector<PageRun> runs;
  };
  // Where what is freed now goes.
  Freed& freed() { return freed_now_; }
  // Slots that are free in the file, but not to be had.
  std::unordered_set<std::uint64_t> held() const;
  // What nobody sees any more.
  Freed take() { return std::exchange(ready_, {}); }

 private:
  std::uint64_t generation_ = 0;
  std::uint64_t now_ = 0, before_ = 0;  // views of this generation, and of the one before
  Freed freed_now_, freed_before_, ready_;
};

}  // namespace okg::hot
