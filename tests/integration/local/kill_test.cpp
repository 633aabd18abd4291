// okg local kill: from opsState Kill to a GameServer that is gone.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>

#include "integration/local/support.hpp"

namespace okg::test {
namespace {

using base::Json;
using testing::HasSubstr;

// A shell that ignores SIGTERM, and has `directory` open or not.
Process::Surroundings shell() {
  Process::Surroundings out;
  out.program = "/bin/sh";
  return out;
}
Words ignoring(const std::string& directory) {
  return {"-c", (directory.empty() ? "" : "exec 3<" + directory + "; ") +
                    "trap '' TERM; echo up; while :; do sleep 0.02; done"};
}

void claim(const Laptop& laptop, pid_t pid) {
  write_file(laptop.run() + "/instance.json",
             Json{{"schema", "okg.instance/v1"}, {"instance", "x"}, {"pid", pid}}.dump());
}

TEST(LocalKill, EndsTheServerAndItsGameServer) {
  const Laptop laptop;
  laptop.publish();
  Running server(laptop, {OKG_SERVER_CPP});
  const Finished done = laptop.okg({"local", "kill", "--json"});
  EXPECT_EQ(done.code, 0) << done.err;
  EXPECT_EQ(done.events().front()["event"], "kill");
  EXPECT_EQ(done.events().back()["event"], "gone");
  EXPECT_TRUE(laptop.gameserver().is_null());
  const Finished run = server.process().finish();
  EXPECT_EQ(run.code, 0);
  EXPECT_THAT(run.err, HasSubstr("its GameServer was deleted"));
  // The next one is another pod's.
  Running next(laptop, {OKG_SERVER_CPP});
  EXPECT_EQ(laptop.status()["start"]["reason"], "fresh_pod");
}

TEST(LocalKill, AsksWhoWantsToBeAsked) {
  const Laptop laptop;
  Running server(laptop, {OKG_SERVER_MOODY, "stubborn", "deaf"});
  const pid_t pid = laptop.status()["pid"].get<pid_t>();
  const Finished done = laptop.okg({"local", "kill", "--timeout", "300ms"});
  EXPECT_EQ(done.code, 75);
  EXPECT_THAT(done.err, HasSubstr("has not released gs-sync/delete-block in 300 ms"));
  EXPECT_EQ(laptop.label(kLifecycle), "PreparingDelete");
  EXPECT_EQ(::kill(pid, 0), 0);
  ASSERT_EQ(laptop.okg({"local", "set", "label", "gs-sync/delete-block", "--remove"}).code, 0);
  const Finished hard = laptop.okg({"local", "kill", "--grace", "200ms"});
  EXPECT_EQ(hard.code, 0) << hard.err;
  EXPECT_THAT(hard.out, HasSubstr("ended by SIGKILL after 200 ms"));
  EXPECT_TRUE(laptop.gameserver().is_null());
  EXPECT_EQ(server.process().finish().code, 137);
}

TEST(LocalKill, EndsAProcessThatHoldsTheRunDirectory) {
  const Laptop laptop;
  laptop.okg({"local", "set", "label", "gs-sync/delete-block", "--remove"});
  Process process(ignoring(laptop.run()), shell());
  ASSERT_TRUE(process.says("up"));
  claim(laptop, process.pid());
  // A zombie is nobody's server: its parent, this test, has yet to look.
  EXPECT_EQ(laptop.okg({"local", "kill", "--grace", "100ms"}).code, 0);
  EXPECT_EQ(process.finish().signal, SIGKILL);
}

// Whoever may write to the run directory could name any process there.
TEST(LocalKill, LeavesEverybodyElseAlone) {
  const Laptop laptop;
  Process innocent(ignoring(""), shell());
  ASSERT_TRUE(innocent.says("up"));
  for (const pid_t pid : {innocent.pid(), 0, -1, 1, ::getpid()}) {
    laptop.okg({"local", "set", "ops-state", "None"});
    claim(laptop, pid);
    EXPECT_EQ(laptop.okg({"local", "kill", "--grace", "0"}).code, 0) << pid;
    EXPECT_TRUE(laptop.gameserver().is_null());
  }
  EXPECT_EQ(::kill(innocent.pid(), 0), 0);
}

TEST(LocalKill, NeedsNoServer) {
  const Laptop laptop;
  EXPECT_EQ(laptop.okg({"local", "kill"}).code, 1);
  for (const char* instance : {"", "{", "{}", R"({"schema":"okg.instance/v1"})",
                               R"({"schema":"okg.instance/v1","pid":"7","instance":7})",
                               R"({"schema":"okg.instance/v1","pid":99999999999999999999})"}) {
    laptop.okg({"local", "set", "ops-state", "None"});
    write_file(laptop.run() + "/instance.json", instance);
    EXPECT_EQ(laptop.okg({"local", "kill"}).code, 0) << instance;
  }
}

}  // namespace
}  // namespace okg::test
