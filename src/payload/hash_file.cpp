#include "payload/hash_file.hpp"

#include <fcntl.h>

#include <algorithm>
#include <cerrno>

#include "base/files.hpp"
#include "base/text.hpp"
#include "payload/sha256.hpp"

namespace okg::payload {

using base::Code;
using base::Error;
using base::Os;
using base::Result;

Result<Digest> hash_file(Os& os, int fd, std::uint64_t size, Buffer& buffer, const std::stop_token& stop,
                         std::string_view what, const PieceSink& sink) {
  const auto wrong_size = [&] {
    return Error(Code::digest_mismatch, base::quote(what) + ": has not the size it should have");
  };
  Sha256 hash;
  std::uint64_t done = 0;
  for (;;) {
    if (stop.stop_requested()) return interrupted();
    // One byte more than there should be: a short answer then means the end, without another call to hear so.
    const auto wanted = static_cast<std::size_t>(std::min<std::uint64_t>(buffer.size(), size - done + 1));
    const ssize_t got = base::read_some(os, fd, buffer.data(), wanted);
    if (got < 0) return base::error_from_errno(static_cast<int>(-got), "read " + base::quote(what));
    const auto length = static_cast<std::size_t>(got);
    if (length > size - done) return wrong_size();
    hash.update(buffer.data(), length);
    done += length;
    if (sink && length > 0) {
      if (auto taken = sink(std::string_view(buffer.data(), length)); !taken) return taken.error();
    }
    if (length == 0 || (done == size && length < wanted)) break;
  }
  if (done != size) return wrong_size();
  return hash.finish();
}

Error interrupted() {
  return Error(Code::timeout, "interrupted");
}

Result<OpenFile> open_regular(Os& os, int directory, const char* name, std::string_view what) {
  const auto not_regular = [&] { return Error(Code::bad_path, base::quote(what) + ": not a regular file"); };
  const int fd = os.open(directory, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
  if (fd == -ELOOP || fd == -ENXIO) return not_regular();
  if (fd < 0) return base::error_from_errno(-fd, "open " + base::quote(what));
  OpenFile file{base::UniqueFd(fd), {}};
  if (const int failed = os.fstat(fd, &file.info); failed < 0)
    return base::error_from_errno(-failed, "stat " + base::quote(what));
  if (!S_ISREG(file.info.st_mode)) return not_regular();
  if ((file.info.st_mode & (S_ISUID | S_ISGID | S_ISVTX)) != 0)
    return Error(Code::bad_path, base::quote(what) + ": has a setuid, setgid or sticky bit");
  return file;
}

std::string_view leaf_of(std::string_view path) {
  const std::size_t slash = path.rfind('/');
  return slash == path.npos ? path : path.substr(slash + 1);
}

}  // namespace okg::payload
