// Noticing that `current` moved, with the kernel's own inotify.
#include <fcntl.h>
#include <unistd.h>

#include "unit/reload/detector_fixture.hpp"

namespace okg::reload {
namespace {

using test::Call;

TEST_F(DetectorTest, FindsWhatIsThereOnce) {
  publish('a');
  const auto found = detector_.look();
  ASSERT_TRUE(is(found, 'a'));
  struct stat info{};
  ASSERT_EQ(::stat((root_ + "/v/" + version('a')).c_str(), &info), 0);
  EXPECT_EQ(found->inode, info.st_ino);
  EXPECT_FALSE(detector_.look());
  EXPECT_FALSE(detector_.polling());
  EXPECT_EQ(detector_.poll_interval_ms(), 1000);
  EXPECT_EQ(detector_.trouble(), "");
}

TEST_F(DetectorTest, IsToldOfEveryPublish) {
  publish('a');
  detector_.look();
  for (const char letter : {'b', 'c', 'a'}) {
    EXPECT_FALSE(told());
    publish(letter);
    ASSERT_TRUE(told());
    EXPECT_TRUE(is(detector_.look_after_events(), letter));
    EXPECT_FALSE(told());
  }
}

TEST_F(DetectorTest, TheNewestOfManyIsFound) {
  publish('a');
  detector_.look();
  for (const char letter : {'b', 'c', 'd'}) publish(letter);
  EXPECT_TRUE(is(detector_.look_after_events(), 'd'));
  EXPECT_FALSE(detector_.look_after_events());
}

TEST_F(DetectorTest, ThereAndBackAgainIsNothing) {
  publish('a');
  detector_.look();
  publish('b');
  publish('a');
  EXPECT_FALSE(detector_.look_after_events());
}

TEST_F(DetectorTest, AGoodCopyAndANewDirectoryAreNews) {
  publish('a');
  detector_.look();
  publish('a', ".1");
  EXPECT_TRUE(is(detector_.look_after_events(), 'a', 1));
  fs::rename(root_ + "/v/" + version('a') + ".1", root_ + "/old");  // keeps its inode from being taken again
  publish('a', ".1");
  EXPECT_TRUE(is(detector_.look_after_events(), 'a', 1)) << "another inode under the same name";
}

TEST_F(DetectorTest, ALinkThatComesBeforeItsContentIsFoundAgainWithIt) {
  fs::create_directories(root_);
  fs::create_symlink("v/" + version('a'), root_ + "/current");
  const auto dangling = detector_.look();
  ASSERT_TRUE(is(dangling, 'a'));
  EXPECT_EQ(dangling->inode, 0U);
  fs::create_directories(root_ + "/v/" + version('a'));
  const auto whole = detector_.look();
  ASSERT_TRUE(is(whole, 'a'));
  EXPECT_NE(whole->inode, 0U);
}

TEST_F(DetectorTest, TheWatchIsSetBeforeTheLinkIsRead) {
  publish('a');
  std::vector<Call> calls;
  os_.before_each([&](std::uint64_t, Call call) { calls.push_back(call); });
  detector_.look();
  const auto watch = std::find(calls.begin(), calls.end(), Call::inotify_watch);
  EXPECT_NE(std::find(watch, calls.end(), Call::readlink), calls.end());
  EXPECT_EQ(std::find(calls.begin(), watch, Call::readlink), watch);
}

TEST_F(DetectorTest, APublishAtAnyPointOfTheFirstLookIsNotLost) {
  publish('a');
  detector_.look();
  const std::uint64_t calls = os_.calls();
  for (std::uint64_t at = 1; at <= calls; ++at) {
    test::TemporaryDirectory directory;
    test::FaultyOs os;
    publish_into(directory.path(), 'a');
    Detector detector(os, directory.path(), {});
    os.before_each([&](std::uint64_t n, Call) {
      if (n == at) publish_into(directory.path(), 'b');
    });
    auto found = detector.look();
    os.before_each(nullptr);
    if (is(found, 'b')) continue;
    ASSERT_TRUE(told(detector)) << "published before call " << at << ", and nobody is told";
    EXPECT_TRUE(is(detector.look_after_events(), 'b')) << "published before call " << at;
  }
}

TEST_F(DetectorTest, ARootThatComesLateIsFound) {
  EXPECT_FALSE(detector_.look());
  EXPECT_EQ(detector_.root(), -1);
  EXPECT_TRUE(detector_.polling());
  EXPECT_EQ(detector_.poll_interval_ms(), 250);
  EXPECT_NE(detector_.trouble(), "");
  EXPECT_FALSE(detector_.look_after_interval());
  EXPECT_EQ(logged("payload volume"), 1U) << "said once, not four times a second";

  fs::create_directories(root_);
  EXPECT_FALSE(detector_.look_after_interval());
  EXPECT_NE(detector_.trouble().find("nothing is published"), std::string::npos);
  EXPECT_FALSE(detector_.polling());
  publish('a');
  ASSERT_TRUE(told());
  EXPECT_TRUE(is(detector_.look_after_events(), 'a'));
  EXPECT_EQ(detector_.trouble(), "");
}

TEST_F(DetectorTest, ARootThatIsDeletedAndMadeAnewIsFollowed) {
  publish('a');
  detector_.look();
  const unsigned generation = detector_.fd_generation();
  fs::remove_all(root_);
  ASSERT_TRUE(told());
  EXPECT_FALSE(detector_.look_after_events());
  EXPECT_NE(detector_.fd_generation(), generation);
  EXPECT_EQ(detector_.root(), -1);

  publish('b');
  EXPECT_TRUE(is(detector_.look_after_interval(), 'b'));
  EXPECT_FALSE(detector_.polling());
  publish('c');
  ASSERT_TRUE(told()) << "the new root is watched";
  EXPECT_TRUE(is(detector_.look_after_events(), 'c'));
}

TEST_F(DetectorTest, ARootThatIsReplacedByRenameIsFollowed) {
  publish('a');
  detector_.look();
  fs::rename(root_, directory_ / "old");
  publish('b');
  EXPECT_TRUE(is(detector_.look_after_interval(), 'b'));
  publish('c');
  ASSERT_TRUE(told());
  EXPECT_TRUE(is(detector_.look_after_events(), 'c'));
}

TEST_F(DetectorTest, TheSamePayloadOnAnotherVolumeIsNotTakenForSeen) {
  publish('a');
  ASSERT_TRUE(detector_.look());
  fs::rename(root_, directory_ / "old");
  publish('a');
  EXPECT_TRUE(is(detector_.look_after_interval(), 'a')) << "another directory: its inode says so";
}

}  // namespace
}  // namespace okg::reload
