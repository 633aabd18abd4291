// Noticing that `current` moved, with the kernel's own inotify.
#include "reload/detector.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <vector>

#include "support/faulty_os.hpp"
#include "support/temporary_directory.hpp"

namespace okg::reload {
namespace {

namespace fs = std::filesystem;
using test::Call;

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

TEST_F(DetectorTest, WithoutInotifyItPollsUntilThereIsSome) {
  publish('a');
  os_.fail_every(Call::inotify_open, EMFILE);
  EXPECT_TRUE(is(detector_.look(), 'a'));
  EXPECT_EQ(detector_.fd(), -1);
  EXPECT_TRUE(detector_.polling());
  EXPECT_EQ(detector_.poll_interval_ms(), 250);
  EXPECT_EQ(logged("fs.inotify.max_user_instances"), 1U);
  publish('b');
  EXPECT_TRUE(is(detector_.look_after_interval(), 'b'));
  EXPECT_EQ(logged("fs.inotify.max_user_instances"), 1U) << "said once";

  os_.fail_every(Call::inotify_open, 0);
  EXPECT_FALSE(detector_.look_after_interval());
  EXPECT_FALSE(detector_.polling());
  EXPECT_EQ(detector_.poll_interval_ms(), 1000);
  publish('c');
  ASSERT_TRUE(told());
  EXPECT_TRUE(is(detector_.look_after_events(), 'c'));
}

TEST_F(DetectorTest, WithoutAWatchItPollsAndLeaksNothing) {
  publish('a');
  os_.fail_every(Call::inotify_watch, ENOSPC);
  const auto open_now = [] { return std::distance(fs::directory_iterator("/proc/self/fd"), {}); };
  EXPECT_TRUE(is(detector_.look(), 'a'));
  const auto before = open_now();
  for (int i = 0; i < 10; ++i) detector_.look_after_interval();
  EXPECT_EQ(open_now(), before);
  EXPECT_EQ(logged("fs.inotify.max_user_watches"), 1U);
}

TEST_F(DetectorTest, ADeafInotifyIsNoticed) {
  os_.deaf_to = directory_.path();
  publish('a');
  EXPECT_TRUE(is(detector_.look(), 'a'));
  EXPECT_FALSE(detector_.polling());
  publish('b');
  EXPECT_TRUE(is(detector_.look_after_interval(), 'b'));
  EXPECT_TRUE(detector_.polling());
  EXPECT_EQ(detector_.poll_interval_ms(), 250);
  EXPECT_EQ(logged("tells nothing"), 1U);
  publish('c');
  EXPECT_TRUE(is(detector_.look_after_interval(), 'c'));
  EXPECT_EQ(logged("tells nothing"), 1U) << "said once";
}

TEST_F(DetectorTest, AnEventProvesThatItHears) {
  os_.deaf_to = directory_.path();
  publish('a');
  detector_.look();
  publish('b');
  detector_.look_after_interval();
  ASSERT_TRUE(detector_.polling());
  fs::create_directory(directory_ / "something");  // heard, through the watch that lies elsewhere
  detector_.look_after_events();
  EXPECT_FALSE(detector_.polling());
}

TEST_F(DetectorTest, WhatInotifyToldInTimeDoesNotMakeItDeaf) {
  publish('a');
  detector_.look();
  publish('b');  // the interval is over before the loop came to the event
  EXPECT_TRUE(is(detector_.look_after_interval(), 'b'));
  EXPECT_FALSE(detector_.polling());
}

TEST_F(DetectorTest, WhatInotifyTellsDuringTheLookDoesNotMakeItDeaf) {
  publish('a');
  detector_.look();
  os_.reset();
  detector_.look_after_interval();
  const std::uint64_t calls = os_.calls();
  for (std::uint64_t at = 1; at <= calls; ++at) {
    const char letter = at % 2 == 0 ? 'a' : 'b';
    os_.reset();
    os_.before_each([&](std::uint64_t n, Call) {
      if (n == at) publish(letter);
    });
    auto found = detector_.look_after_interval();
    os_.before_each(nullptr);
    EXPECT_FALSE(detector_.polling()) << "published before call " << at;
    if (!found) found = detector_.look_after_events();
    EXPECT_TRUE(is(found, letter)) << "published before call " << at;
  }
}

TEST_F(DetectorTest, AnOverflowIsCountedAndAnsweredByALook) {
  publish('a');
  detector_.look();
  std::size_t room = 16'384;
  if (const std::string path = "/proc/sys/fs/inotify/max_queued_events"; fs::exists(path))
    room = std::stoul(test::read_file(path));
  if (room > 200'000) GTEST_SKIP() << "fs.inotify.max_queued_events is " << room;
  for (std::size_t i = 0; i < room + 4'000; ++i) {
    const int fd = ::open((root_ + "/x" + std::to_string(i)).c_str(), O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
    ASSERT_GE(fd, 0);
    ::close(fd);
  }
  publish('b');  // of this no event is left
  EXPECT_EQ(detector_.overflows(), 0U);
  EXPECT_TRUE(is(detector_.look_after_events(), 'b'));
  EXPECT_EQ(detector_.overflows(), 1U);
  EXPECT_FALSE(detector_.polling());
  EXPECT_FALSE(told());
  publish('c');
  ASSERT_TRUE(told());
  EXPECT_TRUE(is(detector_.look_after_events(), 'c'));
}

TEST_F(DetectorTest, DescriptorsBeyondAThousandWork) {
  rlimit limit{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &limit), 0);
  const rlimit before = limit;
  limit.rlim_cur = std::min<rlim_t>(limit.rlim_max, 4'096);
  if (limit.rlim_cur < 1'200) GTEST_SKIP() << "no more than " << limit.rlim_cur << " descriptors here";
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &limit), 0);
  std::vector<base::UniqueFd> many;
  while (many.empty() || many.back().get() <= 1'024) {
    many.emplace_back(::open("/dev/null", O_RDONLY | O_CLOEXEC));
    ASSERT_TRUE(many.back());
  }
  publish('a');
  EXPECT_TRUE(is(detector_.look(), 'a'));
  EXPECT_GT(detector_.fd(), 1'024);
  publish('b');
  ASSERT_TRUE(told());
  EXPECT_TRUE(is(detector_.look_after_events(), 'b'));
  many.clear();
  ::setrlimit(RLIMIT_NOFILE, &before);
}

TEST_F(DetectorTest, ClocksDecideNothing) {
  constexpr std::int64_t kTenYears = std::int64_t{10} * 365 * 86'400 * 1'000'000'000;
  publish('a');
  detector_.look();
  char letter = 'a';
  for (const std::int64_t shift : {kTenYears, -kTenYears, std::int64_t{0}}) {
    os_.realtime_shift_ns = shift;
    os_.monotonic_shift_ns = shift;
    EXPECT_FALSE(detector_.look_after_interval());
    publish(++letter);
    test::set_mtime(root_ + "/v/" + version(letter), shift / 1'000'000'000 + 1'000'000'000);
    test::set_mtime(root_ + "/current", 0);
    EXPECT_TRUE(is(detector_.look_after_events(), letter));
  }
}

TEST_F(DetectorTest, WhatIsNoLinkOfOursIsTroubleAndNotDesired) {
  fs::create_directories(root_);
  for (const std::string& target : {std::string("/etc"), std::string("../.."), "v/" + version('A'),
                                    "v/" + version('a') + "/files", std::string("current")}) {
    fs::remove(root_ + "/current");
    fs::create_symlink(target, root_ + "/current");
    EXPECT_TRUE(!detector_.look() && !detector_.trouble().empty()) << target;
  }
  fs::remove(root_ + "/current");
  fs::create_directory(root_ + "/current");
  EXPECT_FALSE(detector_.look());
  EXPECT_NE(detector_.trouble(), "");
  fs::remove(root_ + "/current");
  publish('a');
  EXPECT_TRUE(is(detector_.look(), 'a'));
}

TEST_F(DetectorTest, AVanishedLinkChangesNothing) {
  publish('a');
  detector_.look();
  fs::remove(root_ + "/current");
  publish('a');
  EXPECT_FALSE(detector_.look_after_events()) << "the same again is no news";
}

TEST_F(DetectorTest, AFailingCallIsFollowedByALookThatFinds) {
  publish('a');
  detector_.look();
  char letter = 'a';
  for (const Call call : {Call::open, Call::fstat, Call::readlink, Call::read}) {
    os_.fail_every(call, EIO);
    publish(++letter);
    const auto found = detector_.look_after_events();
    os_.fail_every(call, 0);
    EXPECT_TRUE(is(found ? found : detector_.look_after_interval(), letter)) << static_cast<unsigned>(call);
  }
}

}  // namespace
}  // namespace okg::reload
