// What is removed from a volume, and what never is.
#include "payload/collect.hpp"

#include <sys/file.h>

#include "payload/collect_volume.hpp"
#include "payload_fixture.hpp"

namespace okg::payload {
namespace {

class CollectTest : public PayloadTest {
 protected:
  Digest add(const std::string& version, std::set<Digest> sacred = {}, std::size_t keep = 100) {
    auto chosen = options(image(version, {{"a", "content of " + version}}));
    chosen.keep = keep;
    chosen.sacred = std::move(sacred);
    const auto published = publish(os, chosen);
    EXPECT_TRUE(published) << published.error().text;
    return published->digest;
  }
  std::set<std::string> left() const {
    const auto names = names_in(volume + "/v");
    return {names.begin(), names.end()};
  }
  std::size_t run_collect(std::size_t keep, std::set<Digest> sacred = {}) {
    const auto removed = collect_volume(os, volume, {keep, std::move(sacred), {}});
    EXPECT_TRUE(removed) << removed.error().text;
    return removed->size();
  }
};

TEST_F(CollectTest, KeepsTheNewestInOrderOfPublication) {
  const Digest one = add("1");
  const Digest two = add("2");
  const Digest three = add("3");
  EXPECT_EQ(run_collect(2), 1U);
  EXPECT_EQ(left(), (std::set<std::string>{two.hex(), three.hex()}));
  // Published again, an old one is the newest.
  add("2");
  const Digest four = add("4");
  EXPECT_EQ(run_collect(2), 1U);
  EXPECT_EQ(left(), (std::set<std::string>{two.hex(), four.hex()}));
  EXPECT_EQ(run_collect(2), 0U);
  EXPECT_EQ(staged(), 0U);
  EXPECT_NE(one, two);
}

TEST_F(CollectTest, KeepsTheOrderWhenTheClockIsSetBack) {
  add("1");
  const Digest two = add("2");
  os.realtime_shift_ns = -10LL * 365 * 86400 * 1'000'000'000;
  const Digest three = add("3");
  EXPECT_EQ(run_collect(2), 1U);
  EXPECT_EQ(left(), (std::set<std::string>{two.hex(), three.hex()}));
  os.realtime_shift_ns = 10LL * 365 * 86400 * 1'000'000'000;
  const Digest four = add("4");
  os.realtime_shift_ns = 0;
  const Digest five = add("5");
  EXPECT_EQ(run_collect(2), 2U);
  EXPECT_EQ(left(), (std::set<std::string>{four.hex(), five.hex()}));
}

TEST_F(CollectTest, IsDoneByEachPublish) {
  for (int i = 0; i < 5; ++i) add(std::to_string(i), {}, 2);
  EXPECT_EQ(left().size(), 2U);
  add("last", {}, 1);
  EXPECT_EQ(left().size(), 1U);
  add("more", {}, 0);
  EXPECT_EQ(left().size(), 1U);
  EXPECT_EQ(in_use(), (Files{{"a", "content of more"}}));
}

TEST_F(CollectTest, NeverTakesWhatCurrentLeadsTo) {
  const Digest one = add("1");
  add("2");
  add("3");
  fs::remove(volume + "/current");
  fs::create_symlink("v/" + one.hex(), volume + "/current");
  EXPECT_EQ(run_collect(1), 2U);
  EXPECT_EQ(left(), std::set<std::string>{one.hex()});
}

TEST_F(CollectTest, NeverTakesWhatIsSacred) {
  const Digest one = add("1");
  const Digest two = add("2");
  add("3");
  add("4");
  const Digest five = add("5");
  EXPECT_EQ(run_collect(1, {one, two}), 2U);
  EXPECT_EQ(left(), (std::set<std::string>{one.hex(), two.hex(), five.hex()}));
}

TEST_F(CollectTest, NeverTakesWhatAReaderHolds) {
  add("1");
  const UniqueFd root = open_directory(volume);
  auto held = open_current(os, root.get());
  ASSERT_TRUE(held);
  const std::string name = held->name.text();
  add("2");
  add("3");
  EXPECT_EQ(run_collect(1), 1U);
  EXPECT_TRUE(left().contains(name));
  EXPECT_TRUE(verify(os, held->fd.get(), held->name.digest));
  held->fd.reset();
  EXPECT_EQ(run_collect(1), 1U);
  EXPECT_FALSE(left().contains(name));
}

// The other way about: what a collector has taken, no reader gets.
TEST_F(CollectTest, IsNoticedByAReaderThatComesMeanwhile) {
  const Digest one = add("1");
  add("2");
  const UniqueFd root = open_directory(volume);
  std::optional<Code> seen;
  os.before_each([&](std::uint64_t, test::Call kind) {
    if (kind != test::Call::rename || seen) return;
    const auto version = open_version(Os::real(), root.get(), {one, 0});
    seen = version ? Code::ok : version.error().code;
  });
  EXPECT_EQ(run_collect(1), 1U);
  EXPECT_EQ(seen, Code::busy);
  EXPECT_EQ(open_version(os, root.get(), {one, 0}).error().code, Code::io);
}

TEST_F(CollectTest, TakesDamagedCopiesOfWhatIsCurrent) {
  const Digest one = add("1");
  const Digest two = add("2");
  fs::create_directory(volume + "/v/" + two.hex() + ".1");
  write_file(volume + "/v/" + two.hex() + ".2", "junk");
  EXPECT_EQ(run_collect(2), 2U);
  EXPECT_EQ(left(), (std::set<std::string>{one.hex(), two.hex()}));
}

TEST_F(CollectTest, LeavesWhatItDoesNotKnow) {
  add("1");
  fs::create_directory(volume + "/v/mine");
  write_file(volume + "/v/notes", "");
  EXPECT_EQ(run_collect(1), 0U);
  EXPECT_EQ(left().size(), 3U);
}

TEST_F(CollectTest, TakesNothingWhenItCannotTellWhatIsCurrent) {
  add("1");
  add("2");
  os.fail_every(test::Call::readlink, EIO);
  EXPECT_EQ(run_collect(1), 0U);
  os.reset();
  fs::remove(volume + "/current");
  write_file(volume + "/current", "");
  EXPECT_EQ(run_collect(1), 0U);
  EXPECT_EQ(left().size(), 2U);
}

TEST_F(CollectTest, WaitsForNobody) {
  add("1");
  add("2");
  const UniqueFd other(::open((volume + "/.lock").c_str(), O_RDONLY | O_CLOEXEC));
  ASSERT_EQ(::flock(other.get(), LOCK_EX | LOCK_NB), 0);
  EXPECT_EQ(collect_volume(os, volume, {1, {}, {}}).error().code, Code::busy);
}

TEST_F(CollectTest, StopsAtOnceAndIsFinishedByTheNext) {
  add("1");
  add("2");
  std::stop_source stop;
  os.before_each([&](std::uint64_t, test::Call kind) {
    if (kind == test::Call::rename) stop.request_stop();
  });
  ASSERT_TRUE(collect_volume(os, volume, {1, {}, {}}, stop.get_token()));
  os.reset();
  EXPECT_EQ(staged(), 1U);
  add("2");
  EXPECT_EQ(staged(), 0U);
}

// Whatever fails, nothing that is needed is gone.
TEST_F(CollectTest, SurvivesAFailureOfEveryCall) {
  std::uint64_t n = 0;
  for (bool failed = true; failed;) {
    const Digest one = add("1");
    const Digest two = add("2");
    add("3");
    os.reset();
    os.fail_nth(++n, EIO);
    (void)collect_volume(os, volume, {1, {two}, {}});
    failed = os.failed() > 0;
    os.reset();
    EXPECT_TRUE(left().contains(two.hex())) << n;
    EXPECT_EQ(in_use(), (Files{{"a", "content of 3"}})) << n;
    run_collect(1, {two});
    EXPECT_FALSE(left().contains(one.hex())) << n;
    EXPECT_EQ(staged(), 0U) << n;
  }
  EXPECT_GT(n, 20U);
}

}  // namespace
}  // namespace okg::payload
