// The engine as it is shipped, killed after every machine instruction: a child runs the operation,
// single-stepped by ptrace, on memory that it shares with us.
#pragma once

#include <array>

#include "crash/hot/crash_image.hpp"

namespace okg::hot::test {

class SteppedEngine final : public Harness {
 public:
  // Of each kind of rare operation, `rare` are stepped through.
  SteppedEngine(std::uint64_t bytes, std::uint64_t shards, std::size_t rare);

  std::optional<std::string> check(const Operation& operation, const Model& before, Model* after, bool always,
                                   bool twice) override;

  std::size_t instructions() const { return instructions_; }

  enum class Rare { no, pages, begin, split };  // a slab or pages; the first leaf; a leaf made two
  std::size_t stepped(Rare rare) const { return stepped_[static_cast<std::size_t>(rare)]; }

 private:
  std::optional<std::string> look(const Model& before, const Model& after, bool* is_after);

  // Tried in a child, and undone.
  Rare kind_of(const Operation& operation);

  std::size_t instructions_ = 0;
  std::size_t rare_;
  std::array<std::size_t, 4> stepped_{};
};

}  // namespace okg::hot::test
