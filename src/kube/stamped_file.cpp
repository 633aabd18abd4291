#include "kube/stamped_file.hpp"

#include <fcntl.h>

#include "base/files.hpp"
#include "base/unique_fd.hpp"

namespace okg::kube {
namespace {

bool same(const timespec& a, const timespec& b) {
  return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec;
}
bool same(const struct stat& a, const struct stat& b) {
  return a.st_dev == b.st_dev && a.st_ino == b.st_ino && a.st_size == b.st_size &&
         same(a.st_mtim, b.st_mtim) && same(a.st_ctim, b.st_ctim);
}

}  // namespace

base::Result<std::optional<std::string>> StampedFile::read_if_changed(bool at_once) {
  const base::UniqueFd fd(os_.open(AT_FDCWD, path_.c_str(), O_RDONLY | O_NONBLOCK));
  if (fd.get() < 0) return base::error_from_errno(-fd.get(), "open " + path_);
  struct stat now{};
  if (const int failed = os_.fstat(fd.get(), &now); failed < 0)
    return base::error_from_errno(-failed, "stat " + path_);
  if (!at_once && stamp_ && same(*stamp_, now)) return std::optional<std::string>();
  auto content = base::read_small_file(os_, fd.get(), limit_, path_);
  if (!content) return content.error();
  stamp_ = now;  // taken before reading: what is written meanwhile counts as a change
  return std::optional<std::string>(*std::move(content));
}

}  // namespace okg::kube
