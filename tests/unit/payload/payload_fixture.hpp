// What the tests of the payload room share: files, images, a volume, and a reader that trusts nothing.
#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <functional>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "base/files.hpp"
#include "base/os.hpp"
#include "payload/layout.hpp"
#include "payload/pack.hpp"
#include "payload/publish.hpp"
#include "payload/read.hpp"
#include "payload/verify.hpp"
#include "support/faulty_os.hpp"
#include "support/temporary_directory.hpp"

namespace okg::payload {

namespace fs = std::filesystem;
using base::Code;
using base::Os;
using base::UniqueFd;
using test::FaultyOs;
using test::mode_of;
using test::read_file;
using test::TemporaryDirectory;
using test::write_file;

using Files = std::map<std::string, std::string>;  // path -> content; "*" before a path: executable

inline void make_files(const std::string& directory, const Files& files) {
  fs::create_directories(directory);
  for (const auto& [path, content] : files) {
    const bool executable = path[0] == '*';
    write_file(directory + "/" + path.substr(executable ? 1 : 0), content, executable ? 0755 : 0644);
  }
}

inline UniqueFd open_directory(const std::string& path) {
  return UniqueFd(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
}

// The names in a directory, hidden ones too.
inline std::vector<std::string> names_in(const std::string& directory) {
  std::vector<std::string> names;
  if (!fs::exists(fs::symlink_status(directory))) return names;
  for (const auto& entry : fs::directory_iterator(directory))
    names.push_back(entry.path().filename().string());
  std::sort(names.begin(), names.end());
  return names;
}

// Runs `body` in a child process; its exit code, or minus the number of the signal that ended it.
inline int in_child(const std::function<int()>& body) {
  const pid_t child = ::fork();
  if (child == 0) {
    int code = 99;
    try {
      code = body();
    } catch (...) {
    }
    ::_exit(code);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

// What is in use on a volume, verified; by content.
inline base::Result<Files> read_volume(Os& os, const std::string& path, Digest* digest = nullptr) {
  const UniqueFd root = open_directory(path);
  const auto version = open_current(os, root.get());
  if (!version) return version.error();
  const auto payload = verify(os, version->fd.get(), version->name.digest);
  if (!payload) return payload.error();
  if (digest != nullptr) *digest = version->name.digest;
  Files files;
  for (const ListEntry& entry : payload->list.entries()) {
    auto content = base::read_small_file(os, payload->files.get(), entry.path, entry.size, entry.path);
    if (!content) return content.error();
    files.emplace((entry.executable ? "*" : "") + entry.path, std::move(*content));
  }
  return files;
}

class PayloadTest : public testing::Test {
 protected:
  PayloadTest() {
    fs::create_directory(volume);
    fs::create_directory(run);
    ::chmod(volume.c_str(), 0755);
  }

  // DIR with files/, packed.
  std::string image(const std::string& version, const Files& files) {
    const std::string directory = top / ("image-" + version);
    make_files(directory + "/files", files);
    PackOptions pack;
    pack.version = version;
    const auto packed = pack_directory(os, directory, pack);
    EXPECT_TRUE(packed) << packed.error().text;
    return directory;
  }

  PublishOptions options(const std::string& from) {
    PublishOptions made;
    made.from = from;
    made.to = volume;
    made.run = run;
    made.lock_wait = std::chrono::milliseconds(0);
    made.log = base::Log(
        [](void* user, base::LogLevel level, std::string_view, std::string_view text) {
          if (level <= base::LogLevel::warn) static_cast<std::vector<std::string>*>(user)->emplace_back(text);
        },
        &warnings, base::LogLevel::info);
    return made;
  }

  base::Result<Published> publish_from(const std::string& from) { return publish(os, options(from)); }

  Files in_use() {
    const auto files = read_volume(Os::real(), volume);
    EXPECT_TRUE(files) << files.error().text;
    return files ? *files : Files();
  }

  std::string current() const { return fs::read_symlink(volume + "/current").string(); }
  std::string version_directory(const Digest& digest) const { return volume + "/v/" + digest.hex(); }
  Digest digest_of(const std::string& directory) { return *payload_digest(os, directory); }
  std::size_t staged() const { return names_in(volume + "/.staging").size(); }

  TemporaryDirectory top;
  std::string volume = top / "volume";
  std::string run = top / "run";
  FaultyOs os;
  std::vector<std::string> warnings;
};

}  // namespace okg::payload
