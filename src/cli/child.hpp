// A program that is run as the kubelet runs a container's.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "base/unique_fd.hpp"

namespace okg::cli {

class Child {
 public:
  // `words[0]` is looked for in PATH. It has our input, output and directory, our environment with
  // `variables` put over it, and signals as a shell leaves them. It gets SIGTERM should the calling thread
  // end. not_found, denied: there is no such program.
  static base::Result<std::unique_ptr<Child>> start(const std::vector<std::string>& words,
                                                    const std::map<std::string, std::string>& variables);
  ~Child();  // kills it
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  pid_t pid() const { return pid_; }
  // Any thread; nothing once it has ended.
  void signal(int number);
  // What it ended with, 128 + N for signal N; nullopt: it has not ended within `at_most`.
  std::optional<int> wait(std::chrono::milliseconds at_most);

 private:
  explicit Child(pid_t pid);

  const pid_t pid_;
  base::UniqueFd descriptor_;
  std::mutex mutex_;
  std::optional<int> code_;
};

}  // namespace okg::cli
