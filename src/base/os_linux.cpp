#include <dirent.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <ctime>

#include "base/os.hpp"

namespace okg::base {
namespace {

int checked(int result) {
  return result < 0 ? -errno : result;
}
ssize_t checked(ssize_t result) {
  return result < 0 ? -errno : result;
}

std::int64_t clock_ns(clockid_t clock) {
  timespec now{};
  ::clock_gettime(clock, &now);
  return std::int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec;
}

// As the kernel lays it out for getdents64(2); glibc's readdir cannot be used on a descriptor we keep.
struct KernelDirent {
  std::uint64_t inode;
  std::int64_t offset;
  std::uint16_t record_length;
  unsigned char type;
};
constexpr std::size_t kNameOffset = 19;

std::size_t page_bytes() {
  static const auto bytes = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
  return bytes;
}

std::size_t whole_large_pages(std::size_t size) {
  return (size + kLargePageBytes - 1) / kLargePageBytes * kLargePageBytes;
}

}  // namespace

int Os::open(int directory, const char* path, int flags, mode_t mode) {
  return checked(::openat(directory, path, flags | O_CLOEXEC, mode));
}

int Os::open_beneath(int directory, const char* path, int flags) {
  open_how how{};
  how.flags = static_cast<std::uint64_t>(static_cast<unsigned>(flags | O_CLOEXEC));
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS;
  return checked(static_cast<int>(::syscall(SYS_openat2, directory, path, &how, sizeof how)));
}

int Os::close(int fd) {
  return checked(::close(fd));
}
ssize_t Os::read(int fd, void* data, std::size_t size) {
  return checked(::read(fd, data, size));
}
ssize_t Os::write(int fd, const void* data, std::size_t size) {
  return checked(::write(fd, data, size));
}
ssize_t Os::pread(int fd, void* data, std::size_t size, off_t offset) {
  return checked(::pread(fd, data, size, offset));
}
int Os::fallocate(int fd, off_t offset, off_t size) {
  return checked(::fallocate(fd, 0, offset, size));
}
int Os::punch_hole(int fd, off_t offset, off_t size) {
  return checked(::fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, offset, size));
}
int Os::fstat(int fd, struct stat* out) {
  return checked(::fstat(fd, out));
}
int Os::stat(int directory, const char* path, struct stat* out) {
  return checked(::fstatat(directory, path, out, AT_SYMLINK_NOFOLLOW));
}
int Os::fchmod(int fd, mode_t mode) {
  return checked(::fchmod(fd, mode));
}
int Os::set_mtime(int fd, const timespec& mtime) {
  const timespec times[2] = {{0, UTIME_OMIT}, mtime};
  return checked(::futimens(fd, times));
}
int Os::mkdir(int directory, const char* path, mode_t mode) {
  return checked(::mkdirat(directory, path, mode));
}
int Os::unlink(int directory, const char* path, bool is_directory) {
  return checked(::unlinkat(directory, path, is_directory ? AT_REMOVEDIR : 0));
}
int Os::rename(int from_directory, const char* from, int to_directory, const char* to) {
  return checked(::renameat(from_directory, from, to_directory, to));
}
int Os::rename_noreplace(int from_directory, const char* from, int to_directory, const char* to) {
  return checked(
      static_cast<int>(::syscall(SYS_renameat2, from_directory, from, to_directory, to, RENAME_NOREPLACE)));
}
int Os::link(int from_directory, const char* from, int to_directory, const char* to) {
  return checked(::linkat(from_directory, from, to_directory, to, 0));
}
int Os::symlink(const char* target, int directory, const char* path) {
  return checked(::symlinkat(target, directory, path));
}
ssize_t Os::readlink(int directory, const char* path, char* buffer, std::size_t size) {
  return checked(::readlinkat(directory, path, buffer, size));
}

int Os::list_directory(int fd, std::vector<DirectoryEntry>* out) {
  out->clear();
  if (::lseek(fd, 0, SEEK_SET) < 0) return -errno;
  alignas(KernelDirent) char buffer[32 * 1024];
  for (;;) {
    const long got = ::syscall(SYS_getdents64, fd, buffer, sizeof buffer);
    if (got < 0) return -errno;
    if (got == 0) return 0;
    for (long at = 0; at < got;) {
      KernelDirent entry;
      std::memcpy(&entry, buffer + at, sizeof entry);
      const char* name = buffer + at + kNameOffset;
      at += entry.record_length;
      if (std::strcmp(name, ".") == 0 || std::strcmp(name, "..") == 0) continue;
      out->push_back({name, entry.type});
    }
  }
}

