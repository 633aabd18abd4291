// okg run: the first payload, and a server that begins with it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>

#include "integration/run/support.hpp"

namespace okg::test {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

TEST(RunFirst, TheServerBeginsWithThePayloadInUse) {
  const Pod pod;
  const std::string digest = pod.publish("1");
  Supervised run(pod,
                 {"--prepare", "echo prepare $OKG_RELOAD_VERSION $OKG_RELOAD_DIGEST >> $LOG", "--on-reload",
                  "echo reload >> $LOG"},
                 "cat $OKG_ACTIVE_DIR/version >> $LOG; echo >> $LOG; exec sleep 1000");
  ASSERT_TRUE(run.is_up());
  ASSERT_TRUE(eventually([&] { return pod.told().size() == 2; }));
  // Nobody has to tell it of what it begins with.
  EXPECT_THAT(pod.told(), ElementsAre("prepare 1 " + digest, "1"));
  EXPECT_EQ(std::filesystem::read_symlink(pod.active()).string(),
            pod / ("payload/v/" + digest.substr(7) + "/files"));
  EXPECT_EQ(pod.status()["active"]["digest"], digest);
  EXPECT_EQ(run.end().code, 128 + SIGTERM);
}

TEST(RunFirst, TheServerWaitsForIt) {
  const Pod pod;
  Supervised run(pod, {});
  ASSERT_TRUE(eventually([&] { return !pod.status().is_null(); }));
  EXPECT_EQ(pod.status()["ready"], false);
  EXPECT_THAT(pod.told(), IsEmpty());
  pod.publish("1");
  ASSERT_TRUE(run.is_up());
  EXPECT_TRUE(eventually([&] { return !pod.told().empty(); }));
  EXPECT_EQ(run.end().code, 5);
}

TEST(RunFirst, NoneComes) {
  const Pod pod;
  const Finished done = pod.okg({"run", "--wait-payload", "100ms", "--", "sh", "-c", "exit 3"});
  EXPECT_EQ(done.code, 75);
  EXPECT_THAT(done.err, HasSubstr("no payload came into use within"));
  EXPECT_THAT(done.err, HasSubstr("`okg publish --to"));
}

TEST(RunFirst, ASignalEndsTheWait) {
  const Pod pod;
  Supervised run(pod, {});
  ASSERT_TRUE(eventually([&] { return !pod.status().is_null(); }));
  EXPECT_EQ(run.end().code, 128 + SIGTERM);
  EXPECT_THAT(pod.told(), IsEmpty());
}

TEST(RunFirst, OneThatIsRefusedAndNoneToFallBackTo) {
  const Pod pod;
  pod.publish("1");
  const Finished done =
      pod.okg({"run", "--prepare", "echo this is bad; exit 3", "--", "sh", "-c", "echo started >> $LOG"});
  EXPECT_EQ(done.code, 1);
  EXPECT_THAT(done.err, HasSubstr("--prepare: exit code 3: this is bad"));
  EXPECT_THAT(pod.told(), IsEmpty());
  EXPECT_FALSE(std::filesystem::exists(std::filesystem::symlink_status(pod.active())));
}

// The server itself says that it cannot live with it: the last good version is taken, and it is started
// again.
TEST(RunFirst, TheLastGoodOneStandsInForOneThatTheServerDiesOf) {
  const Pod pod;
  FakeServer http("", [&](const Asked&) { return Reply{200, pod.read(pod.active() + "/version"), ""}; });
  const std::string confirm = "http:" + http.url() + "/version={version}";
  const std::string server = std::string("test -e $OKG_ACTIVE_DIR/bad && exit 9; ") + kServer;
  pod.publish("1");
  {
    Supervised run(pod, {"--confirm", confirm}, server);
    ASSERT_TRUE(run.is_up());
    ASSERT_TRUE(eventually([&] { return !pod.status()["last_good"].is_null(); }));
    EXPECT_EQ(run.end().code, 5);
  }
  http.answer([](const Asked&) { return Reply{503, "", ""}; });
  pod.publish("2", {{"bad", "x"}});
  Supervised run(pod, {"--confirm", confirm}, server);
  ASSERT_TRUE(eventually([&] {
    const auto now = pod.status();
    return !now.is_null() && !now["last"].is_null() && now["last"]["result"] == "failed";
  }));
  http.answer([&](const Asked&) { return Reply{200, pod.read(pod.active() + "/version"), ""}; });
  ASSERT_TRUE(run.is_up());
  EXPECT_EQ(pod.outcome(), "1 failed");
  EXPECT_EQ(pod.status()["last"]["stage"], "confirm");
  EXPECT_EQ(pod.status()["last"]["text"], "--confirm: the server ended with 9");
  EXPECT_THAT(pod.told(), ElementsAre("started with 1", "started with 1"));
  EXPECT_EQ(run.end().code, 5);
}

TEST(RunFirst, AServerThatEndsAtOnceSaysWhy) {
  const Pod pod;
  pod.publish("1");
  const Finished done =
      pod.okg({"run", "--confirm", "http:http://127.0.0.1:1/version", "--", "sh", "-c", "exit 9"});
  EXPECT_EQ(done.code, 9);
  EXPECT_THAT(done.err, HasSubstr("--confirm: the server ended with 9"));
}

// It ends as it always does, in its own time.
TEST(RunFirst, ASignalDuringTheProofIsTheServers) {
  const Pod pod;
  pod.publish("1");
  FakeServer http("", [](const Asked&) { return Reply{503, "", ""}; });
  Supervised run(
      pod, {"--confirm", "http:" + http.url() + "/version"},
      "trap 'sleep 0.3; echo saved >> $LOG; exit 5' TERM; echo up >> $LOG; while :; do sleep 0.02; done");
  ASSERT_TRUE(eventually([&] { return pod.told().size() == 1 && !http.asked().empty(); }));
  EXPECT_EQ(run.end().code, 5);
  EXPECT_THAT(pod.told(), ElementsAre("up", "saved"));
}

TEST(RunFirst, AServerThatIsNotThere) {
  const Pod pod;
  pod.publish("1");
  const Finished done = pod.okg({"run", "--", "no-such-server"});
  EXPECT_EQ(done.code, 2);
  EXPECT_THAT(done.err, HasSubstr("no-such-server"));
  write_file(pod / "script", "#!/bin/sh\n");
  const Finished closed = pod.okg({"run", "--", pod / "script"});
  EXPECT_EQ(closed.code, 2);
  EXPECT_THAT(closed.err, HasSubstr("Permission denied"));
  // It was not the payload's fault.
  Supervised run(pod, {});
  EXPECT_TRUE(run.is_up());
  EXPECT_EQ(run.end().code, 5);
}

TEST(RunFirst, WhatCannotBeUnderstood) {
  const Pod pod;
  EXPECT_EQ(pod.okg({"run"}).code, 2);
  EXPECT_EQ(pod.okg({"run", "--timeout", "soon", "--", "true"}).code, 2);
  EXPECT_EQ(pod.okg({"run", "--confirm", "yes", "--", "true"}).code, 2);
  EXPECT_EQ(pod.okg({"run", "--confirm", "http:127.0.0.1", "--", "true"}).code, 2);
}

TEST(RunFirst, OneForARunDirectory) {
  const Pod pod;
  pod.publish("1");
  Supervised run(pod, {});
  ASSERT_TRUE(run.is_up());
  const Finished second = pod.okg({"run", "--", "true"});
  EXPECT_EQ(second.code, 1);
  EXPECT_THAT(second.err, HasSubstr("another server uses this run directory"));
  EXPECT_EQ(pod.status()["active"]["version"], "1");
}

}  // namespace
}  // namespace okg::test
