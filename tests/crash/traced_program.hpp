// A program that is stopped at each system call of its main thread, and can be killed there.
#pragma once

#include <sys/types.h>

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"

namespace okg::test {

// A system call that is about to be made, or was just made.
struct Stop {
  bool made = false;       // false: nothing of it has happened, and nothing will after a kill
  std::uint64_t call = 0;  // SYS_…
  std::array<std::uint64_t, 6> arguments{};

  std::string text() const;
};

// Belongs to the thread that started it.
class TracedProgram {
 public:
  // Starts it without environment, both outputs into the file `output`; it stands before its first
  // instruction. unsupported when this process may not trace another.
  static base::Result<std::unique_ptr<TracedProgram>> start(const std::vector<std::string>& words,
                                                            const std::string& output);
  ~TracedProgram();
  TracedProgram(const TracedProgram&) = delete;
  TracedProgram& operator=(const TracedProgram&) = delete;

  // Lets it go on to its next stop; nullopt when it ended.
  std::optional<Stop> next();
  // Is one of the call's first two arguments a text that begins so?
  bool names(const Stop& stop, std::string_view begin) const;
  // SIGKILL. When this returns the process and all that it held is gone.
  void kill();
  // Its exit code, or minus the signal that ended it. Only after its end.
  int ended() const { return *ended_; }

 private:
  explicit TracedProgram(pid_t pid) : pid_(pid) {}
  int wait();

  pid_t pid_;
  Stop last_;
  std::optional<int> ended_;
};

// Runs a program to its end, untraced; its exit code, or minus the signal that ended it.
int run_program(const std::vector<std::string>& words, const std::string& output);

}  // namespace okg::test
