// Publishers, readers and somebody hostile, all at once.
#include <linux/fs.h>
#include <sys/syscall.h>

#include <atomic>
#include <thread>

#include "payload_fixture.hpp"

namespace okg::payload {
namespace {

class RaceTest : public PayloadTest {
 protected:
  static Files content(int version) {
    Files files;
    for (int i = 0; i < 20; ++i) files["a/" + std::to_string(i)] = std::to_string(i % 3 == 0 ? 0 : version);
    return files;
  }
  static void exchange(const std::string& a, const std::string& b) {
    ::syscall(SYS_renameat2, AT_FDCWD, a.c_str(), AT_FDCWD, b.c_str(), RENAME_EXCHANGE);
  }
};

TEST_F(RaceTest, ReadersSeeWholePayloadsWhilePublishersWork) {
  std::vector<std::string> images;
  std::vector<Files> contents;
  for (int i = 0; i < 4; ++i) {
    images.push_back(image(std::to_string(i), content(i)));
    contents.push_back(content(i));
  }
  ASSERT_TRUE(publish_from(images[0]));
  std::atomic<bool> done = false;
  std::atomic<int> reads = 0;
  std::atomic<int> wrong = 0;
  std::vector<std::string> publish_errors;
  {
    std::vector<std::jthread> readers;
    for (int i = 0; i < 2; ++i)
      readers.emplace_back([&] {
        while (!done) {
          const auto files = read_volume(Os::real(), volume);
          if (!files) {
            // Only what a reader tries again for: the version it was on its way to has been collected.
            if (!files.error().retriable) ++wrong;
            continue;
          }
          ++reads;
          if (std::find(contents.begin(), contents.end(), *files) == contents.end()) ++wrong;
        }
      });
    std::vector<std::jthread> publishers;
    std::mutex mutex;
    for (int who = 0; who < 2; ++who)
      publishers.emplace_back([&, who] {
        for (int i = 0; i < 60; ++i) {
          PublishOptions chosen;
          chosen.from = images[static_cast<std::size_t>(i + who) % images.size()];
          chosen.to = volume;
          chosen.run = run;
          chosen.keep = 1;
          chosen.lock_wait = std::chrono::minutes(1);
          const auto published = publish(Os::real(), chosen);
          const std::lock_guard hold(mutex);
          if (!published) publish_errors.push_back(published.error().text);
        }
      });
    publishers.clear();
    while (reads == 0) std::this_thread::yield();
    done = true;
  }
  EXPECT_TRUE(publish_errors.empty()) << publish_errors[0];
  EXPECT_EQ(wrong, 0);
  EXPECT_EQ(staged(), 0U);
  const auto files = in_use();
  EXPECT_NE(std::find(contents.begin(), contents.end(), files), contents.end());
}

TEST_F(RaceTest, TwoProcessesPublishAtOnce) {
  const std::string first = image("1", content(1));
  const std::string second = image("2", content(2));
  for (int round = 0; round < 20; ++round) {
    TemporaryDirectory::remove(volume);
    fs::create_directory(volume);
    int gate[2];
    ASSERT_EQ(::pipe(gate), 0);
    std::vector<pid_t> children;
    for (const std::string& from : {first, second}) {
      const pid_t child = ::fork();
      if (child == 0) {
        char byte = 0;
        ::close(gate[1]);
        (void)!::read(gate[0], &byte, 1);  // both start when the parent closes its end
        auto chosen = options(from);
        chosen.lock_wait = std::chrono::minutes(1);
        ::_exit(publish(Os::real(), chosen) ? 0 : 1);
      }
      children.push_back(child);
    }
    ::close(gate[0]);
    ::close(gate[1]);
    for (const pid_t child : children) {
      int status = 0;
      ::waitpid(child, &status, 0);
      EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    }
    const auto files = in_use();
    EXPECT_TRUE(files == content(1) || files == content(2));
    EXPECT_EQ(names_in(volume + "/v").size(), 2U);
    EXPECT_EQ(staged(), 0U);
  }
}

// Somebody with write access swaps links and directories under a reader's hands. Whatever a verification
// vouches for is the payload and nothing else; what was never inside is never read.
TEST_F(RaceTest, SwapsNeverLeadAReaderAstray) {
  const std::string good = image("1", content(1));
  ASSERT_TRUE(publish_from(good));
  const std::string hex = digest_of(good).hex();
  const std::string version = volume + "/v/" + hex;

  // Outside: the same names, other content, and the very same manifest and list.
  Files evil = content(1);
  for (auto& [path, text] : evil) text = "E";
  make_files(top / "outside/files", evil);
  fs::copy(version + "/manifest.json", top / "outside/manifest.json");
  fs::copy(version + "/files.list", top / "outside/files.list");
  // Links to it and copies of it, lying ready on the volume.
  for (const std::string& path : {version, version + "/files"}) ::chmod(path.c_str(), 0755);
  fs::create_symlink("../outside", volume + "/current.evil");
  fs::create_directory_symlink("../../outside", volume + "/v/link");
  fs::copy(top / "outside", volume + "/v/copy", fs::copy_options::recursive);
  fs::create_directory_symlink("../../../outside/files", version + "/files.link");
  fs::copy(top / "outside/files", version + "/files.copy", fs::copy_options::recursive);

  std::atomic<bool> done = false;
  std::atomic<int> swaps = 0;
  std::vector<std::jthread> attackers;
  const auto swap_for_ever = [&](const std::string& a, const std::string& b) {
    attackers.emplace_back([&, a, b] {
      while (!done) {
        exchange(a, b);
        ++swaps;
        exchange(a, b);
      }
    });
  };
  swap_for_ever(volume + "/current", volume + "/current.evil");
  swap_for_ever(version, volume + "/v/link");
  swap_for_ever(version, volume + "/v/copy");
  swap_for_ever(version + "/files", version + "/files.link");
  swap_for_ever(version + "/files", version + "/files.copy");

  int sound = 0;
  int refused = 0;
  const UniqueFd root = open_directory(volume);
  for (const int unsupported : {0, ENOSYS}) {
    os.fail_every(test::Call::open_beneath, unsupported);
    for (int i = 0; i < 3000 || (sound == 0 && i < 100'000); ++i) {
      const auto opened = open_current(os, root.get());
      if (!opened) {
        ++refused;
        continue;
      }
      const auto payload = verify(os, opened->fd.get(), opened->name.digest);
      if (!payload) {
        ++refused;
        continue;
      }
      ++sound;
      for (const ListEntry& entry : payload->list.entries()) {
        const auto text = base::read_small_file(os, payload->files.get(), entry.path, 100, entry.path);
        ASSERT_TRUE(text) << text.error().text;  // the directory that was verified is the one that is held
        ASSERT_NE(*text, "E");
      }
    }
  }
  done = true;
  attackers.clear();
  EXPECT_GT(swaps, 0);
  EXPECT_GT(refused, 0);
  EXPECT_GT(sound, 0);
}

// The same below files/, while it is being verified.
TEST_F(RaceTest, SwapsOfFilesAreNoticedOrHarmless) {
  const std::string from = image("1", content(1));
  ASSERT_TRUE(publish_from(from));
  const std::string version = version_directory(digest_of(from));
  for (const std::string& path : {version, version + "/files", version + "/files/a"})
    ::chmod(path.c_str(), 0755);
  write_file(top / "secret", "1");  // as long as the file whose place it takes
  fs::create_symlink(top / "secret", version + "/link");
  fs::create_directory_symlink("../../outside", version + "/directory");
  fs::create_directory(top / "outside");
  std::atomic<bool> done = false;
  std::jthread attacker([&] {
    while (!done) {
      exchange(version + "/files/a/1", version + "/link");
      exchange(version + "/files/a/1", version + "/link");
      exchange(version + "/files/a", version + "/directory");
      exchange(version + "/files/a", version + "/directory");
    }
  });
  const auto accessed = [&] {
    struct stat secret{};
    EXPECT_EQ(::stat((top / "secret").c_str(), &secret), 0);
    return std::pair(secret.st_atim.tv_sec, secret.st_atim.tv_nsec);
  };
  const auto before = accessed();
  const UniqueFd root = open_directory(volume);
  int refused = 0;
  for (int i = 0; i < 300 || (refused == 0 && i < 100'000); ++i) {
    const auto opened = open_current(os, root.get());
    ASSERT_TRUE(opened);
    if (!verify(os, opened->fd.get(), opened->name.digest)) ++refused;
  }
  done = true;
  attacker.join();
  EXPECT_GT(refused, 0);
  EXPECT_EQ(accessed(), before) << "what is outside was read";
  ASSERT_EQ(read_file(top / "secret"), "1");
  if (accessed() == before) GTEST_SKIP() << "reading leaves no trace on this file system (noatime)";
}

}  // namespace
}  // namespace okg::payload
