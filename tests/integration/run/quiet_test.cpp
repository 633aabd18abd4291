// okg run --quiet-period: a volume that a plain copy writes in place.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "integration/run/support.hpp"

namespace okg::test {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using namespace std::chrono_literals;

const Words kQuiet{"--quiet-period", "300ms", "--on-reload",
                   "echo reload $(ls $OKG_ACTIVE_DIR | wc -l) >> $LOG"};

class RunQuiet : public ::testing::Test {
 protected:
  RunQuiet() { std::filesystem::create_directories(volume()); }
  std::string volume() const { return pod_ / "payload"; }
  // As rsync does it: a temporary name, then the right one.
  void copy(const std::string& name, const std::string& text) const {
    write_file(volume() + "/." + name + ".tn7dY2", text);
    std::filesystem::rename(volume() + "/." + name + ".tn7dY2", volume() + "/" + name);
  }
  void copy_all(const std::string& text) const {
    for (int i = 0; i < 20; ++i) {
      copy(std::to_string(i) + ".js", text);
      std::this_thread::sleep_for(20ms);
    }
  }
  bool told(std::size_t lines) const {
    return eventually([&] { return pod_.told().size() == lines; });
  }
  const Pod pod_;
};

TEST_F(RunQuiet, ReloadsOnceAfterEachCopy) {
  copy_all("one");
  Supervised run(pod_, kQuiet);
  ASSERT_TRUE(run.is_up());
  const auto status = pod_.status();
  EXPECT_EQ(status["active"]["unverified"], true);
  EXPECT_EQ(status["watch"], "poll");
  EXPECT_TRUE(status["last_good"].is_null());
  EXPECT_THAT(pod_.okg({"status"}).out, HasSubstr("unverified"));
  EXPECT_EQ(pod_.read(pod_.active() + "/7.js"), "one");
  ASSERT_TRUE(told(1));
  copy_all("two");
  ASSERT_TRUE(told(2));
  copy("one-more.js", "x");
  std::filesystem::create_directory(volume() + "/below");
  write_file(volume() + "/below/a.js", "x");
  ASSERT_TRUE(told(3));
  std::this_thread::sleep_for(1s);  // nothing comes
  EXPECT_THAT(pod_.told(), ElementsAre("started with unverified", "reload 20", "reload 22"));
  const Finished back = pod_.okg({"rollback"});
  EXPECT_EQ(back.code, 1);
  EXPECT_THAT(back.err, HasSubstr("there is nothing to go back to"));
  const Finished done = run.end();
  EXPECT_EQ(done.code, 5);
  EXPECT_THAT(done.err, HasSubstr("`okg publish`"));
}

// Size and mtime say nothing: a copy sets both.
TEST_F(RunQuiet, SeesAChangeBehindTheSameSizeAndTime) {
  copy("a.js", "hp=100");
  const auto time = std::filesystem::last_write_time(volume() + "/a.js");
  Supervised run(pod_, kQuiet);
  ASSERT_TRUE(run.is_up());
  ASSERT_TRUE(told(1));
  write_file(volume() + "/a.js", "hp=900");
  std::filesystem::last_write_time(volume() + "/a.js", time);
  EXPECT_TRUE(told(2));
  std::filesystem::remove(volume() + "/a.js");
  copy("b.js", "");
  EXPECT_TRUE(told(3));
}

TEST_F(RunQuiet, ThereIsNoWayBack) {
  copy("a.js", "1");
  Supervised run(pod_, {"--quiet-period", "200ms", "--on-reload", "exit 4"});
  ASSERT_TRUE(run.is_up());
  copy("a.js", "2");
  ASSERT_TRUE(eventually([&] { return pod_.status()["last"]["result"] == "failed"; }));
  const auto status = pod_.status();
  EXPECT_EQ(status["inconsistent"], true);
  EXPECT_THAT(status["last"]["text"].get<std::string>(),
              HasSubstr("--on-reload: exit code 4; and going back failed: the files before are no more"));
}

TEST_F(RunQuiet, WaitsForFiles) {
  Supervised run(pod_, kQuiet);
  ASSERT_TRUE(eventually([&] {
    const auto now = pod_.status();
    return !now.is_null() && now["trouble"].is_string();
  }));
  EXPECT_THAT(pod_.status()["trouble"].get<std::string>(), HasSubstr("it is empty"));
  copy("a.js", "1");
  EXPECT_TRUE(run.is_up());
}

TEST_F(RunQuiet, IsNotForAVolumeThatIsPublished) {
  pod_.publish("1");
  const Finished done =
      pod_.okg({"run", "--quiet-period", "100ms", "--wait-payload", "500ms", "--", "sh", "-c", "exit 3"});
  EXPECT_EQ(done.code, 75);
  EXPECT_THAT(done.err, HasSubstr("leave out --quiet-period"));
}

}  // namespace
}  // namespace okg::test
