// okg local set and allocate: what OpenKruiseGame, or a match maker, writes to the file.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "integration/local/support.hpp"

namespace okg::test {
namespace {

using base::Json;
using testing::HasSubstr;

TEST(LocalSet, WritesTheGameServer) {
  const Laptop laptop;
  EXPECT_EQ(laptop.okg({"local", "set", "ops-state", "Maintaining"}).out, "set: opsState Maintaining\n");
  EXPECT_EQ(laptop.ops_state(), "Maintaining");
  EXPECT_EQ(laptop.gameserver()["metadata"]["name"], "game");
  EXPECT_EQ(laptop.okg({"local", "set", "update-priority", "7"}).code, 0);
  EXPECT_EQ(laptop.gameserver()["spec"]["updatePriority"], 7);
  EXPECT_EQ(laptop.okg({"local", "set", "label", "gs-sync/map", "dust-2"}).code, 0);
  EXPECT_EQ(laptop.label("gs-sync/map"), "dust-2");
  EXPECT_EQ(laptop.okg({"local", "set", "label", "gs-sync/map", "--remove"}).code, 0);
  EXPECT_EQ(laptop.label("gs-sync/map"), "");
  const Finished json = laptop.okg({"local", "set", "annotation", "a", "--json", "--", "--json"});
  EXPECT_EQ(json.out, "{\"field\":\"annotation/a\",\"value\":\"--json\"}\n");
  EXPECT_EQ(laptop.gameserver()["metadata"]["annotations"]["a"], "--json");
}

TEST(LocalSet, WritesTheNetwork) {
  const Laptop laptop;
  EXPECT_EQ(laptop.okg({"local", "set", "network", "not-ready"}).code, 0);
  EXPECT_EQ(laptop.gameserver()["status"]["networkStatus"]["currentNetworkState"], "NotReady");
  EXPECT_EQ(laptop
                .okg({"local", "set", "network", "ready", "--address", "10.0.0.7:7777/UDP", "--address",
                      "10.0.0.7:80", "--address", "[2001:db8::1]:7777/UDP"})
                .code,
            0);
  const Json network = laptop.gameserver()["status"]["networkStatus"];
  EXPECT_EQ(network["currentNetworkState"], "Ready");
  EXPECT_EQ(network["externalAddresses"].dump(),
            R"([{"ip":"10.0.0.7","ports":[{"name":"game-7777","port":7777,"protocol":"UDP"},)"
            R"({"name":"game-80","port":80,"protocol":"TCP"}]},)"
            R"({"ip":"2001:db8::1","ports":[{"name":"game-7777","port":7777,"protocol":"UDP"}]}])");
}

TEST(LocalAllocate, TakesWhatIsFreeAndNothingElse) {
  const Laptop laptop;
  const Finished nothing = laptop.okg({"local", "allocate"});
  EXPECT_EQ(nothing.code, 1);
  EXPECT_THAT(nothing.err, HasSubstr("gameserver.json: is not there"));
  laptop.okg({"local", "set", "ops-state", "None"});
  EXPECT_EQ(laptop.okg({"local", "allocate", "--match", "m-42"}).out, "allocated: game, match m-42\n");
  EXPECT_EQ(laptop.ops_state(), "Allocated");
  EXPECT_EQ(laptop.gameserver()["metadata"]["annotations"]["gs-sync/match-id"], "m-42");
  const Finished again = laptop.okg({"local", "allocate", "--match", "m-43"});
  EXPECT_EQ(again.code, 1);
  EXPECT_THAT(again.err, HasSubstr("opsState is Allocated, not None: it is not free"));
  EXPECT_EQ(laptop.gameserver()["metadata"]["annotations"]["gs-sync/match-id"], "m-42");
  laptop.okg({"local", "set", "ops-state", "None"});
  laptop.okg({"local", "set", "network", "not-ready"});
  EXPECT_THAT(laptop.okg({"local", "allocate"}).err, HasSubstr("network is NotReady"));
  laptop.okg({"local", "set", "network", "ready"});
  Json updating = laptop.gameserver();
  updating["status"]["currentState"] = "PreUpdate";
  laptop.write(updating);
  EXPECT_THAT(laptop.okg({"local", "allocate"}).err, HasSubstr("state is PreUpdate"));
}

// Somebody edits it by hand.
TEST(LocalSet, SurvivesWhateverStandsThere) {
  const Laptop laptop;
  for (const char* nonsense :
       {"{}", R"({"metadata":5,"spec":"x","status":[1]})", R"({"metadata":{"labels":[],"annotations":7}})",
        R"({"spec":{"opsState":7},"status":{"podStatus":{"containerStatuses":[1,{"name":2},{}]}}})"}) {
    write_file(laptop.run() + "/gameserver.json", nonsense);
    EXPECT_EQ(laptop.okg({"local", "allocate"}).code, 1) << nonsense;
    EXPECT_EQ(laptop.okg({"local", "set", "label", "a", "b"}).code, 0) << nonsense;
    EXPECT_EQ(laptop.label("a"), "b") << nonsense;
    EXPECT_EQ(laptop.okg({"local", "set", "network", "ready", "--address", "10.0.0.7:1"}).code, 0)
        << nonsense;
    EXPECT_EQ(laptop.okg({"local", "set", "ops-state", "None"}).code, 0) << nonsense;
  }
  for (const char* broken : {"", "\xff"}) {
    write_file(laptop.run() + "/gameserver.json", broken);
    const Finished done = laptop.okg({"local", "set", "ops-state", "None"});
    EXPECT_EQ(done.code, 1) << broken;
    EXPECT_THAT(done.err, HasSubstr("gameserver.json"));
    EXPECT_EQ(laptop.okg({"local", "allocate"}).code, 1);
  }
}

TEST(LocalSet, NeedsARunDirectory) {
  const Finished done = okg({"local", "set", "ops-state", "None", "--run", "/nonexistent/run"});
  EXPECT_EQ(done.code, 2);
  EXPECT_THAT(done.err, HasSubstr("/nonexistent/run: is not there"));
}

TEST(LocalSet, IsHeardByTheServer) {
  const Laptop laptop;
  laptop.publish();
  Running server(laptop, {OKG_SERVER_CPP});
  ASSERT_TRUE(eventually([&] { return laptop.ops_state() == "Waiting"; }));
  EXPECT_EQ(laptop.okg({"local", "set", "ops-state", "None"}).code, 0);
  EXPECT_EQ(laptop.okg({"local", "allocate", "--match", "m-42"}).code, 0);
  EXPECT_TRUE(eventually([&] { return laptop.status()["controller"]["ops_state"] == "Allocated"; }));
  EXPECT_TRUE(eventually([&] {
    return laptop.gameserver()["metadata"]["annotations"].value("gs-sync/heard", "") == "Allocated";
  }));
}

}  // namespace
}  // namespace okg::test
