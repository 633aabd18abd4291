// What a kill left of a segment: opened as a new process would, and compared with what has to be there.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "hot/engine.hpp"

namespace okg::hot::test {

// What is in each table (by key), journal (by sequence) and region (one value), which are named by their
// number.
using Model = std::map<std::pair<std::size_t, std::string>, std::string>;

// Page-aligned bytes, zero at first; shared with children where they are to be.
class Bytes {
 public:
  enum class Kind { own, shared };
  explicit Bytes(std::size_t size, Kind kind = Kind::own);
  ~Bytes();
  Bytes(const Bytes&) = delete;
  Bytes& operator=(const Bytes&) = delete;
  std::byte* get() const { return data_; }
  std::size_t size() const { return size_; }

 private:
  std::byte* data_;
  std::size_t size_;
};

// Opens, verifies and reads `image`, which changes by it. Something wrong, or nothing.
std::optional<std::string> open_and_read(const Bytes& image, Model* found);
// The same, and whether it holds `after` (else `before`).
std::optional<std::string> open_and_compare(const Bytes& image, const Model& before, const Model& after,
                                            bool* is_after);

// An operation tells whether it has happened; what failed for want of room must have changed nothing.
using Operation = std::function<bool(Engine&)>;

// Kills operations everywhere, each harness in its own way.
class Harness {
 public:
  virtual ~Harness() = default;
  Harness(const Harness&) = delete;
  Harness& operator=(const Harness&) = delete;

  Engine& engine() { return *engine_; }
  // Goes on in a new engine, as after a kill between two operations.
  void reopen();
  // Runs `operation` and looks at what kills within it would have left. `after` is what is there once it
  // returned; it is set to `before` where it has not happened. The first thing that is not as it should be,
  // or nothing. Unless `always`, only what goes a rare way is looked at. `twice`: the recovery of each is
  // killed too.
  virtual std::optional<std::string> check(const Operation& operation, const Model& before, Model* after,
                                           bool always, bool twice) = 0;
  std::size_t images() const { return images_; }

 protected:
  // An empty segment of so many bytes.
  Harness(std::uint64_t bytes, std::uint64_t shards, Bytes::Kind kind);

  Header header_;
  // What operations change; what is there after a kill; what a recovery changes.
  Bytes memory_, image_, scratch_;
  std::unique_ptr<Engine> engine_;
  std::size_t images_ = 0;
};

}  // namespace okg::hot::test
