#include "payload/read.hpp"

#include <sys/file.h>

#include "payload/sha256.hpp"
#include "payload_fixture.hpp"

namespace okg::payload {
namespace {

class ReadTest : public testing::Test {
 protected:
  ReadTest() { fs::create_directory(top / "v"); }
  VersionName add(const std::string& seed, unsigned copy = 0) {
    const VersionName name{sha256(seed), copy};
    fs::create_directory(top / name.target());
    return name;
  }
  void point(const std::string& target) {
    fs::remove(top / "current");
    fs::create_symlink(target, top / "current");
  }
  TemporaryDirectory top;
  UniqueFd root = open_directory(top.path());
  FaultyOs os;
};

TEST_F(ReadTest, FindsNoCurrentWhenNothingWasPublished) {
  const auto link = read_current(os, root.get());
  ASSERT_TRUE(link);
  EXPECT_FALSE(*link);
  EXPECT_EQ(open_current(os, root.get()).error().code, Code::not_found);
}

TEST_F(ReadTest, ReadsCurrentAndItsOwner) {
  const VersionName name = add("a", 3);
  point(name.target());
  const auto link = read_current(os, root.get());
  ASSERT_TRUE(link && *link);
  EXPECT_EQ((*link)->name, name);
  EXPECT_EQ((*link)->owner, ::geteuid());
  if (::geteuid() == 0) {
    ASSERT_EQ(::lchown((top / "current").c_str(), 65534, 65534), 0);
    EXPECT_EQ((*read_current(os, root.get()))->owner, 65534U);
  }
}

TEST_F(ReadTest, RefusesACurrentThatIsNotOurs) {
  const std::string hex = sha256("a").hex();
  add("a");
  for (const std::string& target : {std::string("../.."), std::string("/etc"), top / ("v/" + hex),
                                    "v/" + hex + "/", "./v/" + hex, "v/../v/" + hex, std::string("v"),
                                    std::string("current"), std::string(300, 'x'), std::string("v/x")}) {
    point(target);
    EXPECT_EQ(read_current(os, root.get()).error().code, Code::bad_path) << target;
    EXPECT_EQ(open_current(os, root.get()).error().code, Code::bad_path) << target;
  }
  fs::remove(top / "current");
  fs::create_directory(top / "current");
  EXPECT_EQ(read_current(os, root.get()).error().code, Code::bad_path);
  fs::remove(top / "current");
  write_file(top / "current", "v/" + hex);
  EXPECT_EQ(read_current(os, root.get()).error().code, Code::bad_path);
}

// Retriable: some shared volumes show the link before what it leads to.
TEST_F(ReadTest, WaitsForAVersionThatIsNotThereYet) {
  point(VersionName{sha256("a"), 0}.target());
  const auto version = open_current(os, root.get());
  ASSERT_FALSE(version);
  EXPECT_EQ(version.error().code, Code::io);
  EXPECT_TRUE(version.error().retriable);
  add("a");
  EXPECT_TRUE(open_current(os, root.get()));
}

TEST_F(ReadTest, OpensNothingThroughALink) {
  fs::create_directory(top / "elsewhere");
  const VersionName name{sha256("a"), 0};
  for (const int unsupported : {0, ENOSYS, EPERM}) {
    os.fail_every(test::Call::open_beneath, unsupported);
    fs::remove_all(top / name.target());
    fs::create_directory_symlink("../elsewhere", top / name.target());
    EXPECT_EQ(open_version(os, root.get(), name).error().code, Code::bad_path);
    fs::remove(top / name.target());
    write_file(top / name.target(), "");
    EXPECT_EQ(open_version(os, root.get(), name).error().code, Code::bad_path);
    fs::remove(top / name.target());
    fs::create_directory(top / name.target());
    EXPECT_TRUE(open_version(os, root.get(), name));
    fs::rename(top / "v", top / "w");
    fs::create_directory_symlink("w", top / "v");
    EXPECT_FALSE(open_version(os, root.get(), name));
    fs::remove(top / "v");
    fs::rename(top / "w", top / "v");
  }
}

TEST_F(ReadTest, HoldsASharedLock) {
  const VersionName name = add("a");
  {
    const auto one = open_version(os, root.get(), name);
    const auto two = open_version(os, root.get(), name);
    ASSERT_TRUE(one && two);
    struct stat info{};
    ASSERT_EQ(::stat((top / name.target()).c_str(), &info), 0);
    EXPECT_EQ(one->inode, info.st_ino);
    EXPECT_EQ(one->device, info.st_dev);
    const UniqueFd collector = open_directory(top / name.target());
    EXPECT_EQ(::flock(collector.get(), LOCK_EX | LOCK_NB), -1);
  }
  const UniqueFd collector = open_directory(top / name.target());
  ASSERT_EQ(::flock(collector.get(), LOCK_EX | LOCK_NB), 0);
  const auto version = open_version(os, root.get(), name);
  ASSERT_FALSE(version);
  EXPECT_EQ(version.error().code, Code::busy);
  EXPECT_TRUE(version.error().retriable);
}

// A collector that is killed between moving a version away and removing it leaves a reader with the wrong
// directory.
TEST_F(ReadTest, NoticesThatTheNameLeadsElsewhereOnceItIsLocked) {
  const VersionName name = add("a");
  bool moved = false;
  os.before_each([&](std::uint64_t, test::Call kind) {
    if (kind != test::Call::lock || moved) return;
    moved = true;
    fs::rename(top / name.target(), top / "gc.a");
    fs::create_directory(top / name.target());
  });
  const auto version = open_version(os, root.get(), name);
  ASSERT_TRUE(version) << version.error().text;
  struct stat info{};
  ASSERT_EQ(::stat((top / name.target()).c_str(), &info), 0);
  EXPECT_EQ(version->inode, info.st_ino);

  os.before_each([&](std::uint64_t, test::Call kind) {
    if (kind == test::Call::lock && fs::exists(top / name.target())) fs::remove(top / name.target());
  });
  EXPECT_EQ(open_version(os, root.get(), name).error().code, Code::io);
  int turn = 0;
  fs::create_directory(top / name.target());
  os.before_each([&](std::uint64_t, test::Call kind) {
    if (kind != test::Call::lock) return;
    fs::rename(top / name.target(), top / ("aside" + std::to_string(turn++)));
    fs::create_directory(top / name.target());
  });
  EXPECT_EQ(open_version(os, root.get(), name).error().code, Code::busy);
}

TEST_F(ReadTest, FollowsCurrentWhenItMovesMeanwhile) {
  const VersionName old_name = add("old");
  const VersionName new_name = add("new");
  point(old_name.target());
  bool moved = false;
  os.before_each([&](std::uint64_t, test::Call kind) {
    if (kind != test::Call::open_beneath || moved) return;
    moved = true;
    fs::remove(top / old_name.target());
    point(new_name.target());
  });
  const auto version = open_current(os, root.get());
  ASSERT_TRUE(version) << version.error().text;
  EXPECT_EQ(version->name, new_name);
}

TEST_F(ReadTest, WorksWhereThereAreNoLocks) {
  const VersionName name = add("a");
  for (const int error : {ENOSYS, EOPNOTSUPP, ENOLCK}) {
    os.fail_every(test::Call::lock, error);
    EXPECT_TRUE(open_version(os, root.get(), name)) << error;
  }
  os.fail_every(test::Call::lock, EIO);
  EXPECT_EQ(open_version(os, root.get(), name).error().code, Code::io);
}

TEST_F(ReadTest, FindsTheLowestCopy) {
  EXPECT_FALSE(*find_version(os, root.get(), sha256("a")));
  add("b");
  add("a", 12);
  add("a", 2);
  write_file(top / "v/junk", "");
  EXPECT_EQ((*find_version(os, root.get(), sha256("a")))->copy, 2U);
  add("a");
  EXPECT_EQ((*find_version(os, root.get(), sha256("a")))->copy, 0U);
  fs::remove_all(top / "v");
  const auto none = find_version(os, root.get(), sha256("a"));
  ASSERT_TRUE(none);
  EXPECT_FALSE(*none);
}

}  // namespace
}  // namespace okg::payload
