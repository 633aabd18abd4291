// Hashing an open file of known size.
#pragma once

#include <cstdint>
#include <functional>
#include <stop_token>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "base/os.hpp"
#include "base/unique_fd.hpp"
#include "payload/digest.hpp"

namespace okg::payload {

// Large enough that system calls do not count, small enough to stay in the second-level cache.
inline constexpr std::size_t kBufferBytes = 256 * 1024;

using Buffer = std::vector<char>;
inline Buffer make_buffer() {
  return Buffer(kBufferBytes);
}

// Called with the number of bytes that were dealt with since the last call.
using ByteProgress = std::function<void(std::uint64_t bytes)>;
// Called with every piece that was read, in order; its failure ends the reading.
using PieceSink = std::function<base::Status(std::string_view piece)>;

// Reads `fd` from where it stands and hashes it. digest_mismatch when there are not exactly `size` bytes,
// timeout when `stop` was requested (looked at before every piece). `what` names the file in errors.
base::Result<Digest> hash_file(base::Os& os, int fd, std::uint64_t size, Buffer& buffer,
                               const std::stop_token& stop, std::string_view what,
                               const PieceSink& sink = {});

// The error of work that was told to stop.
base::Error interrupted();

// Opens `name` in `directory` for reading: bad_path when it is anything but a regular file, also one with
// setuid, setgid or sticky bit. Follows no link and does not block on a fifo. `what` names it in errors.
struct OpenFile {
  base::UniqueFd fd;
  struct stat info{};
};
base::Result<OpenFile> open_regular(base::Os& os, int directory, const char* name, std::string_view what);

// The last segment of a path.
std::string_view leaf_of(std::string_view path);

}  // namespace okg::payload
