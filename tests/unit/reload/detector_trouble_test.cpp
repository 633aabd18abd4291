// Noticing that `current` moved when inotify, the volume or the process are not as they should be.
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

#include "unit/reload/detector_fixture.hpp"

namespace okg::reload {
namespace {

using test::Call;

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
