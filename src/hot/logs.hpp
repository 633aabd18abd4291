// The logs of a segment, and what an operation gathers for one of them.
#pragma once

#include <atomic>
#include <memory>
#include <vector>

#include "hot/pages.hpp"
#include "hot/redo.hpp"

namespace okg::hot {

struct Shard;

// Kept with the log, so that an operation allocates nothing.
struct Gathered {
  struct NewSlab {
    Shard* shard;
    std::uint64_t offset;
    std::uint8_t size_class;
    std::uint32_t used;  // slots that the operation took
  };
  struct Slot {
    Shard* shard;
    std::uint8_t size_class;
    std::uint64_t offset;
  };
  struct Run {
    Shard* shard;
    PageRun run;
  };

  Gathered(const Image& image, Log& log) : redo(image, log) {}
  void clear();

  RedoRecord redo;
  std::vector<NewSlab> new_slabs;
  std::vector<Slot> taken, freed;
  std::vector<Run> freed_runs;
};

// There are as many as shards, but a thread keeps to one of them whichever shard it changes: the lines of a
// log are in its processor's cache, and would have to come from another's.
class Logs {
  struct alignas(kLineBytes) One {
    One(const Image& image, std::size_t index) : log(image, index), gathered(image, log) {}
    std::atomic<bool> is_taken{false};
    Log log;
    Gathered gathered;
  };

 public:
  explicit Logs(const Image& image);

  // A log that is ours, with nothing gathered for it, for as long as this lives. For who holds a shard's
  // mutex: then the others have fewer than there are.
  class Taken {
   public:
    explicit Taken(Logs& logs) : one_(logs.take()) { one_.gathered.clear(); }
    ~Taken() { one_.is_taken.store(false, std::memory_order_release); }
    Taken(const Taken&) = delete;
    Taken& operator=(const Taken&) = delete;
    Gathered& gathered() const { return one_.gathered; }

   private:
    One& one_;
  };

 private:
  One& take() noexcept;

  std::vector<std::unique_ptr<One>> logs_;
};

}  // namespace okg::hot
