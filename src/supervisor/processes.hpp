// The processes of `okg run`: the server, hooks, and whatever they leave behind, since as PID 1 (or a
// subreaper) every orphan becomes ours. One place waits for all of them, so none stays a zombie and no number
// is signalled that belongs to somebody else by now.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <map>
#include <memory>
#include <mutex>
#include <optional>

#include "base/error.hpp"
#include "base/unique_fd.hpp"
#include "supervisor/spawn.hpp"

namespace okg::supervisor {

// Any thread.
class Process {
 public:
  pid_t pid() const { return pid_; }
  // Readable once it has ended.
  int ended_fd() const { return ended_.get(); }
  // Its exit code, 128 + N for signal N; nullopt: it runs.
  std::optional<int> code() const;
  // Until it has ended; false after `at_most` (negative: no bound).
  bool wait(std::chrono::milliseconds at_most) const;
  // To all of the group where it leads one. Nothing once it has ended.
  void signal(int number);

 private:
  friend class Processes;
  Process(std::mutex& mutex, pid_t pid, base::UniqueFd ended, bool leads_group);

  std::mutex& mutex_;
  const pid_t pid_;
  const base::UniqueFd ended_;
  const bool leads_group_;
  std::optional<int> code_;
};

using ProcessPtr = std::shared_ptr<Process>;

// Outlives its processes.
class Processes {
 public:
  Processes();  // orphans of ours come to us from now on
  Processes(const Processes&) = delete;
  Processes& operator=(const Processes&) = delete;

  base::Result<ProcessPtr> start(const Spawn& what);
  // On SIGCHLD: waits for all that have ended. What is left of a group ends with its leader.
  void reap();
  // Ends what is left: SIGTERM, and SIGKILL for what is still there after `grace`.
  void end_all(std::chrono::milliseconds grace);

 private:
  std::mutex mutex_;
  std::map<pid_t, ProcessPtr> running_;
};

}  // namespace okg::supervisor
