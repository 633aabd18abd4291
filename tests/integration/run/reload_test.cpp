// okg run: from one payload to the next, and back.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>

#include "integration/run/support.hpp"

namespace okg::test {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::StartsWith;

// What is in use as each step sees it, and which version the step is about.
constexpr char kPrepare[] = "echo prepare $OKG_RELOAD_VERSION over $(cat $OKG_ACTIVE_DIR/version) >> $LOG";
constexpr char kReload[] =
    "echo reload $(cat $OKG_RELOAD_DIR/version) before $(cat $OKG_RELOAD_PREVIOUS_DIR/version) "
    "active $(cat $OKG_ACTIVE_DIR/version) >> $LOG";

TEST(RunReload, TheFilesAreTestedThenMovedThenTheServerIsTold) {
  const Pod pod;
  pod.publish("1");
  Supervised run(pod, {"--prepare", kPrepare, "--on-reload", kReload});
  ASSERT_TRUE(run.is_up());
  EXPECT_EQ(pod.publish_and_wait("2"), 0);
  EXPECT_EQ(pod.outcome(), "2 active");
  const auto told = pod.told();
  ASSERT_EQ(told.size(), 4U);
  EXPECT_EQ(told[2], "prepare 2 over 1");
  EXPECT_EQ(told[3], "reload 2 before 1 active 2");
  EXPECT_EQ(run.end().code, 5);
}

// The digest is another one, and so is the directory: the old one will be collected.
TEST(RunReload, AnotherLabelIsAnotherVersion) {
  const Pod pod;
  const std::string image = pod / "same";
  const auto publish = [&](const std::string& version) {
    make_payload(image, version, "the same");
    EXPECT_EQ(pod.okg({"publish", "--once", "--from", image}).code, 0);
  };
  publish("1");
  Supervised run(pod, {"--on-reload", "echo reload $OKG_RELOAD_VERSION >> $LOG"}, "exec sleep 1000");
  ASSERT_TRUE(run.is_up());
  publish("1-again");
  ASSERT_TRUE(eventually([&] { return pod.outcome() == "1-again active"; }));
  EXPECT_THAT(pod.told(), ElementsAre("reload 1-again"));
  const auto status = pod.status();
  EXPECT_THAT(std::filesystem::read_symlink(pod.active()).string(),
              HasSubstr(status["active"]["digest"].get<std::string>().substr(7)));
}

TEST(RunReload, WhatDoesNotStandTheTestChangesNothing) {
  const Pod pod;
  pod.publish("1");
  Supervised run(pod,
                 {"--prepare",
                  "echo looked at $OKG_RELOAD_VERSION >> $LOG; test ! -e $OKG_RELOAD_DIR/bad || { echo no: "
                  "bad; exit 3; }",
                  "--on-reload", "echo reload >> $LOG"});
  ASSERT_TRUE(run.is_up());
  EXPECT_EQ(pod.publish_and_wait("2", {{"bad", "x"}}), 1);
  const auto last = pod.status()["last"];
  EXPECT_EQ(last["stage"], "prepare");
  EXPECT_EQ(last["code"], "rejected");
  EXPECT_EQ(last["text"], "--prepare: exit code 3: no: bad");
  EXPECT_EQ(pod.read(pod.active() + "/version"), "1");
  EXPECT_THAT(pod.told(), ElementsAre("looked at 1", "started with 1", "looked at 2"));
  // The same again is not even looked at.
  EXPECT_EQ(pod.publish_and_wait("2", {{"bad", "x"}}), 1);
  EXPECT_EQ(pod.told().size(), 3U);
  EXPECT_EQ(pod.publish_and_wait("3"), 0);
  EXPECT_EQ(pod.outcome(), "3 active");
}

TEST(RunReload, WhatTheServerDoesNotTakeIsTakenBack) {
  const Pod pod;
  pod.publish("1");
  Supervised run(pod, {"--on-reload",
                       std::string(kReload) + "; test ! -e $OKG_RELOAD_DIR/bad || { echo cannot; exit 4; }"});
  ASSERT_TRUE(run.is_up());
  EXPECT_EQ(pod.publish_and_wait("2", {{"bad", "x"}}), 1);
  const auto last = pod.status()["last"];
  EXPECT_EQ(last["stage"], "commit");
  EXPECT_EQ(last["text"], "--on-reload: exit code 4: cannot");
  EXPECT_EQ(pod.outcome(), "1 failed");
  EXPECT_FALSE(pod.status().value("inconsistent", false));
  EXPECT_EQ(pod.read(pod.active() + "/version"), "1");
  EXPECT_THAT(pod.told(),
              ElementsAre("started with 1", "reload 2 before 1 active 2", "reload 1 before 2 active 1"));
}

TEST(RunReload, AndIfThatFailsTooItSaysSo) {
  const Pod pod;
  pod.publish("1");
  Supervised run(pod, {"--on-reload", "exit 4"});
  ASSERT_TRUE(run.is_up());
  EXPECT_EQ(pod.publish_and_wait("2"), 1);
  const auto status = pod.status();
  EXPECT_TRUE(status.value("inconsistent", false));
  EXPECT_THAT(status["last"]["text"].get<std::string>(),
              HasSubstr("; and going back failed: --on-reload: exit code 4"));
  EXPECT_EQ(pod.read(pod.active() + "/version"), "1");
}

TEST(RunReload, ExitCode75IsTriedAgain) {
  const Pod pod;
  pod.publish("1");
  Supervised run(
      pod,
      {"--prepare",
       "test $OKG_RELOAD_VERSION = 1 || { echo try >> $LOG; test $(grep -c try $LOG) -ge 2 || exit 75; }"});
  ASSERT_TRUE(run.is_up());
  EXPECT_EQ(pod.publish_and_wait("2"), 0);
  EXPECT_THAT(pod.told(), ElementsAre("started with 1", "try", "try"));
}

TEST(RunReload, TheServersAnswerProvesIt) {
  const Pod pod;
  std::atomic<bool> lies{false};
  FakeServer http("", [&](const Asked&) {
    return Reply{200,
                 lies && pod.read(pod.active() + "/version") == "2"
                     ? "old"
                     : "version " + pod.read(pod.active() + "/version"),
                 ""};
  });
  pod.publish("1");
  Supervised run(pod, {"--on-reload", "echo reload $OKG_RELOAD_VERSION >> $LOG", "--timeout", "300ms",
                       "--confirm", "http:" + http.url() + "/v=version {version}"});
  ASSERT_TRUE(run.is_up());
  lies = true;
  EXPECT_EQ(pod.publish_and_wait("2"), 1);
  const auto last = pod.status()["last"];
  EXPECT_EQ(last["stage"], "confirm");
  EXPECT_EQ(last["code"], "confirm");
  EXPECT_THAT(last["text"].get<std::string>(), HasSubstr("does not hold \"version 2\": \"old\""));
  EXPECT_EQ(pod.outcome(), "1 failed");
  EXPECT_EQ(pod.read(pod.active() + "/version"), "1");
  EXPECT_THAT(pod.told(), ElementsAre("started with 1", "reload 2", "reload 1"));
  lies = false;
  EXPECT_EQ(pod.publish_and_wait("3"), 0);
}

TEST(RunReload, BackOnRequest) {
  const Pod pod;
  pod.publish("1");
  Supervised run(pod, {"--on-reload", kReload});
  ASSERT_TRUE(run.is_up());
  ASSERT_TRUE(eventually([&] { return !pod.status()["last_good"].is_null(); }));
  EXPECT_EQ(pod.publish_and_wait("2"), 0);
  const std::string first = pod.status()["last_good"];
  const Finished back = pod.okg({"rollback", "--to", first});
  EXPECT_EQ(back.code, 0) << back.err;
  EXPECT_EQ(pod.read(pod.active() + "/version"), pod.status()["active"]["version"]);
}

// Commands may take long: that is no game loop that stalls.
TEST(RunReload, IsAliveWhileAHookRuns) {
  const Pod pod;
  pod.publish("1");
  Variables variables = pod.variables();
  variables["OKG_TICK_TIMEOUT"] = "1s";
  Process run({"run", "--on-reload", "echo begun >> $LOG; sleep 3", "--", "sh", "-c", kServer}, variables);
  ASSERT_TRUE(eventually([&] { return !pod.told().empty(); }));
  pod.publish("2");
  ASSERT_TRUE(eventually([&] { return pod.told().size() == 2; }));
  // Something else for the game waits meanwhile.
  EXPECT_EQ(pod.okg({"local", "set", "ops-state", "Allocated"}).code, 0);
  std::string state;
  EXPECT_TRUE(eventually([&] {
    const auto now = pod.status();
    state = now["state"];
    EXPECT_NE(state, "stalled");
    EXPECT_EQ(pod.okg({"probe", "live"}).code, 0);
    return now["active"]["version"] == "2";
  }));
  run.signal(SIGTERM);
  EXPECT_EQ(run.finish().code, 5);
}

TEST(RunReload, ALinkThatCannotBeMoved) {
  const Pod pod;
  std::filesystem::create_directories(pod.active() + "/in/the/way");
  pod.publish("1");
  Process run({"run", "--wait-payload", "1s", "--", "sh", "-c", kServer}, pod.variables());
  const Finished done = run.finish();
  EXPECT_EQ(done.code, 75);
  EXPECT_THAT(done.err, HasSubstr("move " + pod.active()));
}

}  // namespace
}  // namespace okg::test
