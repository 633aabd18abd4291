#include "base/files.hpp"

#include <fcntl.h>

#include <algorithm>
#include <cerrno>

#include "base/text.hpp"

namespace okg::base {
namespace {

// For kernels and sandboxes without openat2: each directory on the way is opened with O_NOFOLLOW.
Result<UniqueFd> walk_beneath(Os& os, int directory, std::string_view path, int flags) {
  UniqueFd here;
  int at = directory;
  for (std::size_t begin = 0;;) {
    const std::size_t slash = path.find('/', begin);
    const std::string name(path.substr(begin, slash == path.npos ? path.npos : slash - begin));
    if (name.empty() || name == "." || name == "..")
      return Error(Code::bad_path, "open " + quote(path) + ": not a plain relative path");
    const bool last = slash == path.npos;
    const int fd = os.open(at, name.c_str(), (last ? flags : O_PATH | O_DIRECTORY) | O_NOFOLLOW);
    if (fd < 0) return error_from_errno(-fd, "open " + quote(path));
    here.reset(fd);
    if (last) return here;
    at = fd;
    begin = slash + 1;
  }
}

}  // namespace

Result<UniqueFd> open_beneath(Os& os, int directory, std::string_view path, int flags) {
  const std::string name(path);
  const int fd = os.open_beneath(directory, name.c_str(), flags | O_NOFOLLOW);
  if (fd >= 0) return UniqueFd(fd);
  if (fd == -ENOSYS || fd == -EPERM) return walk_beneath(os, directory, path, flags);
  return error_from_errno(-fd, "open " + quote(path));
}

ssize_t read_some(Os& os, int fd, void* data, std::size_t size) {
  for (;;) {
    const ssize_t got = os.read(fd, data, size);
    if (got != -EINTR) return got;
  }
}

ssize_t read_full(Os& os, int fd, void* data, std::size_t size) {
  std::size_t done = 0;
  while (done < size) {
    const ssize_t got = read_some(os, fd, static_cast<char*>(data) + done, size - done);
    if (got < 0) return got;
    if (got == 0) break;
    done += static_cast<std::size_t>(got);
  }
  return static_cast<ssize_t>(done);
}

Result<std::string> read_small_file(Os& os, int directory, std::string_view path, std::size_t limit,
                                    std::string_view what) {
  auto fd = open_beneath(os, directory, path, O_RDONLY | O_NONBLOCK);
  if (!fd) return Error(fd.error().code, std::string(what) + ": " + fd.error().text);
  return read_small_file(os, fd->get(), limit, what);
}

Result<std::string> read_small_file(Os& os, int fd, std::size_t limit, std::string_view what) {
  struct stat info{};
  if (const int failed = os.fstat(fd, &info); failed < 0)
    return error_from_errno(-failed, "stat " + std::string(what));
  if (!S_ISREG(info.st_mode)) return Error(Code::bad_path, std::string(what) + ": not a regular file");
  const auto too_large = [&] {
    return Error(Code::bad_path, std::string(what) + ": larger than " + std::to_string(limit) + " bytes");
  };
  if (static_cast<std::uint64_t>(info.st_size) > limit) return too_large();
  std::string content(static_cast<std::size_t>(info.st_size) + 1, '\0');
  std::size_t size = 0;
  for (;;) {
    if (size == content.size()) content.resize(std::min(content.size() * 2, limit + 1));
    const ssize_t got = read_some(os, fd, content.data() + size, content.size() - size);
    if (got < 0) return error_from_errno(static_cast<int>(-got), "read " + std::string(what));
    if (got == 0) break;
    size += static_cast<std::size_t>(got);
    if (size > limit) return too_large();
  }
  content.resize(size);
  return content;
}

Status write_all(Os& os, int fd, std::string_view content, std::string_view what) {
  while (!content.empty()) {
    const ssize_t put = os.write(fd, content.data(), content.size());
    if (put == -EINTR) continue;
    if (put < 0) return error_from_errno(static_cast<int>(-put), "write " + std::string(what));
    content.remove_prefix(static_cast<std::size_t>(put));
  }
  return {};
}

Status replace_file(Os& os, int directory, std::string_view name, std::string_view content, mode_t mode) {
  const std::string target(name);
  std::string temporary = "." + target + "." + random_hex(os);
  const int fd = os.open(directory, temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0600);
  if (fd < 0) return error_from_errno(-fd, "create " + temporary);
  Status done = write_all(os, fd, content, temporary);
  if (done) {
    if (const int failed = os.fchmod(fd, mode); failed < 0)
      done = error_from_errno(-failed, "chmod " + temporary);
  }
  if (const int failed = os.close(fd); done && failed < 0)
    done = error_from_errno(-failed, "close " + temporary);
  if (done) {
    if (const int failed = os.rename(directory, temporary.c_str(), directory, target.c_str()); failed < 0)
      done = error_from_errno(-failed, "rename " + temporary + " to " + target);
  }
  if (!done) os.unlink(directory, temporary.c_str(), false);
  return done;
}

namespace {

// In a directory like /tmp anybody may have made what we are about to use as ours, or a link to what is ours.
Status check_owner(Os& os, const std::string& path, bool anybody_may_make) {
  struct stat info{};
  if (const int failed = os.stat(AT_FDCWD, path.c_str(), &info); failed < 0)
    return error_from_errno(-failed, "stat " + path);
  const bool somebody_elses = info.st_uid != 0 && info.st_uid != os.effective_uid();
  if (somebody_elses && (S_ISLNK(info.st_mode) || anybody_may_make))
    return Error(Code::denied, path + ": belongs to uid " + std::to_string(info.st_uid) +
                                   ": remove it, or name another directory");
  return {};
}

bool anybody_may_make_in(Os& os, const std::string& directory) {
  struct stat info{};
  return os.stat(AT_FDCWD, directory.empty() ? "/" : directory.c_str(), &info) == 0 &&
         S_ISDIR(info.st_mode) && (info.st_mode & S_IWOTH) != 0;
}

}  // namespace

Status make_private_directories(Os& os, const std::string& path) {
  for (std::size_t begin = 0, slash = path.find('/', 1);; begin = slash, slash = path.find('/', slash + 1)) {
    const std::string prefix = path.substr(0, slash);
    if (!prefix.empty() && prefix.back() != '/') {
      const int made = os.mkdir(AT_FDCWD, prefix.c_str(), 0700);
      if (made < 0) {
        // A parent that exists but may not be written (EROFS, EACCES) is fine as long as what we want is
        // there.
        struct stat info{};
        if (made != -EEXIST && os.stat(AT_FDCWD, prefix.c_str(), &info) < 0)
          return error_from_errno(-made, "make directory " + prefix);
        if (auto good = check_owner(os, prefix, anybody_may_make_in(os, path.substr(0, begin))); !good)
          return good;
      }
    }
    if (slash == path.npos) break;
  }
  const int fd = os.open(AT_FDCWD, path.c_str(), O_PATH | O_DIRECTORY);
  if (fd == -ENOTDIR) return Error(Code::bad_path, path + ": not a directory");
  if (fd < 0) return error_from_errno(-fd, "open " + path);
  os.close(fd);
  return {};
}

}  // namespace okg::base