int Os::lock(int fd, bool exclusive) {
  return checked(::flock(fd, (exclusive ? LOCK_EX : LOCK_SH) | LOCK_NB));
}
int Os::lock_open_file(int fd) {
  struct flock lock{};
  lock.l_type = F_WRLCK;
  lock.l_whence = SEEK_SET;
  return checked(::fcntl(fd, F_OFD_SETLK, &lock));
}
int Os::is_open_file_locked(int fd) {
  struct flock lock{};
  lock.l_type = F_WRLCK;
  lock.l_whence = SEEK_SET;
  const int asked = checked(::fcntl(fd, F_OFD_GETLK, &lock));
  return asked < 0 ? asked : lock.l_type != F_UNLCK;
}
int Os::unlock_open_file(int fd) {
  struct flock lock{};
  lock.l_type = F_UNLCK;
  lock.l_whence = SEEK_SET;
  return checked(::fcntl(fd, F_OFD_SETLK, &lock));
}
int Os::map(int fd, std::size_t size, void** memory) {
  // Of a larger reservation that piece that begins where a large page may, and of whole ones: a file on a
  // hugetlbfs is mapped to the end of its last page, whatever lay there.
  const std::size_t whole = whole_large_pages(size);
  if (whole < size || whole + kLargePageBytes < whole) return -ENOMEM;
  void* const reservation =
      ::mmap(nullptr, whole + kLargePageBytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (reservation == MAP_FAILED) return -errno;
  auto* const begin = static_cast<std::byte*>(reservation);
  const std::size_t before = -reinterpret_cast<std::uintptr_t>(begin) % kLargePageBytes;
  const std::size_t after = kLargePageBytes - before;
  if (before != 0) ::munmap(begin, before);
  ::munmap(begin + before + whole, after);
  void* const mapped =
      ::mmap(begin + before, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED | MAP_NORESERVE, fd, 0);
  if (mapped == MAP_FAILED) {
    const int error = errno;
    ::munmap(begin + before, whole);
    return -error;
  }
  ::madvise(mapped, size, MADV_DONTFORK);
  *memory = mapped;
  return 0;
}
int Os::unmap(void* memory, std::size_t size) {
  return checked(::munmap(memory, whole_large_pages(size)));
}
int Os::populate(void* memory, std::size_t size) {
#ifndef MADV_POPULATE_READ
  constexpr int MADV_POPULATE_READ = 22;  // since Linux 5.14; older headers do not know it
#endif
  return checked(::madvise(memory, size, MADV_POPULATE_READ));
}
int Os::make_large_page(void* memory) {
#ifndef MADV_POPULATE_WRITE
  constexpr int MADV_POPULATE_WRITE = 23;  // since Linux 5.14
#endif
#ifndef MADV_COLLAPSE
  constexpr int MADV_COLLAPSE = 25;  // since Linux 6.1
#endif
  if (page_bytes() != 4096) return -EINVAL;  // a large page is of another size then
  // It is made only of what is not all empty.
  if (::madvise(memory, page_bytes(), MADV_POPULATE_WRITE) < 0) return -errno;
  return checked(::madvise(memory, kLargePageBytes, MADV_COLLAPSE));
}
int Os::syncfs(int fd) {
  return checked(::syncfs(fd));
}
int Os::fsync(int fd) {
  return checked(::fsync(fd));
}
int Os::fstatfs(int fd, struct statfs* out) {
  return checked(::fstatfs(fd, out));
}
int Os::fstatvfs(int fd, struct statvfs* out) {
  return checked(::fstatvfs(fd, out));
}

int Os::inotify_open() {
  return checked(::inotify_init1(IN_CLOEXEC | IN_NONBLOCK));
}
int Os::inotify_watch(int fd, const char* path, std::uint32_t mask) {
  return checked(::inotify_add_watch(fd, path, mask));
}

std::int64_t Os::monotonic_ns() {
  return clock_ns(CLOCK_MONOTONIC);
}
std::int64_t Os::realtime_ns() {
  return clock_ns(CLOCK_REALTIME);
}
std::int64_t Os::boottime_ns() {
  return clock_ns(CLOCK_BOOTTIME);
}
void Os::sleep_ms(int milliseconds) {
  const timespec span{milliseconds / 1000, (milliseconds % 1000) * 1'000'000L};
  ::clock_nanosleep(CLOCK_MONOTONIC, 0, &span, nullptr);
}

uid_t Os::effective_uid() {
  return ::geteuid();
}
int Os::random(void* data, std::size_t size) {
  return checked(static_cast<int>(::getrandom(data, size, 0)));
}

std::string Os::boot_id() {
  const int fd = open(AT_FDCWD, "/proc/sys/kernel/random/boot_id", O_RDONLY);
  if (fd < 0) return {};
  char text[64];
  const ssize_t size = read(fd, text, sizeof text);
  close(fd);
  std::string id(text, size > 0 ? static_cast<std::size_t>(size) : 0);
  while (!id.empty() && id.back() == '\n') id.pop_back();
  return id;
}

Os& Os::real() {
  static Os os;
  return os;
}

}  // namespace okg::base
