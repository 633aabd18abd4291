// Whole-file reading and writing on top of Os, for files that somebody hostile may have put there.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "base/error.hpp"
#include "base/os.hpp"
#include "base/unique_fd.hpp"

namespace okg::base {

// Opens `path` beneath `directory` without following a link in any component: openat2, or component by
// component where openat2 answers ENOSYS or EPERM. `path` is relative, without "." and "..".
Result<UniqueFd> open_beneath(Os& os, int directory, std::string_view path, int flags);

// Reads a regular file of at most `limit` bytes; anything else (a link, fifo, device, directory, too large)
// is an error. Never blocks on a fifo. `what` names the file in errors.
Result<std::string> read_small_file(Os& os, int directory, std::string_view path, std::size_t limit,
                                    std::string_view what);

// The same of a file that is open already.
Result<std::string> read_small_file(Os& os, int fd, std::size_t limit, std::string_view what);

// Writes `content` to `name` in `directory` so that a reader sees the old file or the new one, never a part:
// temporary name, write, rename. On failure the temporary is gone and the old file is as it was.
Status replace_file(Os& os, int directory, std::string_view name, std::string_view content, mode_t mode);

// write() until all is written; EINTR and short writes are taken care of.
Status write_all(Os& os, int fd, std::string_view content, std::string_view what);

// read() that repeats on EINTR.
ssize_t read_some(Os& os, int fd, void* data, std::size_t size);

// The same until `size` bytes are read or the file ends. How many it were, or -errno.
ssize_t read_full(Os& os, int fd, void* data, std::size_t size);

// mkdir -p with mode 0700 for what is made. denied when a component is a link of somebody else (neither root
// nor us), or a directory of somebody else where anybody may make one, as in /tmp.
Status make_private_directories(Os& os, const std::string& path);

}  // namespace okg::base
