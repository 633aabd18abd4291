#include "reload/detector.hpp"

#include <fcntl.h>
#include <sys/inotify.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "base/files.hpp"
#include "payload/read.hpp"

namespace okg::reload {
namespace {

constexpr std::uint32_t kMask = IN_MOVED_TO | IN_CREATE | IN_DELETE | IN_MODIFY | IN_ATTRIB | IN_DELETE_SELF |
                                IN_MOVE_SELF | IN_ONLYDIR | IN_EXCL_UNLINK;

}  // namespace

Detector::Detector(base::Os& os, std::string root, base::Log log)
    : os_(os), path_(std::move(root)), log_(log) {}

std::optional<Target> Detector::look() {
  if (root_ && root_is_gone()) close_root();
  if (!root_) open_root();
  if (!root_) return std::nullopt;
  if (watch_ < 0) open_watch();
  return check();
}

std::optional<Target> Detector::look_after_interval() {
  // What inotify had to say is taken first; only what it did not tell proves it deaf.
  if (watch_ >= 0 && drain()) return look();
  const bool watched = watch_ >= 0 && root_ && !root_is_gone();
  auto found = look();
  if (found && watched && watch_ >= 0 && !drain() && !deaf_) {
    deaf_ = true;
    log_.warn("payload",
              "inotify tells nothing about " + path_ + ": looking four times a second from now on");
  }
  return found;
}

std::optional<Target> Detector::look_after_events() {
  drain();
  deaf_ = false;
  return look();
}

// Reads all events; true if there were any. Their content is not looked at, except for the counter of
// overflows and for a watch that the kernel took away.
bool Detector::drain() {
  bool any = false;
  alignas(inotify_event) char buffer[16 * 1024];
  while (inotify_) {
    const ssize_t size = base::read_some(os_, inotify_.get(), buffer, sizeof buffer);
    if (size <= 0) break;
    any = true;
    for (std::size_t at = 0; at + sizeof(inotify_event) <= static_cast<std::size_t>(size);) {
      inotify_event event;
      std::memcpy(&event, buffer + at, sizeof event);
      at += sizeof event + event.len;
      if ((event.mask & IN_Q_OVERFLOW) != 0) ++overflows_;
      if ((event.mask & (IN_IGNORED | IN_UNMOUNT)) != 0 && event.wd == watch_) close_root();
    }
  }
  return any;
}

bool Detector::root_is_gone() {
  struct stat held{};
  if (os_.fstat(root_.get(), &held) < 0 || held.st_nlink == 0) return true;
  struct stat named{};
  const int at = os_.open(AT_FDCWD, path_.c_str(), O_PATH | O_DIRECTORY);
  if (at < 0)
    return false;  // what we hold still works; a rename away is answered when something is there again
  const base::UniqueFd fd(at);
  return os_.fstat(at, &named) == 0 && (named.st_ino != held.st_ino || named.st_dev != held.st_dev);
}

void Detector::close_root() {
  if (root_) log_.warn("payload", path_ + ": the payload volume was replaced or removed; looking for it");
  root_.reset();
  if (inotify_) ++generation_;
  inotify_.reset();
  watch_ = -1;
}

void Detector::open_root() {
  const int fd = os_.open(AT_FDCWD, path_.c_str(), O_RDONLY | O_DIRECTORY);
  if (fd < 0) {
    say_once(base::error_from_errno(-fd, "payload volume " + path_).text);
    return;
  }
  root_.reset(fd);
}

void Detector::open_watch() {
  const int fd = os_.inotify_open();
  const int watch = fd < 0 ? fd : os_.inotify_watch(fd, path_.c_str(), kMask);
  if (watch < 0) {
    if (fd >= 0) os_.close(fd);
    if (std::exchange(inotify_failed_, true))
      return;  // said once; a free instance is taken when there is one
    const char* limit = watch == -ENOSPC ? "fs.inotify.max_user_watches" : "fs.inotify.max_user_instances";
    log_.warn("payload", "no inotify (" + base::error_from_errno(-watch, path_).text +
                             "): looking four times a second; raise sysctl " + limit);
    return;
  }
  inotify_.reset(fd);
  watch_ = watch;
  deaf_ = false;
  inotify_failed_ = false;
  ++generation_;
}

std::optional<Target> Detector::check() {
  const auto link = payload::read_current(os_, root_.get());
  if (!link) {
    say_once(link.error().text);
    return std::nullopt;
  }
  if (!*link) {
    trouble_ = path_ + ": nothing is published yet";
    return std::nullopt;
  }
  Target target{(*link)->name, 0};
  struct stat info{};
  if (os_.stat(root_.get(), target.name.target().c_str(), &info) == 0) target.inode = info.st_ino;
  trouble_.clear();
  said_.clear();
  if (seen_ && seen_->name == target.name && seen_->inode == target.inode) return std::nullopt;
  seen_ = target;
  return target;
}

void Detector::say_once(const std::string& text) {
  trouble_ = text;
  if (said_ == text) return;
  said_ = text;
  log_.warn("payload", text);
}

}  // namespace okg::reload
