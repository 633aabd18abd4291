// A payload volume and a Detector that looks at it; inotify can be made deaf.
#pragma once

#include <gtest/gtest.h>
#include <poll.h>

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "reload/detector.hpp"
#include "support/faulty_os.hpp"
#include "support/temporary_directory.hpp"

namespace okg::reload {

namespace fs = std::filesystem;

// An inotify that never tells: what it is asked to watch, it does not.
class DeafOs : public test::FaultyOs {
 public:
  int inotify_watch(int fd, const char* path, std::uint32_t mask) override {
    return FaultyOs::inotify_watch(fd, deaf_to.empty() ? path : deaf_to.c_str(), mask);
  }
  std::string deaf_to;  // what is watched instead
};

class DetectorTest : public ::testing::Test {
 protected:
  static void write_log(void* user, base::LogLevel, std::string_view, std::string_view text) {
    static_cast<std::vector<std::string>*>(user)->emplace_back(text);
  }
  static std::string version(char letter) { return std::string(64, letter); }
  void publish(char letter, const std::string& suffix = "") { publish_into(root_, letter, suffix); }
  static void publish_into(const std::string& root, char letter, const std::string& suffix = "") {
    const std::string name = "v/" + version(letter) + suffix;
    fs::create_directories(root + "/" + name);
    fs::remove(root + "/.current.x");
    fs::create_symlink(name, root + "/.current.x");
    fs::rename(root + "/.current.x", root + "/current");
  }
  static bool told(const Detector& detector) {
    pollfd watched{detector.fd(), POLLIN, 0};
    return ::poll(&watched, 1, 0) == 1;  // the kernel has queued it before rename() returned
  }
  bool told() const { return told(detector_); }
  static bool is(const std::optional<Target>& found, char letter, unsigned copy = 0) {
    return found && found->name.text() == version(letter) + (copy == 0 ? "" : "." + std::to_string(copy));
  }
  std::size_t logged(const std::string& part) const {
    std::size_t count = 0;
    for (const std::string& line : log_) count += line.find(part) != std::string::npos ? 1U : 0U;
    return count;
  }

  test::TemporaryDirectory directory_;
  std::string root_ = directory_ / "payload";
  DeafOs os_;
  std::vector<std::string> log_;
  Detector detector_{os_, root_, base::Log(write_log, &log_, base::LogLevel::debug)};
};

}  // namespace okg::reload
