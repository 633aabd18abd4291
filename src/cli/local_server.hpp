// The server of a run directory as a process, for who plays its kubelet.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <optional>
#include <stop_token>
#include <string>

#include "base/error.hpp"
#include "base/os.hpp"
#include "base/unique_fd.hpp"

namespace okg::cli {

// Who ran there last, by instance.json. It is in a directory that others may write to: a process is only
// taken for the server, and gets a signal, if it holds that directory open.
class LocalServer {
 public:
  // `run_directory`: a descriptor, which stays the caller's.
  static std::optional<LocalServer> find(base::Os& os, int run_directory);

  const std::string& instance() const { return instance_; }
  pid_t pid() const { return pid_; }
  bool is_alive() const;
  // False: it is gone, or not ours to signal.
  bool signal(int number) const;
  // SIGTERM, and SIGKILL after `grace`. True: it is gone; false: it cannot be ended, or a stop was requested.
  // `killed`, if not null, tells whether SIGKILL was needed.
  bool end(std::chrono::milliseconds grace, const std::stop_token& stop, bool* killed) const;

 private:
  std::string instance_;
  pid_t pid_ = 0;
  dev_t device_ = 0;
  ino_t inode_ = 0;
};

// Waits until another server than `before` ("" none) is there.
bool wait_for_another(base::Os& os, int run_directory, const std::string& before,
                      std::chrono::milliseconds at_most, const std::stop_token& stop);

// `okg local run` starts the server of a run directory again when it ends: one of them, as long as it holds
// this. in_use: there is one already.
base::Result<base::UniqueFd> supervise(base::Os& os, int run_directory);
bool is_supervised(base::Os& os, int run_directory);

}  // namespace okg::cli
