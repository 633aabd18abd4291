// The engine as it is shipped, killed after every machine instruction: a child runs the operation,
// single-stepped by ptrace, on memory that it shares with us.
#pragma once

#include <memory>

#include "crash/hot/crash_image.hpp"

namespace okg::hot::test {

class SteppedEngine final : public Harness {
 public:
  SteppedEngine(std::uint64_t bytes, std::uint64_t shards);

  // False where ptrace is forbidden.
  static bool is_possible();

  Engine& engine() override { return *engine_; }
  void reopen() override;
  std::optional<std::string> check(const Operation& operation, const Model& before, Model* after, bool always,
                                   bool twice) override;

  std::size_t instructions() const { return instructions_; }

 private:
  std::optional<std::string> look(const Model& before, const Model& after, bool* is_after);

  Header header_;
  Bytes memory_, image_, scratch_;
  std::unique_ptr<Engine> engine_;
  std::size_t instructions_ = 0;
};

}  // namespace okg::hot::test
