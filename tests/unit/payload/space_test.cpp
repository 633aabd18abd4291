// Running out of room: known before anything is written, or survived when it happens nevertheless.
#include <sys/mount.h>
#include <sys/statvfs.h>
#include <sys/wait.h>

#include <cstring>

#include "payload/sha256.hpp"
#include "payload_fixture.hpp"

namespace okg::payload {
namespace {

constexpr std::uint64_t kKi = 1024;
constexpr std::uint64_t kMi = 1024 * kKi;

class SpaceTest : public PayloadTest {
 protected:
  SpaceTest() {
    for (const char* version : {"1", "2", "3"}) image(version, content(version[0]));
  }
  static Files content(char seed) {
    return {{"a/common", std::string(200 * kKi, 'c')}, {"a/own", std::string(500 * kKi, seed)}};
  }
  std::string from(const std::string& version) const { return top / ("image-" + version); }

  // Nothing but the directories that are always there was touched.
  void expect_nothing_written(const Files& before) {
    EXPECT_EQ(in_use(), before);
    EXPECT_EQ(staged(), 0U);
    EXPECT_EQ(os.calls(test::Call::write), 0U);
    EXPECT_EQ(os.calls(test::Call::symlink), 0U);
  }
};

TEST_F(SpaceTest, KeepsToTheBudget) {
  ASSERT_TRUE(publish_from(from("1")));
  auto chosen = options(from("2"));
  chosen.budget = 1150 * kKi;  // the second needs 500 KiB besides the 700 KiB of the first
  os.reset();
  const auto refused = publish(os, chosen);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Code::no_space);
  EXPECT_NE(refused.error().text.find("budget"), std::string::npos) << refused.error().text;
  expect_nothing_written(content('1'));
  chosen.budget = 1250 * kKi;
  ASSERT_TRUE(publish(os, chosen));
  EXPECT_EQ(in_use(), content('2'));
}

TEST_F(SpaceTest, CountsHardLinksOnce) {
  ASSERT_TRUE(publish_from(from("1")));
  const auto second = publish_from(from("2"));
  ASSERT_TRUE(second);
  EXPECT_EQ(second->reused_bytes, 200 * kKi);
  auto chosen = options(from("3"));
  chosen.keep = 3;
  chosen.budget = (200 + 3 * 500 + 60) * kKi;
  ASSERT_TRUE(publish(os, chosen));
  EXPECT_EQ(names_in(volume + "/v").size(), 3U);
}

TEST_F(SpaceTest, CountsWhatALeftoverAndTheProgramTake) {
  ASSERT_TRUE(publish_from(from("1")));
  write_file(volume + "/bin/other", std::string(400 * kKi, 'x'));
  auto chosen = options(from("2"));
  chosen.budget = 1250 * kKi;
  EXPECT_EQ(publish(os, chosen).error().code, Code::no_space);
  fs::remove(volume + "/bin/other");
  write_file(top / "okg", std::string(400 * kKi, 'p'), 0755);
  chosen.program = top / "okg";
  EXPECT_EQ(publish(os, chosen).error().code, Code::no_space);
  chosen.budget = 1700 * kKi;
  EXPECT_TRUE(publish(os, chosen));
}

TEST_F(SpaceTest, StopsWhileItCounts) {
  ASSERT_TRUE(publish_from(from("1")));
  auto chosen = options(from("2"));
  chosen.budget = 100 * kMi;
  std::stop_source stop;
  chosen.stop = stop.get_token();
  os.reset();
  os.before_each([&](std::uint64_t, test::Call kind) {
    if (kind == test::Call::fstatvfs) stop.request_stop();
  });
  EXPECT_EQ(publish(os, chosen).error().code, Code::timeout);
  expect_nothing_written(content('1'));
}

TEST_F(SpaceTest, CollectsOnceBeforeItGivesUp) {
  ASSERT_TRUE(publish_from(from("1")));
  ASSERT_TRUE(publish_from(from("2")));
  EXPECT_EQ(names_in(volume + "/v").size(), 2U);
  auto chosen = options(from("3"));
  chosen.budget = (200 + 2 * 500 + 60) * kKi;  // room for two
  const auto published = publish(os, chosen);
  ASSERT_TRUE(published) << published.error().text;
  EXPECT_EQ(in_use(), content('3'));
  EXPECT_EQ(names_in(volume + "/v").size(), 2U);
  // What a server uses is worth more than a new version.
  const UniqueFd root = open_directory(volume);
  ASSERT_TRUE(publish_from(from("2")));
  auto sacred = options(from("1"));
  sacred.budget = chosen.budget;
  sacred.sacred = {digest_of(from("3"))};
  os.reset();
  EXPECT_EQ(publish(os, sacred).error().code, Code::no_space);
  expect_nothing_written(content('2'));
}

TEST_F(SpaceTest, AsksTheFileSystemFirst) {
  ASSERT_TRUE(publish_from(from("1")));
  const auto refuses = [&](const std::function<void(struct statvfs*)>& change) {
    os.reset();
    os.on_statvfs = change;
    const auto refused = publish_from(from("2"));
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, Code::no_space) << refused.error().text;
    expect_nothing_written(content('1'));
  };
  refuses([](struct statvfs* out) { out->f_bavail = 400 * kKi / out->f_frsize; });
  refuses([](struct statvfs* out) { out->f_favail = 3; });
  // A file system without such limits reports zeros.
  os.on_statvfs = [](struct statvfs* out) { *out = {}; };
  EXPECT_TRUE(publish_from(from("2")));
}

