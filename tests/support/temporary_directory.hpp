// A directory of a test's own, gone with all it holds when the test ends.
#pragma once

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <string>
#include <string_view>

namespace okg::test {

class TemporaryDirectory {
 public:
  // In memory, as the run and hot volumes are; /tmp for a disk.
  explicit TemporaryDirectory(const std::string& below = "/dev/shm") {
    path_ = below + "/okg-test-XXXXXX";
    if (::mkdtemp(path_.data()) == nullptr) throw std::runtime_error("mkdtemp " + path_);
    ::chmod(path_.c_str(), 0755);
  }
  TemporaryDirectory(const TemporaryDirectory&) = delete;
  TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;
  ~TemporaryDirectory() { remove(path_); }

  const std::string& path() const { return path_; }
  std::string operator/(std::string_view name) const { return path_ + "/" + std::string(name); }

  // Also what is sealed, and what another uid left (where we may).
  static void remove(const std::string& path) {
    namespace fs = std::filesystem;
    std::error_code ignored;
    if (fs::is_directory(fs::symlink_status(path, ignored))) {
      fs::permissions(path, fs::perms::owner_all, fs::perm_options::add, ignored);
      for (fs::directory_iterator at(path, ignored), end; at != end; at.increment(ignored))
        remove(at->path().string());
    }
    fs::remove(path, ignored);
  }

 private:
  std::string path_;
};

// Makes missing directories; the file's mode is exactly `mode`.
inline void write_file(const std::string& path, std::string_view content, mode_t mode = 0644) {
  std::filesystem::create_directories(std::filesystem::path(path).parent_path());
  std::filesystem::remove(path);
  {
    std::ofstream out(path, std::ios::binary);
    out.write(content.data(), static_cast<std::streamsize>(content.size()));
    if (!out.flush()) throw std::runtime_error("write " + path);
  }
  ::chmod(path.c_str(), mode);
}

inline std::string read_file(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in) throw std::runtime_error("read " + path);
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

inline mode_t mode_of(const std::string& path) {
  struct stat info{};
  if (::lstat(path.c_str(), &info) != 0) throw std::runtime_error("stat " + path);
  return info.st_mode & 07777;
}

inline void set_mtime(const std::string& path, std::int64_t seconds) {
  const timespec times[2] = {{seconds, 0}, {seconds, 0}};
  if (::utimensat(AT_FDCWD, path.c_str(), times, AT_SYMLINK_NOFOLLOW) != 0)
    throw std::runtime_error("utimensat");
}

inline std::int64_t mtime_of(const std::string& path) {
  struct stat info{};
  if (::lstat(path.c_str(), &info) != 0) throw std::runtime_error("stat " + path);
  return info.st_mtim.tv_sec;
}

}  // namespace okg::test
