#include "base/files.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/wait.h>

#include <filesystem>

#include "support/faulty_os.hpp"
#include "support/temporary_directory.hpp"

namespace okg::base {
namespace {

namespace fs = std::filesystem;
using test::Call;
using test::read_file;
using test::write_file;

class FilesTest : public testing::Test {
 protected:
  Result<std::string> read(const std::string& path, std::size_t limit = 100) {
    return read_small_file(os, root.get(), path, limit, path);
  }
  test::TemporaryDirectory top;
  UniqueFd root{::open(top.path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
  test::FaultyOs os;
};

TEST_F(FilesTest, OpensNothingThroughALink) {
  write_file(top / "a/b/file", "inside");
  fs::create_symlink("file", top / "a/b/link");
  fs::create_directory_symlink("b", top / "a/directory");
  fs::create_symlink("/etc/passwd", top / "outside");
  for (const int unsupported : {0, ENOSYS, EPERM}) {
    os.fail_every(Call::open_beneath, unsupported);
    EXPECT_TRUE(open_beneath(os, root.get(), "a/b/file", O_RDONLY));
    EXPECT_TRUE(open_beneath(os, root.get(), "a/b", O_RDONLY | O_DIRECTORY));
    for (const char* path : {"a/b/link", "a/directory/file", "outside", "../x", "a/../a/b/file/..",
                             "/etc/passwd", "a/b/file/x", "nothing"})
      EXPECT_FALSE(open_beneath(os, root.get(), path, O_RDONLY)) << path << " with errno " << unsupported;
    EXPECT_EQ(open_beneath(os, root.get(), "a/none", O_RDONLY).error().code, Code::not_found);
  }
  os.fail_every(Call::open_beneath, EIO);
  EXPECT_EQ(open_beneath(os, root.get(), "a/b/file", O_RDONLY).error().code, Code::io);
}

TEST_F(FilesTest, GivesDescriptorsThatAProgramDoesNotInherit) {
  write_file(top / "file", "");
  for (const int unsupported : {0, ENOSYS}) {
    os.fail_every(Call::open_beneath, unsupported);
    const auto fd = open_beneath(os, root.get(), "file", O_RDONLY);
    ASSERT_TRUE(fd);
    EXPECT_NE(::fcntl(fd->get(), F_GETFD) & FD_CLOEXEC, 0);
  }
}

TEST_F(FilesTest, ReadsUpToTheLimit) {
  write_file(top / "file", std::string(100, 'x'));
  EXPECT_EQ(*read("file"), std::string(100, 'x'));
  EXPECT_EQ(read("file", 99).error().code, Code::bad_path);
  write_file(top / "empty", "");
  EXPECT_EQ(*read("empty"), "");
  EXPECT_EQ(*read("empty", 0), "");
  // What the kernel makes up as it is read has no size beforehand.
  const UniqueFd proc(::open("/proc/self", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  const auto status = read_small_file(os, proc.get(), "status", 100'000, "status");
  ASSERT_TRUE(status);
  EXPECT_GT(status->size(), 500U);
  EXPECT_FALSE(read_small_file(os, proc.get(), "status", 200, "status"));
}

TEST_F(FilesTest, ReadsThroughShortAndInterruptedCalls) {
  write_file(top / "file", "0123456789");
  os.shorten(3);
  os.interrupt(Call::read);
  EXPECT_EQ(*read("file"), "0123456789");
}

TEST_F(FilesTest, ReadsOnlyRegularFiles) {
  fs::create_directory(top / "directory");
  ASSERT_EQ(::mkfifo((top / "fifo").c_str(), 0600), 0);
  write_file(top / "file", "x");
  fs::create_symlink("file", top / "link");
  EXPECT_EQ(read("directory").error().code, Code::bad_path);
  EXPECT_EQ(read("fifo").error().code, Code::bad_path);  // and does not wait for a writer
  EXPECT_FALSE(read("link"));
  EXPECT_EQ(read("nothing").error().code, Code::not_found);
  os.fail_every(Call::read, EIO);
  EXPECT_EQ(read("file").error().code, Code::io);
}

TEST_F(FilesTest, ReplacesWholeFiles) {
  const mode_t before = ::umask(077);
  ASSERT_TRUE(replace_file(os, root.get(), "file", "one", 0644));
  os.shorten(1);
  os.interrupt(Call::write);
  ASSERT_TRUE(replace_file(os, root.get(), "file", "another", 0604));
  ::umask(before);
  EXPECT_EQ(read_file(top / "file"), "another");
  EXPECT_EQ(test::mode_of(top / "file"), 0604U);
  // What is there is replaced, not written through.
  write_file(top / "precious", "1");
  fs::create_symlink("precious", top / "link");
  ASSERT_TRUE(replace_file(os, root.get(), "link", "2", 0644));
  EXPECT_EQ(read_file(top / "precious"), "1");
  EXPECT_EQ(read_file(top / "link"), "2");
}

TEST_F(FilesTest, LeavesTheOldFileWhenReplacingFails) {
  ASSERT_TRUE(replace_file(os, root.get(), "file", "old", 0644));
  std::uint64_t n = 0;
  for (bool failed = true; failed;) {
    os.reset();
    os.fail_nth(++n, ENOSPC);
    const auto done = replace_file(os, root.get(), "file", "new", 0644);
    failed = os.failed() > 0;
    os.reset();
    EXPECT_EQ(read_file(top / "file"), done ? "new" : "old") << n;
    EXPECT_EQ(std::distance(fs::directory_iterator(top.path()), {}), 1) << n;
    EXPECT_TRUE(done || done.error().code == Code::no_space) << n;
    ASSERT_TRUE(replace_file(os, root.get(), "file", "old", 0644));
  }
  EXPECT_GT(n, 5U);
}

TEST_F(FilesTest, MakesPrivateDirectories) {
  ASSERT_TRUE(make_private_directories(os, top / "a/b//c/"));
  EXPECT_EQ(test::mode_of(top / "a"), 0700U);
  EXPECT_EQ(test::mode_of(top / "a/b/c"), 0700U);
  ::chmod((top / "a/b").c_str(), 0755);
  ASSERT_TRUE(make_private_directories(os, top / "a/b/d"));
  EXPECT_EQ(test::mode_of(top / "a/b"), 0755U);  // what was there stays as it is
  fs::create_directory_symlink("b", top / "a/mine");
  EXPECT_TRUE(make_private_directories(os, top / "a/mine/e"));
  write_file(top / "file", "");
  EXPECT_FALSE(make_private_directories(os, top / "file"));
  EXPECT_FALSE(make_private_directories(os, top / "file/x"));
  os.fail_every(Call::mkdir, EROFS);
  EXPECT_TRUE(make_private_directories(os, top / "a/b"));
  EXPECT_EQ(make_private_directories(os, top / "new").error().code, Code::denied);
}

// In /tmp anybody may have made the directory that we take for ours.
TEST_F(FilesTest, DoesNotUseWhatSomebodyElseLaidInTheWay) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs root, to give files to somebody else";
  constexpr uid_t kThem = 65534;
  fs::create_directory(top / "tmp");
  ASSERT_EQ(::chmod((top / "tmp").c_str(), 01777), 0);
  fs::create_directory(top / "tmp/okg-0");
  ASSERT_EQ(::chown((top / "tmp/okg-0").c_str(), kThem, kThem), 0);
  EXPECT_EQ(make_private_directories(os, top / "tmp/okg-0").error().code, Code::denied);
  EXPECT_EQ(make_private_directories(os, top / "tmp/okg-0/name/run").error().code, Code::denied);
  EXPECT_TRUE(fs::is_empty(top / "tmp/okg-0"));
  fs::create_directory(top / "mine");
  fs::create_directory_symlink("../mine", top / "tmp/link");
  ASSERT_EQ(::lchown((top / "tmp/link").c_str(), kThem, kThem), 0);
  EXPECT_EQ(make_private_directories(os, top / "tmp/link/run").error().code, Code::denied);
  EXPECT_TRUE(fs::is_empty(top / "mine"));
  // Where only its owner can have made it, it is meant: XDG_RUNTIME_DIR of the user who called sudo.
  fs::create_directory(top / "user");
  ASSERT_EQ(::chown((top / "user").c_str(), kThem, kThem), 0);
  EXPECT_TRUE(make_private_directories(os, top / "user/okg-0/run"));
}

}  // namespace
}  // namespace okg::base
