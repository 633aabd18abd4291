// okg local run: a kubelet's duties towards a process.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>

#include "integration/local/support.hpp"

namespace okg::test {
namespace {

using base::Json;
using testing::HasSubstr;
using testing::Not;

constexpr char kShell[] = "/bin/sh";

Words shell(const std::string& script, const Words& flags = {}) {
  Words words{"local", "run"};
  words.insert(words.end(), flags.begin(), flags.end());
  words.insert(words.end(), {"--", kShell, "-c", script});
  return words;
}

TEST(LocalRun, GivesWhatAContainerHas) {
  const Laptop laptop;
  const Finished done = laptop.okg(
      shell("echo $OKG_RUN_DIR $OKG_PAYLOAD_DIR $OKG_HOT_DIR $OKG_CONTROLLER $OKG_CONTAINER_NAME $OKG_NAME; "
            "echo pod $OKG_POD_UID",
            {"--restart", "never"}));
  EXPECT_EQ(done.code, 0);
  EXPECT_EQ(done.out, laptop.run() + " " + (laptop / "payload") + " " + (laptop / "hot") +
                          " local game game\npod " +
                          laptop.gameserver()["metadata"]["uid"].get<std::string>() + "\n");
  const Json container = laptop.gameserver()["status"]["podStatus"]["containerStatuses"][0];
  EXPECT_EQ(container["name"], "game");
  EXPECT_EQ(container["image"], "game:1");
  EXPECT_EQ(container["restartCount"], 0);
}

TEST(LocalRun, MakesTheDefaultDirectories) {
  const TemporaryDirectory home;
  const Finished done = okg({"local", "run", "--restart", "never", "--", "sh", "-c", "echo $OKG_RUN_DIR"},
                            {{"XDG_RUNTIME_DIR", home.path()}});
  const std::string own = home / ("okg-" + std::to_string(::geteuid())) + "/sh";
  EXPECT_EQ(done.out, own + "/run\n");
  for (const char* name : {"run", "payload", "hot"})
    EXPECT_EQ(std::filesystem::status(own + "/" + name).permissions(), std::filesystem::perms::owner_all);
}

TEST(LocalRun, HandsOnEveryWord) {
  const Laptop laptop;
  Words words = shell("printf '%s,' \"$@\"", {"--restart", "never"});
  words.insert(words.end(), {"x", "--json", "--run", "", "status", "--", "a b"});
  EXPECT_EQ(laptop.okg(words).out, "--json,--run,,status,--,a b,");
}

TEST(LocalRun, EndsAsTheServerDid) {
  const Laptop laptop;
  EXPECT_EQ(laptop.okg(shell("exit 7", {"--restart", "never"})).code, 7);
  EXPECT_EQ(laptop.okg(shell("kill -9 $$", {"--restart", "never"})).code, 137);
}

TEST(LocalRun, HandsOnSignals) {
  for (const int number : {SIGTERM, SIGINT}) {
    const Laptop laptop;
    const auto before = std::signal(number, SIG_IGN);  // as in the background of a script
    Process process(shell("trap 'echo term; exit 7' TERM; trap 'echo int; exit 8' INT; echo up; "
                          "while :; do sleep 0.02; done"),
                    laptop.surroundings());
    std::signal(number, before);
    ASSERT_TRUE(process.says("up\n"));
    process.signal(number);
    const Finished done = process.finish();
    EXPECT_EQ(done.code, number == SIGTERM ? 7 : 8);
    EXPECT_THAT(done.out, HasSubstr(number == SIGTERM ? "term\n" : "int\n"));
  }
}

TEST(LocalRun, KillsWhoDoesNotListen) {
  const Laptop laptop;
  Process process(shell("trap '' TERM; echo up; while :; do sleep 0.02; done", {"--grace", "200ms"}),
                  laptop.surroundings());
  ASSERT_TRUE(process.says("up\n"));
  process.signal(SIGTERM);
  const Finished done = process.finish();
  EXPECT_EQ(done.code, 137);
  EXPECT_THAT(done.err, HasSubstr("SIGKILL"));
}

TEST(LocalRun, StartsAgainWhatEnds) {
  const Laptop laptop;
  Process process(shell("echo ran; exit 3"), laptop.surroundings());
  ASSERT_TRUE(process.says("starts again in 1.00 s"));
  ASSERT_TRUE(process.says("started again"));
  ASSERT_TRUE(process.says("starts again in 2.00 s"));
  EXPECT_EQ(laptop.gameserver()["status"]["podStatus"]["containerStatuses"][0]["restartCount"], 1);
  process.signal(SIGTERM);  // in the pause
  const Finished done = process.finish();
  EXPECT_EQ(done.code, 3);
  EXPECT_EQ(done.out, "ran\nran\n");
  EXPECT_LT(process.took(), std::chrono::seconds(1));
}

TEST(LocalRun, SaysWhatGoesOnInJson) {
  const Laptop laptop;
  const auto events = laptop.okg(shell("exit 3", {"--restart", "never", "--json"})).events();
  ASSERT_EQ(events.size(), 2U);
  EXPECT_EQ(events[0]["event"], "started");
  EXPECT_EQ(events[1]["event"], "ended");
  EXPECT_EQ(events[1]["number"], 3);
}

TEST(LocalRun, RefusesWhatCannotBeRun) {
  const Laptop laptop;
  Finished done = laptop.okg({"local", "run", "--", "no-such-program"});
  EXPECT_EQ(done.code, 2);
  EXPECT_THAT(done.err, HasSubstr("no-such-program"));
  EXPECT_EQ(laptop.okg({"local", "run", "--", "/etc/hostname"}).code, 2);
  write_file(laptop.run() + "/gameserver.json", "{");
  done = laptop.okg(shell("echo up"));
  EXPECT_EQ(done.code, 1);
  EXPECT_THAT(done.err, HasSubstr("gameserver.json"));
  EXPECT_EQ(done.out, "");
}

TEST(LocalRun, IsAloneInItsRunDirectory) {
  const Laptop laptop;
  Process first(shell("echo up; exec sleep 60"), laptop.surroundings());
  ASSERT_TRUE(first.says("up\n"));
  const Finished second = laptop.okg(shell("echo up"));
  EXPECT_EQ(second.code, 1);
  EXPECT_THAT(second.err, HasSubstr("another `okg local run`"));
}

TEST(LocalRun, LeavesNobodyBehind) {
  const Laptop laptop;
  Process process(shell("echo pid $$; exec sleep 60"), laptop.surroundings());
  ASSERT_TRUE(process.says("pid "));
  process.signal(SIGKILL);
  const Finished done = process.finish();
  const pid_t pid = std::stoi(done.out.substr(done.out.find("pid ") + 4));
  EXPECT_TRUE(eventually([&] { return ::kill(pid, 0) != 0; }));
}

TEST(LocalRun, ResumesAServerThatWasKilled) {
  const Laptop laptop;
  laptop.publish();
  Running server(laptop, {OKG_SERVER_CPP});
  const Json before = laptop.status();
  EXPECT_EQ(before["start"]["reason"], "fresh_pod");
  ::kill(before["pid"].get<pid_t>(), SIGKILL);
  ASSERT_TRUE(eventually([&] {
    const Json now = laptop.status();
    return !now.is_null() && now["instance"] != before["instance"] && now["start"]["final"] == true;
  }));
  const Json start = laptop.status()["start"];
  EXPECT_EQ(start["reason"], "crash");
  EXPECT_EQ(start["same_pod"], true);
  EXPECT_EQ(start["instance_before"], before["instance"]);
  EXPECT_EQ(server.end().code, 0);
}

}  // namespace
}  // namespace okg::test
