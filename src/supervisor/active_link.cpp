#include "supervisor/active_link.hpp"

#include <fcntl.h>

namespace okg::supervisor {

ActiveLink::ActiveLink(base::Os& os, const std::string& run_directory)
    : os_(os), path_(run_directory + "/active") {}

base::Status ActiveLink::point_at(const std::string& directory) {
  const std::string fresh = path_ + ".new";
  // Of a process that was killed here.
  if (const int gone = os_.unlink(AT_FDCWD, fresh.c_str(), false); gone < 0 && gone != -ENOENT)
    return base::error_from_errno(-gone, "remove " + fresh);
  if (const int made = os_.symlink(directory.c_str(), AT_FDCWD, fresh.c_str()); made < 0)
    return base::error_from_errno(-made, "link " + fresh);
  if (const int moved = os_.rename(AT_FDCWD, fresh.c_str(), AT_FDCWD, path_.c_str()); moved < 0)
    return base::error_from_errno(-moved, "move " + path_);
  return {};
}

base::Status ActiveLink::remove() {
  const int gone = os_.unlink(AT_FDCWD, path_.c_str(), false);
  if (gone < 0 && gone != -ENOENT) return base::error_from_errno(-gone, "remove " + path_);
  return {};
}

}  // namespace okg::supervisor
