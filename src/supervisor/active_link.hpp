// <run>/active: the files in use, for a server that knows nothing of payloads. It moves in one step.
#pragma once

#include <string>

#include "base/error.hpp"
#include "base/os.hpp"

namespace okg::supervisor {

class ActiveLink {
 public:
  ActiveLink(base::Os& os, const std::string& run_directory);

  const std::string& path() const { return path_; }
  // Nothing has changed after an error.
  base::Status point_at(const std::string& directory);
  // No files are in use.
  base::Status remove();

 private:
  base::Os& os_;
  const std::string path_;
};

}  // namespace okg::supervisor
