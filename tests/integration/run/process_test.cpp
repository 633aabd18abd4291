// okg run: the duties of a first process.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>

#include "integration/run/support.hpp"

namespace okg::test {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

TEST(RunProcess, EndsAsTheServerDid) {
  const Pod pod;
  pod.publish("1");
  EXPECT_EQ(pod.okg({"run", "--", "sh", "-c", "exit 7"}).code, 7);
  EXPECT_EQ(pod.okg({"run", "--", "sh", "-c", "kill -9 $$"}).code, 128 + SIGKILL);
  EXPECT_EQ(pod.okg({"run", "--", "true"}).code, 0);
}

TEST(RunProcess, HandsOnEveryWordAndTheOutput) {
  const Pod pod;
  pod.publish("1");
  const Finished done =
      pod.okg({"run", "--", "sh", "-c", "printf '%s,' \"$@\"", "x", "--json", "--run", "", "--", "a b"});
  EXPECT_EQ(done.out, "--json,--run,,--,a b,");
}

TEST(RunProcess, HandsOnSignals) {
  const Pod pod;
  pod.publish("1");
  Supervised run(
      pod, {},
      "for s in HUP USR1 USR2 WINCH QUIT; do trap \"echo $s >> $LOG\" $s; done; echo up >> $LOG; while "
      ":; do sleep 0.02; done");
  ASSERT_TRUE(run.is_up());
  std::size_t count = 1;
  ASSERT_TRUE(eventually([&] { return pod.told().size() == count; }));
  for (const int number : {SIGHUP, SIGUSR1, SIGUSR2, SIGWINCH, SIGQUIT}) {
    run.process().signal(number);
    ++count;
    EXPECT_TRUE(eventually([&] { return pod.told().size() == count; })) << number;
  }
  EXPECT_THAT(pod.told(), ElementsAre("up", "HUP", "USR1", "USR2", "WINCH", "QUIT"));
  EXPECT_EQ(run.end().code, 128 + SIGTERM);
}

// Whenever it comes: before the server is there, while it begins, after.
TEST(RunProcess, NoSigtermIsLost) {
  const Pod pod;
  pod.publish("1");
  for (int i = 0; i < 60; ++i) {
    Process run({"run", "--", "sleep", "1000"}, pod.variables());
    std::this_thread::sleep_for(std::chrono::microseconds(500 * i));
    run.signal(SIGTERM);
    const Finished done = run.finish();
    EXPECT_TRUE(done.code == 128 + SIGTERM || done.signal == SIGTERM)
        << done.code << " after " << i << ": " << done.err;
    EXPECT_LT(run.took(), std::chrono::seconds(20));
  }
}

TEST(RunProcess, AsPid1ItWaitsForOrphans) {
  if (!may_unshare()) GTEST_SKIP() << "no PID namespaces here";
  const Pod pod;
  pod.publish("1");
  Process::Surroundings first{pod.variables()};
  first.first_of_all = true;
  // Each of these is handed to PID 1 and ends there; a zombie would keep its number.
  Process run({"run", "--", "sh", "-c",
               "for i in 1 2 3 4 5; do (sleep 0.05 & echo $! >> $LOG); done; sleep 0.5; "
               "for p in $(cat $LOG); do kill -0 $p 2> /dev/null && echo zombie >> $LOG; done; echo looked "
               ">> $LOG; exec sleep 1000"},
              first);
  ASSERT_TRUE(eventually([&] { return pod.told().size() >= 6; }));
  EXPECT_EQ(pod.told().size(), 6U);
  EXPECT_EQ(pod.told().back(), "looked");
  run.signal(SIGTERM);
  EXPECT_EQ(run.finish().code, 128 + SIGTERM);
}

TEST(RunProcess, WhatTheServerLeavesBehindIsEnded) {
  const Pod pod;
  pod.publish("1");
  const Finished done = pod.okg({"run", "--", "sh", "-c",
                                 "sleep 1000 & echo $! >> $LOG; trap '' TERM; sh -c 'while :; do sleep 0.1; "
                                 "done' & echo $! >> $LOG; exit 3"});
  EXPECT_EQ(done.code, 3);
  const auto told = pod.told();
  ASSERT_EQ(told.size(), 2U);
  for (const std::string& pid : told) EXPECT_NE(::kill(std::stoi(pid), 0), 0);
}

// What was in use when the server died may be the reason.
TEST(RunProcess, ACrashIsOneForTheNextProcess) {
  const Pod pod;
  pod.publish("1");
  EXPECT_EQ(pod.okg({"run", "--", "sh", "-c", "exit 3"}).code, 3);
  Supervised run(pod, {});
  ASSERT_TRUE(run.is_up());
  EXPECT_EQ(pod.status()["start"]["reason"], "crash");
  EXPECT_EQ(run.end().code, 5);
  Supervised again(pod, {});
  ASSERT_TRUE(again.is_up());
  EXPECT_EQ(pod.status()["start"]["reason"], "restart");
}

TEST(RunProcess, ThePayloadThatItDiedOfThreeTimesGivesWay) {
  const Pod pod;
  pod.publish("1");
  const std::string server = std::string("test -e $OKG_ACTIVE_DIR/bad && exit 9; ") + kServer;
  {
    Supervised run(pod, {}, server);
    ASSERT_TRUE(run.is_up());
    ASSERT_TRUE(eventually([&] { return !pod.status()["last_good"].is_null(); }));
    EXPECT_EQ(run.end().code, 5);
  }
  pod.publish("2", {{"bad", "x"}});
  Variables variables = pod.variables();
  variables["OKG_PROBATION"] = "30s";
  for (int i = 0; i < 3; ++i) EXPECT_EQ(okg({"run", "--", "sh", "-c", server}, variables).code, 9);
  Supervised run(pod, {}, server);
  ASSERT_TRUE(run.is_up());
  EXPECT_EQ(pod.status()["active"]["version"], "1");
  EXPECT_EQ(run.end().code, 5);
}

TEST(RunProcess, TheOutputIsTheServersAlsoWithJson) {
  const Pod pod;
  pod.publish("1");
  Supervised run(pod, {"--json"});
  ASSERT_TRUE(run.is_up());
  const Finished done = run.end();
  EXPECT_EQ(done.out, "");
  EXPECT_THAT(done.err, HasSubstr("{\"level\":\"info\",\"at\":"));
}

}  // namespace
}  // namespace okg::test
