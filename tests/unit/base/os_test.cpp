#include "base/os.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/inotify.h>

#include <algorithm>
#include <filesystem>

#include "base/unique_fd.hpp"
#include "support/faulty_os.hpp"
#include "support/temporary_directory.hpp"

namespace okg::base {
namespace {

namespace fs = std::filesystem;

class OsTest : public testing::Test {
 protected:
  test::TemporaryDirectory top;
  Os& os = Os::real();
  UniqueFd root{os.open(AT_FDCWD, top.path().c_str(), O_RDONLY | O_DIRECTORY)};
};

TEST_F(OsTest, GivesNegativeErrnos) {
  struct stat info{};
  EXPECT_EQ(os.open(root.get(), "nothing", O_RDONLY), -ENOENT);
  EXPECT_EQ(os.stat(root.get(), "nothing", &info), -ENOENT);
  EXPECT_EQ(os.mkdir(AT_FDCWD, top.path().c_str(), 0700), -EEXIST);
  EXPECT_EQ(os.close(-1), -EBADF);
  EXPECT_EQ(os.read(-1, nullptr, 0), -EBADF);
  EXPECT_EQ(os.unlink(root.get(), "nothing", true), -ENOENT);
}

TEST_F(OsTest, ListsEveryNameFromTheStartEachTime) {
  for (int i = 0; i < 2000; ++i)
    test::write_file(top / ("file-with-quite-a-long-name-" + std::to_string(i)), "");
  fs::create_directory(top / "directory");
  fs::create_symlink("nowhere", top / "link");
  std::vector<DirectoryEntry> entries;
  for (int round = 0; round < 2; ++round) {
    ASSERT_EQ(os.list_directory(root.get(), &entries), 0);
    EXPECT_EQ(entries.size(), 2002U);
    const auto type_of = [&](const std::string& name) {
      const auto found =
          std::find_if(entries.begin(), entries.end(), [&](const auto& entry) { return entry.name == name; });
      return found == entries.end() ? -1 : static_cast<int>(found->type);
    };
    EXPECT_EQ(type_of("directory"), DT_DIR);
    EXPECT_EQ(type_of("link"), DT_LNK);
    EXPECT_EQ(type_of("file-with-quite-a-long-name-1999"), DT_REG);
    EXPECT_EQ(type_of("."), -1);
    EXPECT_EQ(type_of(".."), -1);
  }
  const UniqueFd file(os.open(root.get(), "file-with-quite-a-long-name-0", O_RDONLY));
  EXPECT_EQ(os.list_directory(file.get(), &entries), -ENOTDIR);
}

TEST_F(OsTest, LooksAtLinksAndNotThroughThem) {
  test::write_file(top / "file", "12345");
  fs::create_symlink("file", top / "link");
  struct stat info{};
  ASSERT_EQ(os.stat(root.get(), "link", &info), 0);
  EXPECT_TRUE(S_ISLNK(info.st_mode));
  char target[16];
  EXPECT_EQ(os.readlink(root.get(), "link", target, sizeof target), 4);
}

TEST_F(OsTest, RenamesWithoutReplacing) {
  test::write_file(top / "a", "a");
  test::write_file(top / "b", "b");
  const int renamed = os.rename_noreplace(root.get(), "a", root.get(), "b");
  EXPECT_TRUE(renamed == -EEXIST || renamed == -EINVAL || renamed == -ENOSYS) << renamed;
  EXPECT_EQ(test::read_file(top / "b"), "b");
  EXPECT_EQ(os.rename(root.get(), "a", root.get(), "b"), 0);
  EXPECT_EQ(test::read_file(top / "b"), "a");
}

TEST_F(OsTest, LocksAndSetsTimes) {
  test::write_file(top / "file", "");
  const UniqueFd one(os.open(root.get(), "file", O_RDONLY));
  const UniqueFd two(os.open(root.get(), "file", O_RDONLY));
  EXPECT_EQ(os.lock(one.get(), false), 0);
  EXPECT_EQ(os.lock(two.get(), false), 0);
  EXPECT_EQ(os.lock(two.get(), true), -EWOULDBLOCK);
  EXPECT_EQ(os.set_mtime(one.get(), {123, 0}), 0);
  EXPECT_EQ(test::mtime_of(top / "file"), 123);
}

TEST_F(OsTest, KnowsTimeAndIdentity) {
  const std::int64_t before = os.monotonic_ns();
  os.sleep_ms(2);
  EXPECT_GE(os.monotonic_ns(), before + 2'000'000);
  EXPECT_GT(os.realtime_ns(), 1'700'000'000'000'000'000);
  EXPECT_EQ(os.effective_uid(), ::geteuid());
  EXPECT_EQ(os.boot_id(), os.boot_id());
  EXPECT_EQ(os.boot_id().find('\n'), std::string::npos);
  std::uint64_t one = 0;
  std::uint64_t two = 0;
  EXPECT_EQ(os.random(&one, sizeof one), 8);
  EXPECT_EQ(os.random(&two, sizeof two), 8);
  EXPECT_NE(one, two);
}

TEST_F(OsTest, Watches) {
  const UniqueFd watch(os.inotify_open());
  ASSERT_GE(watch.get(), 0);
  ASSERT_GE(os.inotify_watch(watch.get(), top.path().c_str(), IN_CREATE), 0);
  char buffer[4096];
  EXPECT_EQ(os.read(watch.get(), buffer, sizeof buffer), -EAGAIN);
  test::write_file(top / "file", "");
  EXPECT_GT(os.read(watch.get(), buffer, sizeof buffer), 0);
  EXPECT_EQ(os.inotify_watch(watch.get(), (top / "nothing").c_str(), IN_CREATE), -ENOENT);
}

TEST(UniqueFd, HasOneOwner) {
  Os& os = Os::real();
  const auto is_open = [](int fd) { return ::fcntl(fd, F_GETFD) >= 0; };
  UniqueFd one(os.open(AT_FDCWD, "/dev/null", O_RDONLY));
  const int number = one.get();
  UniqueFd two(std::move(one));
  EXPECT_FALSE(one);  // NOLINT: what a moved-from one says is promised
  EXPECT_EQ(two.get(), number);
  EXPECT_TRUE(is_open(number));
  UniqueFd three(os.open(AT_FDCWD, "/dev/null", O_RDONLY));
  three = std::move(two);
  EXPECT_EQ(three.get(), number);
  EXPECT_TRUE(is_open(number));
  three.reset();
  EXPECT_FALSE(is_open(number));
  UniqueFd four(os.open(AT_FDCWD, "/dev/null", O_RDONLY));
  const int released = four.release();
  four.reset();
  EXPECT_TRUE(is_open(released));
  ::close(released);
}

// The tool that other tests rely on.
TEST(FaultyOs, FailsWhatItIsToldTo) {
  test::FaultyOs os;
  const auto open = [&] {
    const int fd = os.open(AT_FDCWD, "/dev/null", O_RDONLY);
    if (fd >= 0) ::close(fd);
    return fd < 0 ? fd : 0;
  };
  EXPECT_EQ(open(), 0);
  os.fail_nth(2, EIO);
  EXPECT_EQ(open(), 0);
  EXPECT_EQ(open(), -EIO);
  EXPECT_EQ(open(), 0);
  os.fail_from_nth(1, ENOSPC);
  EXPECT_EQ(open(), -ENOSPC);
  EXPECT_EQ(open(), -ENOSPC);
  EXPECT_EQ(os.failed(), 3U);
  EXPECT_EQ(os.calls(test::Call::open), 6U);
  os.reset();
  EXPECT_EQ(os.calls(), 0U);
  os.fail_every(test::Call::open, EMFILE);
  EXPECT_EQ(open(), -EMFILE);
  os.fail_every(test::Call::open, 0);
  EXPECT_EQ(open(), 0);
  os.interrupt(test::Call::open);
  EXPECT_EQ(open(), -EINTR);
  EXPECT_EQ(open(), 0);
  EXPECT_EQ(open(), -EINTR);
}

}  // namespace
}  // namespace okg::base
