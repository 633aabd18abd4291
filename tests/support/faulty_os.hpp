// An Os that does what the real one does, until a test tells it to fail, to shorten, or to stop the process.
#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/os.hpp"

namespace okg::test {

enum class Call : unsigned {
  open,
  open_beneath,
  close,
  read,
  write,
  pread,
  fallocate,
  punch_hole,
  fstat,
  stat,
  fchmod,
  set_mtime,
  mkdir,
  unlink,
  rename,
  rename_noreplace,
  link,
  symlink,
  readlink,
  list_directory,
  lock,
  lock_open_file,
  map,
  populate,
  make_large_page,
  syncfs,
  fsync,
  fstatfs,
  fstatvfs,
  inotify_open,
  inotify_watch,
  random,
};
inline constexpr std::size_t kCallKinds = static_cast<std::size_t>(Call::random) + 1;

// Calls are numbered from 1, over all kinds together. Everything may be set at any time and from any thread;
// calls are safe from any thread too. A failing call does nothing, except close(), which closes as the kernel
// does.
class FaultyOs : public base::Os {
 public:
  // The n-th call from now on fails, once.
  void fail_nth(std::uint64_t n, int error) { set_nth(n, error, false); }
  // It and every call after it.
  void fail_from_nth(std::uint64_t n, int error) { set_nth(n, error, true); }
  // Every call of a kind; 0 ends that.
  void fail_every(Call kind, int error) {
    const std::lock_guard hold(mutex_);
    if (error == 0)
      every_.erase(kind);
    else
      every_[kind] = error;
  }
  // Each call of a kind fails once with EINTR before it is let through.
  void interrupt(Call kind) {
    const std::lock_guard hold(mutex_);
    interrupted_[kind] = false;
  }
  // read() and write() move at most so many bytes; 0 ends that.
  void shorten(std::size_t most) { most_bytes_ = most; }
  // Called before the n-th call with its kind; may end the process.
  void before_each(std::function<void(std::uint64_t n, Call kind)> hook) {
    const std::lock_guard hold(mutex_);
    hook_ = std::move(hook);
  }

  // Forgets everything that was asked for, and begins to count again.
  void reset() {
    const std::lock_guard hold(mutex_);
    every_.clear();
    interrupted_.clear();
    hook_ = nullptr;
    nth_ = 0;
    most_bytes_ = 0;
    calls_ = 0;
    for (auto& count : by_kind_) count = 0;
    failed_ = 0;
  }

  std::uint64_t calls() const { return calls_; }
  std::uint64_t calls(Call kind) const { return by_kind_[static_cast<std::size_t>(kind)]; }
  std::uint64_t failed() const { return failed_; }  // how many calls were made to fail

  // What the surroundings pretend to be.
  std::atomic<std::int64_t> realtime_shift_ns{0};
  std::atomic<std::int64_t> monotonic_shift_ns{0};
  std::atomic<bool> hide_types{false};            // list_directory() says DT_UNKNOWN, as some file systems do
  std::optional<uid_t> uid;                       // set before use
  std::optional<std::string> boot;                // set before use
  std::function<void(struct statfs*)> on_statfs;  // set before use; changes the answer
  std::function<void(struct statvfs*)> on_statvfs;  // set before use; changes the answer

