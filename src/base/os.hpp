// The one seam to the operating system: every file, clock and identity that okg uses comes through here, so
// that a test can fail the n-th call, stop time or count system calls. Sockets belong to Asio and are tested
// for real.
//
// Conventions: a negative return is -errno; nothing here retries or loops except on EINTR where noted;
// relative paths go with a directory descriptor. All descriptors are close-on-exec.
#pragma once

#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/statvfs.h>
#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace okg::base {

struct DirectoryEntry {
  std::string name;
  unsigned char type;  // DT_*
};

// Of 4 KiB each 512: what one entry of a page table can lead to.
inline constexpr std::size_t kLargePageBytes = 2UL << 20;

class Os {
 public:
  virtual ~Os() = default;

  // Files. open() adds O_CLOEXEC. open_beneath() is openat2 with RESOLVE_BENEATH | NO_SYMLINKS |
  // NO_MAGICLINKS, and gives -ENOSYS where the kernel or a sandbox does not know it (files.hpp has the
  // fallback).
  virtual int open(int directory, const char* path, int flags, mode_t mode = 0);
  virtual int open_beneath(int directory, const char* path, int flags);
  virtual int close(int fd);
  virtual ssize_t read(int fd, void* data, std::size_t size);
  virtual ssize_t write(int fd, const void* data, std::size_t size);
  virtual ssize_t pread(int fd, void* data, std::size_t size, off_t offset);
  virtual int punch_hole(int fd, off_t offset, off_t size);  // gives the memory back; it reads as zeros
  virtual int fallocate(int fd, off_t offset, off_t size);   // the file is at least offset + size long then
  virtual int fstat(int fd, struct stat* out);
  virtual int stat(int directory, const char* path, struct stat* out);  // never follows a link
  virtual int fchmod(int fd, mode_t mode);
  virtual int set_mtime(int fd, const timespec& mtime);  // atime is left alone
  virtual int mkdir(int directory, const char* path, mode_t mode);
  virtual int unlink(int directory, const char* path, bool is_directory);
  virtual int rename(int from_directory, const char* from, int to_directory, const char* to);
  // RENAME_NOREPLACE; -ENOSYS or -EINVAL where the file system cannot.
  virtual int rename_noreplace(int from_directory, const char* from, int to_directory, const char* to);
  virtual int link(int from_directory, const char* from, int to_directory, const char* to);
  virtual int symlink(const char* target, int directory, const char* path);
  virtual ssize_t readlink(int directory, const char* path, char* buffer, std::size_t size);
  virtual int list_directory(int fd,
                             std::vector<DirectoryEntry>* out);  // reads from the start; no "." and ".."
  virtual int lock(int fd, bool exclusive);                      // flock, LOCK_NB: -EWOULDBLOCK when held
  // F_OFD_SETLK for writing: the open file's, not the process's, so that no other close() gives it up.
  // -EAGAIN when held.
  virtual int lock_open_file(int fd);
  virtual int is_open_file_locked(int fd);  // 1: by another open file; 0: by nobody, and nothing is locked
  virtual int unlock_open_file(int fd);     // also for whoever inherited the descriptor
  virtual int syncfs(int fd);
  virtual int fsync(int fd);
  virtual int fstatfs(int fd, struct statfs* out);
  virtual int fstatvfs(int fd, struct statvfs* out);

  // Shared, readable and writable memory of the file's first `size` bytes, which may be more than it has,
  // from a multiple of kLargePageBytes on; a forked child does not get it.
  virtual int map(int fd, std::size_t size, void** memory);
  virtual int unmap(void* memory, std::size_t size);
  // Into the page table, by steps, without a store; -EINVAL where the kernel cannot.
  virtual int populate(void* memory, std::size_t size);
  // Makes kLargePageBytes of a mapped file one page, of which at least the first 4 KiB are allocated; what is
  // in it stays. Also where the system gives no large pages by itself. -EINVAL where the kernel cannot.
  virtual int make_large_page(void* memory);

  // Watching.
  virtual int inotify_open();
  virtual int inotify_watch(int fd, const char* path, std::uint32_t mask);

  // Time. CLOCK_MONOTONIC is the same for all containers of a machine and stands still during suspend.
  virtual std::int64_t monotonic_ns();
  virtual std::int64_t realtime_ns();
  virtual std::int64_t boottime_ns();  // as monotonic_ns(), but goes on during suspend
  virtual void sleep_ms(int milliseconds);

  // Identity.
  virtual uid_t effective_uid();
  virtual int random(void* data, std::size_t size);
  virtual std::string boot_id();  // /proc/sys/kernel/random/boot_id; "" where there is no /proc

  // The real one.
  static Os& real();
};

}  // namespace okg::base
