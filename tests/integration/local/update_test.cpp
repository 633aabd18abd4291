// okg local update: Kruise's in-place update against real servers.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>

#include "integration/local/support.hpp"

namespace okg::test {
namespace {

using base::Json;
using testing::ElementsAre;
using testing::HasSubstr;

std::vector<std::string> names(const Finished& done) {
  std::vector<std::string> out;
  for (const Json& event : done.events()) out.push_back(event["event"]);
  return out;
}

TEST(LocalUpdate, GoesThroughAllOfIt) {
  const Laptop laptop;
  laptop.publish();
  Running server(laptop, {OKG_SERVER_CPP});
  const Json before = laptop.status();
  const Finished done = laptop.okg({"local", "update", "--json"});
  EXPECT_EQ(done.code, 0) << done.err;
  EXPECT_THAT(names(done), ElementsAre("preparing", "released", "updating", "stopping", "stopped", "started",
                                       "updated", "done"));
  EXPECT_EQ(laptop.label(kLifecycle), "Normal");
  EXPECT_EQ(laptop.label(kUpdateHook), "true");
  EXPECT_EQ(laptop.gameserver()["status"]["currentState"], "Ready");
  const auto is_told = [&] {
    const Json start = laptop.status()["start"];
    return start["final"] == true && start["image_to"] == "game:2";
  };
  ASSERT_TRUE(eventually(is_told));
  const Json now = laptop.status();
  EXPECT_NE(now["instance"], before["instance"]);
  EXPECT_EQ(now["start"]["reason"], "in_place_update");
  EXPECT_EQ(now["start"]["image_from"], "game:1");
  for (const char* same : {"same_pod", "same_ip", "same_network"})
    EXPECT_EQ(now["start"][same], true) << same;
  const Json container = laptop.gameserver()["status"]["podStatus"]["containerStatuses"][0];
  EXPECT_EQ(container["restartCount"], 1);
  // And once more.
  EXPECT_EQ(laptop.okg({"local", "update", "--image", "game:7"}).code, 0);
  EXPECT_EQ(laptop.gameserver()["status"]["podStatus"]["containerStatuses"][0]["image"], "game:7");
  EXPECT_EQ(server.end().code, 0);
}

// What is to come is told in the grace period, containers and images, before anything is stopped.
TEST(LocalUpdate, TellsInTheGracePeriod) {
  const Laptop laptop;
  Running server(laptop, {OKG_SERVER_MOODY});
  const Json before = laptop.status();
  Process update({"local", "update", "--grace", "1s", "--image", "game:9", "--container", "game",
                  "--container", "sidecar", "--json"},
                 laptop.variables());
  Json seen;
  EXPECT_TRUE(eventually([&] {
    seen = laptop.status();
    return !seen.is_null() && !seen["controller"]["update"].is_null() &&
           seen["controller"]["update"]["containers"].is_array();
  }));
  EXPECT_EQ(seen["instance"], before["instance"]);
  EXPECT_EQ(seen["controller"]["update"]["containers"].dump(),
            R"([{"image":"game:9","name":"game"},{"image":"game:9","name":"sidecar"}])");
  EXPECT_EQ(seen["controller"]["state"], "Updating");
  const Finished done = update.finish();
  EXPECT_EQ(done.code, 0) << done.err;
  EXPECT_THAT(names(done), ElementsAre("preparing", "released", "grace", "updating", "stopping", "stopped",
                                       "started", "updated", "done"));
  EXPECT_FALSE(
      laptop.gameserver()["metadata"]["annotations"].contains("apps.kruise.io/inplace-update-grace"));
}

TEST(LocalUpdate, LeavesTheGameAloneWhenItIsNotConcerned) {
  const Laptop laptop;
  Running server(laptop, {OKG_SERVER_MOODY});
  const Json before = laptop.status();
  const Finished done = laptop.okg({"local", "update", "--container", "sidecar", "--image", "s:2", "--json"});
  EXPECT_EQ(done.code, 0) << done.err;
  EXPECT_THAT(names(done), ElementsAre("preparing", "released", "updating", "updated", "done"));
  EXPECT_EQ(laptop.status()["instance"], before["instance"]);
  EXPECT_EQ(laptop.label(kUpdateHook), "true") << "armed by a process that lived through it";
  const Json containers = laptop.gameserver()["status"]["podStatus"]["containerStatuses"];
  Json sidecar;
  for (const Json& one : containers)
    if (one["name"] == "sidecar") sidecar = one;
  EXPECT_EQ(sidecar["image"], "s:2");
}

TEST(LocalUpdate, DoesNotAskWhereThereIsNoHook) {
  const Laptop laptop;
  Running server(laptop, {OKG_SERVER_MOODY, "stubborn"});
  const Finished forced = laptop.okg({"local", "update", "--no-hook", "--json"});
  EXPECT_EQ(forced.code, 0) << forced.err;
  EXPECT_THAT(names(forced), ElementsAre("unasked", "updating", "stopping", "stopped", "started", "done"));
  ASSERT_EQ(laptop.okg({"local", "set", "label", kUpdateHook, "--remove"}).code, 0);
  EXPECT_EQ(laptop.okg({"local", "update"}).code, 0);
}

TEST(LocalUpdate, SaysWhatItWaitsForAndCanBeTriedAgain) {
  const Laptop laptop;
  Running server(laptop, {OKG_SERVER_MOODY, "stubborn"});
  const Finished done = laptop.okg({"local", "update", "--timeout", "300ms"});
  EXPECT_EQ(done.code, 75);
  EXPECT_THAT(done.err, HasSubstr("waited 300 ms for the server to release gs-sync/update-block"));
  EXPECT_EQ(laptop.label(kLifecycle), "PreparingUpdate");
  EXPECT_THAT(laptop.okg({"status"}).out, HasSubstr("\nupdate     coming"));
  Process again({"local", "update"}, laptop.variables());
  ASSERT_TRUE(again.says("PreparingUpdate"));
  again.signal(SIGTERM);
  EXPECT_EQ(again.finish().code, 75);
  EXPECT_EQ(laptop.okg({"local", "update", "--no-hook"}).code, 0);
  EXPECT_EQ(laptop.label(kLifecycle), "Normal");
}

TEST(LocalUpdate, KillsWhoDoesNotListen) {
  const Laptop laptop;
  Running server(laptop, {OKG_SERVER_MOODY, "deaf"});
  const pid_t pid = laptop.status()["pid"].get<pid_t>();
  Process update({"local", "update"}, laptop.variables());
  ASSERT_TRUE(update.says("SIGTERM to process " + std::to_string(pid)));
  ::kill(pid, SIGKILL);  // instead of half a minute's wait
  EXPECT_EQ(update.finish().code, 0);
}

// Whoever starts servers by hand is asked to.
TEST(LocalUpdate, AsksForTheServerWhereNobodyStartsIt) {
  const Laptop laptop;
  Process::Surroundings by_hand = laptop.surroundings();
  by_hand.program = OKG_SERVER_MOODY;
  by_hand.variables["OKG_CONTROLLER"] = "local";
  Process first({}, by_hand);
  ASSERT_TRUE(eventually([&] { return laptop.ops_state() == "Waiting"; }));
  Process update({"local", "update"}, laptop.variables());
  ASSERT_TRUE(update.says("start the server again"));
  EXPECT_EQ(first.finish().code, 0);
  Process second({}, by_hand);
  EXPECT_EQ(update.finish().code, 0);
}

TEST(LocalUpdate, NeedsAGameServer) {
  const Laptop laptop;
  const Finished done = laptop.okg({"local", "update"});
  EXPECT_EQ(done.code, 1);
  EXPECT_THAT(done.err, HasSubstr("OKG_CONTROLLER=local"));
}

}  // namespace
}  // namespace okg::test
