// Who this server is: its binary, and its claim on the run directory.
#pragma once

#include <string>

#include "base/error.hpp"
#include "base/os.hpp"
#include "base/unique_fd.hpp"

namespace okg::server {

// Server version plus the ELF build id of the running program, and a digest of `more` if that is not empty:
// what boot.json keys attempts and refusals by.
std::string binary_identity(const std::string& server_version, const std::string& more);

// The run directory, ours alone while this lives: an exclusive flock on the directory itself, so there is no
// file that somebody could replace. in_use when another server, in this process or another, has it.
class Instance {
 public:
  static base::Result<Instance> claim(base::Os& os, const std::string& run_directory);

  int directory() const { return directory_.get(); }
  // The descriptor was closed by somebody else (in the child of a fork): forgets its number.
  void disown() noexcept { directory_.release(); }

 private:
  base::UniqueFd directory_;
};

}  // namespace okg::server
