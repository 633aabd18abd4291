// Directory trees on the volume: walked without following links, and removed.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "base/os.hpp"
#include "base/unique_fd.hpp"

namespace okg::payload {

// Opens the parent directories of sorted paths, each once: the fds of the current path's directories are kept on a
// stack. No component is ever followed if it is a link.
class DirectoryStack {
 public:
  enum class Mode { read, create };  // create: missing directories are made (0755)
  DirectoryStack(base::Os& os, int root, Mode mode) : os_(os), root_(root), mode_(mode) {}

  // The descriptor of the directory that `path` (relative, checked) is in; valid until the next call.
  base::Result<int> parent_of(std::string_view path);

 private:
  struct Level {
    std::string name;
    base::UniqueFd fd;
  };
  base::Os& os_;
  int root_;
  Mode mode_;
  std::vector<Level> levels_;
};

struct TreeEntry {
  std::string path;  // relative to where the walk began
  unsigned char type;  // DT_DIR, DT_REG, DT_LNK, …; never DT_UNKNOWN
};

// Calls `visit` for everything below `directory`, parents before what is in them. Stops at the first failure.
// Deeper than kMostDepth is bad_path.
base::Status walk_tree(base::Os& os, int directory, const std::function<base::Status(const TreeEntry&)>& visit);

// Removes `name` in `directory` with all below it. Directories that were made read-only are made writable first.
// Nothing outside is touched: links are removed, not followed.
base::Status remove_tree(base::Os& os, int directory, const std::string& name);

}  // namespace okg::payload
