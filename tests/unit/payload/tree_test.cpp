#include "payload/tree.hpp"

#include <dirent.h>
#include <sys/socket.h>

#include <set>

#include "payload_fixture.hpp"

namespace okg::payload {
namespace {

class TreeTest : public testing::Test {
 protected:
  UniqueFd root() { return open_directory(top.path()); }
  TemporaryDirectory top;
  FaultyOs os;
};

TEST_F(TreeTest, WalksParentsBeforeWhatIsInThem) {
  make_files(top.path(), {{"a/b/c", ""}, {"a/d", ""}, {"e", ""}});
  fs::create_symlink("/etc", top / "link");
  for (const bool hide : {false, true}) {
    os.hide_types = hide;
    std::map<std::string, int> seen;
    const auto walked = walk_tree(os, root().get(), [&](const TreeEntry& found) -> base::Status {
      const auto slash = found.path.rfind('/');
      if (slash != found.path.npos) {
        EXPECT_TRUE(seen.contains(found.path.substr(0, slash)));
      }
      seen[found.path] = found.type;
      return {};
    });
    ASSERT_TRUE(walked) << walked.error().text;
    EXPECT_EQ(seen, (std::map<std::string, int>{{"a", DT_DIR},
                                                {"a/b", DT_DIR},
                                                {"a/b/c", DT_REG},
                                                {"a/d", DT_REG},
                                                {"e", DT_REG},
                                                {"link", DT_LNK}}));
  }
}

TEST_F(TreeTest, StopsAtTheFirstFailureAndWhereItGetsTooDeep) {
  make_files(top.path(), {{"a", ""}, {"b", ""}});
  int calls = 0;
  const auto walked = walk_tree(os, root().get(), [&](const TreeEntry&) -> base::Status {
    ++calls;
    return base::Error(Code::rejected, "no");
  });
  EXPECT_EQ(walked.error().code, Code::rejected);
  EXPECT_EQ(calls, 1);

  std::string deep = "d";
  for (std::size_t i = 1; i < kMostDepth; ++i) deep += "/d";
  make_files(top.path(), {{deep.substr(0, deep.size() - 2) + "/file", ""}});
  const auto all = [](const TreeEntry&) { return base::Status(); };
  EXPECT_TRUE(walk_tree(os, root().get(), all));
  make_files(top.path(), {{deep + "/file", ""}});
  EXPECT_EQ(walk_tree(os, root().get(), all).error().code, Code::bad_path);
}

TEST_F(TreeTest, RemovesWhatIsSealedAndFollowsNoLink) {
  make_files(top.path(), {{"outside/precious", "1"}, {"gone/a/b", "2"}, {"gone/c", "3"}});
  fs::create_directory_symlink("../outside", top / "gone/link");
  fs::create_directory_symlink("../../outside", top / "gone/a/link");
  ASSERT_EQ(::mkfifo((top / "gone/fifo").c_str(), 0600), 0);
  ::chmod((top / "gone/a").c_str(), 0555);
  ::chmod((top / "gone").c_str(), 0555);
  const auto removed = remove_tree(os, root().get(), "gone");
  ASSERT_TRUE(removed) << removed.error().text;
  EXPECT_EQ(names_in(top.path()), std::vector<std::string>{"outside"});
  EXPECT_EQ(read_file(top / "outside/precious"), "1");
}

TEST_F(TreeTest, RemovesLinksFilesAndNothing) {
  make_files(top.path(), {{"outside/precious", "1"}, {"file", ""}});
  fs::create_directory_symlink("outside", top / "link");
  EXPECT_TRUE(remove_tree(os, root().get(), "link"));
  EXPECT_TRUE(remove_tree(os, root().get(), "file"));
  EXPECT_TRUE(remove_tree(os, root().get(), "never was"));
  EXPECT_EQ(names_in(top.path()), std::vector<std::string>{"outside"});
  EXPECT_TRUE(fs::exists(top / "outside/precious"));
}

// Deeper than there are descriptors, and than a path may be long.
TEST_F(TreeTest, RemovesWhatIsVeryDeep) {
  int directory = ::open(top.path().c_str(), O_RDONLY | O_DIRECTORY);
  ASSERT_EQ(::mkdirat(directory, "deep", 0755), 0);
  for (int i = 0; i < 1500; ++i) {
    const int below = ::openat(directory, i == 0 ? "deep" : "d", O_RDONLY | O_DIRECTORY);
    ASSERT_GE(below, 0);
    ASSERT_EQ(::mkdirat(below, "d", 0755), 0);
    ::close(directory);
    directory = below;
  }
  ::close(directory);
  const auto removed = remove_tree(os, root().get(), "deep");
  ASSERT_TRUE(removed) << removed.error().text;
  EXPECT_TRUE(names_in(top.path()).empty());
}

TEST_F(TreeTest, LeavesTheRestWhenToldToStop) {
  make_files(top.path(), {{"gone/a", ""}});
  std::stop_source stop;
  stop.request_stop();
  EXPECT_EQ(remove_tree(os, root().get(), "gone", stop.get_token()).error().code, Code::timeout);
  EXPECT_TRUE(fs::exists(top / "gone/a"));
}

TEST_F(TreeTest, StackOpensEachDirectoryOfSortedPathsOnce) {
  make_files(top.path(), {{"a/1", ""}, {"a/b/2", ""}, {"a/b/3", ""}, {"c/4", ""}, {"5", ""}});
  const UniqueFd directory = root();
  DirectoryStack stack(os, directory.get(), DirectoryStack::Mode::read);
  for (const char* path : {"5", "a/1", "a/b/2", "a/b/3", "c/4"}) {
    const auto parent = stack.parent_of(path);
    ASSERT_TRUE(parent) << path;
    struct stat info{};
    EXPECT_EQ(::fstatat(*parent, fs::path(path).filename().c_str(), &info, 0), 0) << path;
  }
  EXPECT_EQ(os.calls(test::Call::open), 3U);
  EXPECT_EQ(stack.parent_of("nowhere/x").error().code, Code::not_found);
}

TEST_F(TreeTest, StackFollowsNoLink) {
  make_files(top.path(), {{"real/file", ""}});
  fs::create_directory_symlink("real", top / "link");
  const UniqueFd directory = root();
  for (const auto mode : {DirectoryStack::Mode::read, DirectoryStack::Mode::create}) {
    DirectoryStack stack(os, directory.get(), mode);
    EXPECT_EQ(stack.parent_of("link/file").error().code, Code::bad_path);
    EXPECT_EQ(stack.parent_of("real/file/x").error().code, Code::bad_path);
  }
}

TEST_F(TreeTest, StackSealsWhatItMade) {
  const mode_t umask_before = ::umask(077);
  const UniqueFd directory = root();
  DirectoryStack stack(os, directory.get(), DirectoryStack::Mode::create);
  ASSERT_TRUE(stack.parent_of("a/b/1"));
  ASSERT_TRUE(stack.parent_of("c/2"));
  EXPECT_EQ(mode_of(top / "a/b"), 0555U);
  EXPECT_EQ(mode_of(top / "a"), 0555U);
  ASSERT_TRUE(stack.finish());
  EXPECT_EQ(mode_of(top / "c"), 0555U);
  ::umask(umask_before);
}

}  // namespace
}  // namespace okg::payload