  int open(int directory, const char* path, int flags, mode_t mode = 0) override {
    if (const int error = enter(Call::open)) return -error;
    return Os::open(directory, path, flags, mode);
  }
  int open_beneath(int directory, const char* path, int flags) override {
    if (const int error = enter(Call::open_beneath)) return -error;
    return Os::open_beneath(directory, path, flags);
  }
  int close(int fd) override {
    const int error = enter(Call::close);
    const int closed = Os::close(fd);
    return error != 0 ? -error : closed;
  }
  ssize_t read(int fd, void* data, std::size_t size) override {
    if (const int error = enter(Call::read)) return -error;
    return Os::read(fd, data, shortened(size));
  }
  ssize_t write(int fd, const void* data, std::size_t size) override {
    if (const int error = enter(Call::write)) return -error;
    return Os::write(fd, data, shortened(size));
  }
  ssize_t pread(int fd, void* data, std::size_t size, off_t offset) override {
    if (const int error = enter(Call::pread)) return -error;
    return Os::pread(fd, data, shortened(size), offset);
  }
  int punch_hole(int fd, off_t offset, off_t size) override {
    if (const int error = enter(Call::punch_hole)) return -error;
    return Os::punch_hole(fd, offset, size);
  }
  int fallocate(int fd, off_t offset, off_t size) override {
    if (const int error = enter(Call::fallocate)) return -error;
    return Os::fallocate(fd, offset, size);
  }
  int fstat(int fd, struct stat* out) override {
    if (const int error = enter(Call::fstat)) return -error;
    return Os::fstat(fd, out);
  }
  int stat(int directory, const char* path, struct stat* out) override {
    if (const int error = enter(Call::stat)) return -error;
    return Os::stat(directory, path, out);
  }
  int fchmod(int fd, mode_t mode) override {
    if (const int error = enter(Call::fchmod)) return -error;
    return Os::fchmod(fd, mode);
  }
  int set_mtime(int fd, const timespec& mtime) override {
    if (const int error = enter(Call::set_mtime)) return -error;
    return Os::set_mtime(fd, mtime);
  }
  int mkdir(int directory, const char* path, mode_t mode) override {
    if (const int error = enter(Call::mkdir)) return -error;
    return Os::mkdir(directory, path, mode);
  }
  int unlink(int directory, const char* path, bool is_directory) override {
    if (const int error = enter(Call::unlink)) return -error;
    return Os::unlink(directory, path, is_directory);
  }
  int rename(int from_directory, const char* from, int to_directory, const char* to) override {
    if (const int error = enter(Call::rename)) return -error;
    return Os::rename(from_directory, from, to_directory, to);
  }
  int rename_noreplace(int from_directory, const char* from, int to_directory, const char* to) override {
    if (const int error = enter(Call::rename_noreplace)) return -error;
    return Os::rename_noreplace(from_directory, from, to_directory, to);
  }
  int link(int from_directory, const char* from, int to_directory, const char* to) override {
    if (const int error = enter(Call::link)) return -error;
    return Os::link(from_directory, from, to_directory, to);
  }
  int symlink(const char* target, int directory, const char* path) override {
    if (const int error = enter(Call::symlink)) return -error;
    return Os::symlink(target, directory, path);
  }
  ssize_t readlink(int directory, const char* path, char* buffer, std::size_t size) override {
    if (const int error = enter(Call::readlink)) return -error;
    return Os::readlink(directory, path, buffer, size);
  }
  int list_directory(int fd, std::vector<base::DirectoryEntry>* out) override {
    if (const int error = enter(Call::list_directory)) return -error;
    const int listed = Os::list_directory(fd, out);
    if (hide_types)
      for (auto& entry : *out) entry.type = 0;  // DT_UNKNOWN
    return listed;
  }
  int lock(int fd, bool exclusive) override {
    if (const int error = enter(Call::lock)) return -error;
    return Os::lock(fd, exclusive);
  }
  int lock_open_file(int fd) override {
    if (const int error = enter(Call::lock_open_file)) return -error;
    return Os::lock_open_file(fd);
  }
  int map(int fd, std::size_t size, void** memory) override {
    if (const int error = enter(Call::map)) return -error;
    return Os::map(fd, size, memory);
  }
  int populate(void* memory, std::size_t size) override {
    if (const int error = enter(Call::populate)) return -error;
    return Os::populate(memory, size);
  }
  int make_large_page(void* memory) override {
    if (const int error = enter(Call::make_large_page)) return -error;
    return Os::make_large_page(memory);
  }
  int syncfs(int fd) override {
    if (const int error = enter(Call::syncfs)) return -error;
    return Os::syncfs(fd);
  }
  int fsync(int fd) override {
    if (const int error = enter(Call::fsync)) return -error;
    return Os::fsync(fd);
  }
  int fstatfs(int fd, struct statfs* out) override {
    if (const int error = enter(Call::fstatfs)) return -error;
    const int done = Os::fstatfs(fd, out);
    if (on_statfs) on_statfs(out);
    return done;
  }
  int fstatvfs(int fd, struct statvfs* out) override {
    if (const int error = enter(Call::fstatvfs)) return -error;
    const int done = Os::fstatvfs(fd, out);
    if (on_statvfs) on_statvfs(out);
    return done;
  }
  int inotify_open() override {
    if (const int error = enter(Call::inotify_open)) return -error;
    return Os::inotify_open();
  }
  int inotify_watch(int fd, const char* path, std::uint32_t mask) override {
    if (const int error = enter(Call::inotify_watch)) return -error;
    return Os::inotify_watch(fd, path, mask);
  }
  int random(void* data, std::size_t size) override {
    if (const int error = enter(Call::random)) return -error;
    return Os::random(data, size);
  }
  std::int64_t monotonic_ns() override { return Os::monotonic_ns() + monotonic_shift_ns; }
  std::int64_t realtime_ns() override { return Os::realtime_ns() + realtime_shift_ns; }
  uid_t effective_uid() override { return uid ? *uid : Os::effective_uid(); }
  std::string boot_id() override { return boot ? *boot : Os::boot_id(); }

 private:
  void set_nth(std::uint64_t n, int error, bool and_after) {
    const std::lock_guard hold(mutex_);
    nth_ = n == 0 ? 0 : calls_ + n;
    nth_error_ = error;
    and_after_ = and_after;
  }

  // 0, or the errno that the call has to fail with.
  int enter(Call kind) {
    std::function<void(std::uint64_t, Call)> hook;
    std::uint64_t n = 0;
    int error = 0;
    {
      const std::lock_guard hold(mutex_);
      n = ++calls_;
      ++by_kind_[static_cast<std::size_t>(kind)];
      hook = hook_;
      if (nth_ != 0 && (and_after_ ? n >= nth_ : n == nth_)) error = nth_error_;
      if (const auto always = every_.find(kind); error == 0 && always != every_.end()) error = always->second;
      if (const auto once = interrupted_.find(kind); error == 0 && once != interrupted_.end()) {
        once->second = !once->second;
        if (once->second) error = EINTR;
      }
      if (error != 0) ++failed_;
    }
    if (hook) hook(n, kind);
    return error;
  }

  std::size_t shortened(std::size_t size) const {
    const std::size_t most = most_bytes_;
    return most == 0 ? size : std::min(size, most);
  }

  mutable std::mutex mutex_;
  std::map<Call, int> every_;
  std::map<Call, bool> interrupted_;
  std::function<void(std::uint64_t, Call)> hook_;
  std::uint64_t nth_ = 0;
  int nth_error_ = 0;
  bool and_after_ = false;
  std::atomic<std::size_t> most_bytes_{0};
  std::atomic<std::uint64_t> calls_{0};
  std::array<std::atomic<std::uint64_t>, kCallKinds> by_kind_{};
  std::atomic<std::uint64_t> failed_{0};
};

}  // namespace okg::test
