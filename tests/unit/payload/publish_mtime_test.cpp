// Web servers make a file's ETag of mtime and size: no path may have one ETag for two contents in a row.
#include <algorithm>
#include <ctime>

#include "payload_fixture.hpp"

namespace okg::payload {
namespace {

constexpr std::int64_t kReal = 1'700'000'000;
constexpr std::int64_t kLater = kReal + 1000;

class PublishMtimeTest : public PayloadTest {
 protected:
  using Times = std::map<std::string, std::int64_t>;

  // The directory with the files as they are on the volume.
  std::string publish_with(const std::string& version, const Files& files, const Times& times) {
    const std::string from = image(version, files);
    for (const auto& [path, time] : times) test::set_mtime(from + "/files/" + path, time);
    const auto published = publish_from(from);
    EXPECT_TRUE(published) << published.error().text;
    if (!published) return from + "/files/";
    reused = published->reused_bytes;
    EXPECT_EQ(in_use(), files);
    return version_directory(published->digest) + "/files/";
  }

  std::uint64_t reused = 0;
};

TEST_F(PublishMtimeTest, GivesChangedFilesATimeThatClientsNotice) {
  const std::int64_t now = ::time(nullptr);
  const std::int64_t future = now + 1'000'000;
  std::string files = publish_with("1", {{"zero", "1"}, {"zip", "1"}, {"real", "1"}, {"future", "1"}},
                                   {{"zero", 0}, {"zip", 315'532'800}, {"real", kReal}, {"future", future}});
  EXPECT_GE(test::mtime_of(files + "zero"), now - 1);
  EXPECT_GE(test::mtime_of(files + "zip"), now - 1);
  EXPECT_GE(test::mtime_of(files + "future"), now - 1);
  EXPECT_LT(test::mtime_of(files + "future"), future);
  EXPECT_EQ(test::mtime_of(files + "real"), kReal);

  // The same mtime and size as before, and other content.
  files = publish_with("2", {{"zero", "1"}, {"real", "2"}}, {{"zero", 0}, {"real", kReal}});
  EXPECT_NE(test::mtime_of(files + "real"), kReal);

  // A build that sets them all to one time.
  files = publish_with("3", {{"a", "1"}, {"b", "1"}}, {{"a", kReal}, {"b", kReal}});
  EXPECT_GE(test::mtime_of(files + "a"), now - 1);
  const std::int64_t before = test::mtime_of(files + "a");
  files = publish_with("4", {{"a", "2"}, {"b", "1"}}, {{"a", kReal}, {"b", kReal}});
  EXPECT_NE(test::mtime_of(files + "a"), before);  // even within one second
  EXPECT_EQ(test::mtime_of(files + "b"), before);
}

TEST_F(PublishMtimeTest, CopiesContentThatMovedToWhereItsTimeWasTaken) {
  const Times times = {{"a", kReal}, {"b", kReal}, {"same", kLater}};
  publish_with("1", {{"a", "X1"}, {"b", "Y1"}, {"same", "unchanged"}}, times);
  std::string files = publish_with("2", {{"a", "Y1"}, {"b", "X1"}, {"same", "unchanged"}}, times);
  const std::int64_t second = test::mtime_of(files + "a");
  EXPECT_NE(second, kReal);
  EXPECT_NE(test::mtime_of(files + "b"), kReal);
  EXPECT_EQ(test::mtime_of(files + "same"), kLater);
  EXPECT_EQ(reused, 9U);
  // And back, compared with what is there now.
  files = publish_with("3", {{"a", "X1"}, {"b", "Y1"}}, {{"a", second}, {"b", second + 1}});
  EXPECT_NE(test::mtime_of(files + "a"), second);
}

TEST_F(PublishMtimeTest, CopiesWhatDiffersInAFractionOfASecondOnly) {
  const std::string from = image("1", {{"a", "X1"}, {"b", "Y1"}});
  const timespec times[2] = {{kReal, 500'000'000}, {kReal, 500'000'000}};
  test::set_mtime(from + "/files/a", kReal);
  ASSERT_EQ(::utimensat(AT_FDCWD, (from + "/files/b").c_str(), times, 0), 0);
  ASSERT_TRUE(publish_from(from));
  const std::string files = publish_with("2", {{"a", "Y1"}}, {});
  EXPECT_NE(test::mtime_of(files + "a"), kReal);
  EXPECT_EQ(reused, 0U);
}

TEST_F(PublishMtimeTest, LinksContentThatMovedToWhereItsTimeOrSizeIsNew) {
  const Times times = {{"a", kReal}, {"b", kLater}, {"long", kReal}};
  publish_with("1", {{"a", "X1"}, {"b", "Y1"}, {"long", "longer"}}, times);
  const std::string files =
      publish_with("2", {{"a", "Y1"}, {"b", "X1"}, {"long", "X1"}, {"new", "X1"}}, {{"long", kLater}});
  EXPECT_EQ(test::mtime_of(files + "a"), kLater);
  EXPECT_EQ(test::mtime_of(files + "b"), kReal);
  EXPECT_EQ(test::mtime_of(files + "long"), kReal);
  EXPECT_EQ(reused, 8U);
}

TEST_F(PublishMtimeTest, KeepsTheTimeOfWhatDidNotChange) {
  const Files same = {{"a", "same"}, {"b", "same"}};
  publish_with("1", same, {{"a", kReal}, {"b", kLater}});
  const std::string files = publish_with("2", {{"a", "same"}, {"b", "same"}, {"c", "more"}}, {});
  EXPECT_EQ(test::mtime_of(files + "a"), kReal);
  EXPECT_EQ(test::mtime_of(files + "b"), kLater);
  EXPECT_EQ(reused, 8U);
}

// The plan was to link, with a time of which nothing had to be known.
TEST_F(PublishMtimeTest, KeepsToTheRuleWhereLinksAreRefused) {
  const Times times = {{"a", kReal}, {"b", kLater}, {"zero", 0}};
  publish_with("1", {{"a", "X1"}, {"b", "Y1"}, {"zero", "0"}}, times);
  os.fail_every(test::Call::link, EPERM);
  const std::string files = publish_with("2", {{"a", "Y1"}, {"b", "X1"}, {"zero", "0"}}, times);
  EXPECT_EQ(reused, 0U);
  EXPECT_NE(test::mtime_of(files + "a"), kReal);
  EXPECT_NE(test::mtime_of(files + "b"), kLater);
  EXPECT_NE(test::mtime_of(files + "zero"), 0);
}

// The time of writing is not known before: it may be that of the version before, whatever the clock said.
TEST_F(PublishMtimeTest, LeavesNothingToTheTimeOfWriting) {
  const std::string first = publish_with("1", {{"a", "1"}}, {});
  os.realtime_shift_ns = -5'000'000'000;
  const std::string second = publish_with("2", {{"a", "2"}}, {});
  EXPECT_NE(test::mtime_of(first + "a"), test::mtime_of(second + "a"));
}

}  // namespace
}  // namespace okg::payload
