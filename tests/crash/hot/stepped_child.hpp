// A child that runs something one machine instruction at a time, on memory that it shares with us: what a
// kill at any of them would have left is seen as it comes to be.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <functional>
#include <span>

namespace okg::hot::test {

class SteppedChild {
 public:
  // Stopped before it runs `body` and after it; its exit code is what `body` returned.
  explicit SteppedChild(const std::function<int()>& body);
  ~SteppedChild();
  SteppedChild(const SteppedChild&) = delete;
  SteppedChild& operator=(const SteppedChild&) = delete;

  // False where ptrace is forbidden.
  static bool is_possible();

  // Goes to the end of `body`. After each instruction by which `memory` differs from `image`, it is copied
  // there and looked at, as long as `look` returns true.
  void step_through(std::span<const std::byte> memory, std::byte* image, const std::function<bool()>& look);
  // Lets it end.
  int finish();

  std::size_t instructions() const { return instructions_; }

 private:
  bool is_there() const;
  bool step();
  void wait();

  pid_t pid_;
  int state_ = 0;
  std::size_t instructions_ = 0;
};

}  // namespace okg::hot::test
