// The publisher's side of a volume: opened, locked, tidied, and its link moved.
#pragma once

#include <chrono>
#include <stop_token>
#include <string>

#include "base/error.hpp"
#include "base/log.hpp"
#include "base/os.hpp"
#include "base/unique_fd.hpp"
#include "payload/layout.hpp"

namespace okg::payload {

struct Volume {
  base::UniqueFd root;
  base::UniqueFd lock;
  base::UniqueFd versions;  // v/
  base::UniqueFd staging;   // .staging/
};

// Opens the volume's root. An error when it is missing, was removed, or is no volume but the container's own
// file system, where nobody would see what is published.
base::Result<base::UniqueFd> open_root(base::Os& os, const std::string& path, const base::Log& log);

// Takes the lock that belongs to whoever changes the volume; busy when somebody else has it for longer than
// `wait`, timeout when `stop` was requested. Held until the descriptor is closed.
base::Result<base::UniqueFd> lock_volume(base::Os& os, int root, std::chrono::milliseconds wait,
                                         const std::stop_token& stop);

// Root, lock, and the directories below, made where they are missing. What a killed publisher left is
// removed.
base::Result<Volume> open_volume(base::Os& os, const std::string& path, std::chrono::milliseconds lock_wait,
                                 const std::stop_token& stop, const base::Log& log);

// The commit: `current` leads to `name` when this returns without error, and to what it did before when not.
base::Status move_current(base::Os& os, int root, const VersionName& name);

// Opens directory `name` in `parent`, made with `mode` if missing; the mode is set whatever the umask is. A
// link or anything else that is no directory is bad_path.
base::Result<base::UniqueFd> make_directory(base::Os& os, int parent, const char* name, mode_t mode);

}  // namespace okg::payload