TEST_F(SpaceTest, SaysSoWhenThePayloadIsLargerThanAnyDisk) {
  // Only the list says so: the sizes are checked against the files much later.
  const std::string directory = from("1");
  const std::string hash(64, '0');
  auto list = FileList::make({{*Digest::from_hex(hash), false, INT64_MAX - 1, "a/common"},
                              {*Digest::from_hex(hash), false, 1, "a/own"}});
  ASSERT_TRUE(list);
  write_file(directory + "/files.list", list->text());
  Manifest manifest = *Manifest::parse(read_file(directory + "/manifest.json"));
  manifest.list = sha256(list->text());
  manifest.bytes = list->bytes();
  manifest.components["a"].digest = sha256(list->text());
  write_file(directory + "/manifest.json", manifest.text());
  EXPECT_EQ(publish_from(directory).error().code, Code::no_space);
}

// A real file system that is really full. In a child with a mount namespace of its own, so that nothing is
// left.
class TinyVolumeTest : public SpaceTest {
 protected:
  static constexpr int kNotPermitted = 77;

  void on_tiny_volume(const char* mount_options, const std::function<int()>& body) {
    const int ended = in_child([&] {
      if (::unshare(CLONE_NEWNS) != 0 || ::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0 ||
          ::mount("tmpfs", volume.c_str(), "tmpfs", 0, mount_options) != 0)
        return kNotPermitted;
      const int code = body();
      return code != 0 || HasFailure() ? std::max(code, 1) : 0;
    });
    if (ended == kNotPermitted) GTEST_SKIP() << "mounting a tmpfs is not permitted here";
    EXPECT_EQ(ended, 0);
  }
};

TEST_F(TinyVolumeTest, RefusesWhatDoesNotFit) {
  on_tiny_volume("size=1m", [&] {
    if (!publish_from(from("1"))) return 2;
    const auto refused = publish_from(from("2"));
    if (refused || refused.error().code != Code::no_space) return 3;
    return in_use() == content('1') && staged() == 0 ? 0 : 4;
  });
}

TEST_F(TinyVolumeTest, SurvivesAFullDiskThatWasNotFullWhenItAsked) {
  on_tiny_volume("size=1m", [&] {
    if (!publish_from(from("1"))) return 2;
    os.on_statvfs = [](struct statvfs* out) { out->f_bavail = out->f_blocks * 1000; };
    const auto refused = publish_from(from("2"));
    if (refused || refused.error().code != Code::no_space) return 3;
    os.on_statvfs = nullptr;
    if (in_use() != content('1') || staged() != 0) return 4;
    // Room is made: it goes on as if nothing had been.
    if (::mount("tmpfs", volume.c_str(), "tmpfs", MS_REMOUNT, "size=3m") != 0) return 5;
    if (!publish_from(from("2"))) return 6;
    return in_use() == content('2') ? 0 : 7;
  });
}

TEST_F(TinyVolumeTest, SurvivesRunningOutOfInodes) {
  Files many;
  for (int i = 0; i < 100; ++i) many["many/" + std::to_string(i)] = std::to_string(i);
  image("many", many);
  on_tiny_volume("size=8m,nr_inodes=60", [&] {
    if (!publish_from(from("1"))) return 2;
    const auto refused = publish_from(from("many"));
    if (refused || refused.error().code != Code::no_space) return 3;
    os.on_statvfs = [](struct statvfs* out) { out->f_favail = 1000; };
    const auto survived = publish_from(from("many"));
    if (survived || survived.error().code != Code::no_space) return 4;
    return in_use() == content('1') && staged() == 0 ? 0 : 5;
  });
}

TEST_F(TinyVolumeTest, RefusesAReadOnlyVolume) {
  on_tiny_volume("size=8m", [&] {
    if (!publish_from(from("1"))) return 2;
    if (::mount("tmpfs", volume.c_str(), "tmpfs", MS_REMOUNT | MS_RDONLY, "size=8m") != 0) return 3;
    const auto refused = publish_from(from("2"));
    if (refused || refused.error().code != Code::denied) return 4;
    return in_use() == content('1') ? 0 : 5;  // a server has it mounted like that
  });
}

}  // namespace
}  // namespace okg::payload
