// Directory trees on the volume: walked without following links, and removed.
#pragma once

#include <functional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "base/os.hpp"
#include "base/unique_fd.hpp"
#include "payload/layout.hpp"

namespace okg::payload {

// Opens the parent directories of sorted paths, each once: the fds of the current path's directories are kept
// on a stack. No component is ever followed if it is a link.
class DirectoryStack {
 public:
  // create: missing directories are made, and sealed (0555) when the next path is no longer below them.
  enum class Mode { read, create };
  DirectoryStack(base::Os& os, int root, Mode mode) : os_(os), root_(root), mode_(mode) {}

  // The descriptor of the directory that `path` (relative, checked) is in; valid until the next call.
  base::Result<int> parent_of(std::string_view path);
  // Leaves all directories; in mode `create` the last ones are sealed only here.
  base::Status finish();

 private:
  base::Status enter(const std::string& name);
  base::Status leave_to(std::size_t depth);

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
  std::string path;    // relative to where the walk began
  unsigned char type;  // DT_DIR, DT_REG, DT_LNK, …; never DT_UNKNOWN
};

// Calls `visit` for everything below `directory`, parents before what is in them. Stops at the first failure.
// Deeper than `most_depth` levels is bad_path.
base::Status walk_tree(base::Os& os, int directory,
                       const std::function<base::Status(const TreeEntry&)>& visit,
                       std::size_t most_depth = kMostDepth);

// Removes `name` in `directory` with all below it. Directories that were made read-only are made writable
// first. Nothing outside is touched: links are removed, not followed. What is not there is removed already.
// When `stop` is requested the rest stays: timeout.
base::Status remove_tree(base::Os& os, int directory, const std::string& name, std::stop_token stop = {});

// Removes the files in `directory` whose names begin so: temporaries of somebody who was killed. Best effort.
void remove_temporaries(base::Os& os, int directory, std::string_view prefix);

}  // namespace okg::payload
