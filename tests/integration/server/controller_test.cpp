// The conversation with the controller through the public API, off-cluster.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

#include "controller_fixture.hpp"

namespace okg::test {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

TEST_F(ControllerTest, AGameServerIsThereWithoutACluster) {
  std::vector<Connection> connections;
  server_->on_connection([&](Connection connection) { connections.push_back(connection); });
  start();
  poll_until(*server_, [&] { return !connections.empty(); });
  EXPECT_THAT(connections, ElementsAre(Connection::connected));
  EXPECT_EQ(server_->snapshot().ops_state(), "None");
  EXPECT_EQ(server_->snapshot().state(), "Ready");
  EXPECT_TRUE(server_->snapshot().network_ready());
  const auto controller = status(*server_)["controller"];
  EXPECT_EQ(controller["kind"], "local");
  EXPECT_EQ(controller["link"], "connected");
}

TEST_F(ControllerTest, WhatIsSetIsWrittenAndNotToldBack) {
  std::vector<std::string> heard;
  server_->on_ops_state([&](std::string_view state, std::string_view) { heard.emplace_back(state); });
  start();
  EXPECT_EQ(set("Allocated"), OKG_OK);
  EXPECT_EQ(controller_.ops_state(), "Allocated");
  std::optional<okg_code> written;
  ASSERT_TRUE(server_->set_update_priority(
      7, {.written = [&](const auto& result) { written = result ? OKG_OK : result.error().code; }}));
  ASSERT_TRUE(server_->set_label("gs-sync/map", "dust-2"));
  ASSERT_TRUE(server_->set_annotation("gs-sync/motd", "h\xc3\xa4llo\n"));
  ASSERT_TRUE(poll_until(*server_, [&] { return controller_.label("gs-sync/map") == "dust-2" && written; }));
  EXPECT_EQ(controller_.read()["spec"]["updatePriority"], 7);
  ASSERT_TRUE(server_->set_label("gs-sync/map", std::nullopt));
  ASSERT_TRUE(poll_until(*server_, [&] { return !controller_.label("gs-sync/map"); }));
  EXPECT_THAT(heard, ElementsAre("None"));
}

TEST_F(ControllerTest, WhatCannotBeIsRefusedAtOnce) {
  const auto wrong = server_->set_ops_state("kill");
  EXPECT_EQ(wrong.error().code, OKG_INVALID_ARGUMENT);
  EXPECT_THAT(wrong.error().text, HasSubstr("did you mean Kill?"));
  EXPECT_FALSE(server_->set_ops_state("in match"));
  EXPECT_FALSE(server_->set_update_priority(-1));
  EXPECT_FALSE(server_->set_label("a b", "c"));
  EXPECT_FALSE(server_->set_label("a", "c d"));
}

TEST_F(ControllerTest, HearsOfAllocationAndItsMatch) {
  std::vector<std::string> heard;
  std::string match;
  server_->on_ops_state([&](std::string_view state, std::string_view before) {
    heard.push_back(std::string(before) + ">" + std::string(state));
    match = server_->snapshot().match_id();
  });
  start();
  controller_.set({{"metadata", {{"annotations", {{"gs-sync/match-id", "m-42"}}}}},
                   {"spec", {{"opsState", "Allocated"}}}});
  ASSERT_TRUE(poll_until(*server_, [&] { return heard.size() == 2; }));
  EXPECT_THAT(heard, ElementsAre(">None", "None>Allocated"));
  EXPECT_EQ(match, "m-42");
}

TEST_F(ControllerTest, AnOldDecisionDoesNotOverwriteAFreshAllocation) {
  start();
  controller_.ops_state("Allocated");
  // The game has not polled since, and decides for None's successor.
  std::optional<okg_code> code;
  for (int i = 0; i < 200 && server_->snapshot().ops_state() != "Allocated"; ++i)
    std::this_thread::sleep_for(10ms);
  std::vector<std::string> heard;
  server_->on_ops_state([&](std::string_view state, std::string_view) { heard.emplace_back(state); });
  ASSERT_TRUE(server_->set_ops_state(
      "Maintaining", {.written = [&](const auto& result) { code = result ? OKG_OK : result.error().code; }}));
  ASSERT_TRUE(poll_until(*server_, [&] { return code && !heard.empty(); }));
  EXPECT_EQ(code, OKG_CONFLICT);
  EXPECT_EQ(controller_.ops_state(), "Allocated");
  EXPECT_THAT(heard, ElementsAre("Allocated"));
  EXPECT_EQ(set("Maintaining"), OKG_OK) << "now it knows";
}

TEST_F(ControllerTest, ExpectComparesAndSets) {
  start();
  EXPECT_EQ(set("Allocated", {.expect = "None"}), OKG_OK);
  EXPECT_EQ(set("Allocated", {.expect = "None"}), OKG_CONFLICT);
}

// A slow tick: ours was written and somebody has set the old value since; what is told at once looks as if
// nothing had happened.
TEST_F(ControllerTest, WhatStoodThereBeforeIsNewsWhenSomebodySetItAgain) {
  std::vector<std::string> heard;
  server_->on_ops_state([&](std::string_view state, std::string_view before) {
    heard.push_back(std::string(before) + ">" + std::string(state));
  });
  start();
  ASSERT_THAT(heard, ElementsAre(">None"));
  ASSERT_TRUE(server_->set_ops_state("Allocated"));
  const auto wait_without_poll = [&](const std::function<bool()>& holds) {
    for (int i = 0; i < 2000 && !holds(); ++i) std::this_thread::sleep_for(10ms);
    return holds();
  };
  ASSERT_TRUE(wait_without_poll([&] { return controller_.ops_state() == "Allocated"; }));
  controller_.ops_state("None");
  ASSERT_TRUE(wait_without_poll([&] { return status(*server_)["controller"]["ops_state"] == "None"; }));
  ASSERT_TRUE(poll_until(*server_, [&] { return heard.size() == 2; }));
  EXPECT_EQ(heard.back(), "Allocated>None");
}

// What was not written is nothing that the next decision could be based on.
TEST_F(ControllerTest, AWriteThatFailedDoesNotStandInTheNextOnesWay) {
  start();
  const json before = controller_.read();
  controller_.write_text("{");
  ASSERT_TRUE(poll_until(*server_, [&] { return server_->connection() == Connection::connecting; }));
  EXPECT_EQ(set("Allocated", {.timeout = 100ms, .expect = "None"}), OKG_TIMEOUT);
  controller_.write(before);
  ASSERT_TRUE(poll_until(*server_, [&] { return server_->connection() == Connection::connected; }));
  EXPECT_EQ(set("Maintaining"), OKG_OK);
}

TEST_F(ControllerTest, KillIsHeardOnce) {
  std::vector<std::string> killed;
  server_->on_kill([&](std::string_view why) { killed.emplace_back(why); });
  start();
  controller_.ops_state("Kill");
  ASSERT_TRUE(poll_until(*server_, [&] { return !killed.empty(); }));
  controller_.set({{"metadata", {{"annotations", {{"a", "b"}}}}}});
  poll_until(*server_, [&] { return server_->snapshot().annotation("a").has_value(); });
  EXPECT_THAT(killed, ElementsAre("opsState"));
}

TEST_F(ControllerTest, NetworkThatComesLaterIsHeard) {
  std::vector<bool> ready;
  start();
  controller_.set({{"status", {{"networkStatus", {{"currentNetworkState", "NotReady"}}}}}});
  ASSERT_TRUE(poll_until(*server_, [&] { return !server_->snapshot().network_ready(); }));
  std::string address;
  server_->on_network([&](const GameServerSnapshot& snapshot) {
    ready.push_back(snapshot.network_ready());
    for (const auto& one : snapshot.addresses())
      for (const auto& port : one.ports) address = one.ip + ":" + std::to_string(port.number);
  });
  controller_.set({{"status",
                    {{"networkStatus",
                      {{"currentNetworkState", "Ready"},
                       {"externalAddresses",
                        {{{"ip", "48.9.9.8"},
                          {"ports", {{{"name", "g"}, {"protocol", "UDP"}, {"port", "8211"}}}}}}}}}}}});
  ASSERT_TRUE(poll_until(*server_, [&] { return !address.empty(); }));
  EXPECT_TRUE(ready.back());
  EXPECT_EQ(address, "48.9.9.8:8211");
}

TEST_F(ControllerTest, AnUpdateIsAskedForAllowedAndArmedAgain) {
  std::vector<UpdateNotice> notices;
  server_->on_update([&](const UpdateNotice& notice) { notices.push_back(notice); });
  start();
  controller_.lifecycle("PreparingUpdate");
  ASSERT_TRUE(poll_until(*server_, [&] { return notices.size() == 1; }));
  EXPECT_EQ(notices[0].phase, UpdateNotice::Phase::coming);
  EXPECT_TRUE(notices[0].waits);
  EXPECT_FALSE(notices[0].containers);
  EXPECT_GT(*notices[0].deadline, 30s);
  EXPECT_EQ(controller_.label(kHook), "true") << "not before it is allowed";
  EXPECT_EQ(status(*server_)["controller"]["update"]["phase"], "coming");
  EXPECT_FALSE(server_->allow_update(notices[0].id + 1));
  ASSERT_TRUE(server_->allow_update(notices[0].id));
  ASSERT_TRUE(poll_until(*server_, [&] { return controller_.label(kHook) == "false"; }));
  controller_.lifecycle("Updating");
  ASSERT_TRUE(poll_until(*server_, [&] { return notices.size() == 2; }));
  EXPECT_EQ(notices[1].phase, UpdateNotice::Phase::started);
  controller_.lifecycle("Updated");
  ASSERT_TRUE(
      poll_until(*server_, [&] { return notices.size() == 3 && controller_.label(kHook) == "true"; }));
  EXPECT_EQ(notices[2].phase, UpdateNotice::Phase::finished);
}

TEST_F(ControllerTest, NobodyAskedMeansAllowed) {
  start();
  controller_.lifecycle("PreparingUpdate");
  ASSERT_TRUE(poll_until(*server_, [&] { return controller_.label(kHook) == "false"; }));
}

TEST_F(ControllerTest, AllowsByItselfAtTheDeadline) {
  server_.reset();
  auto options = scene_.options();
  options.update_timeout = 200ms;
  server_.emplace(options);
  int told = 0;
  server_->on_update([&](const UpdateNotice&) { ++told; });
  start();
  controller_.lifecycle("PreparingUpdate");
  ASSERT_TRUE(poll_until(*server_, [&] { return controller_.label(kHook) == "false"; }));
  EXPECT_EQ(told, 1);
}

TEST_F(ControllerTest, TheNextProcessArmsWhatThisOneReleased) {
  start();
  server_->close();
  controller_.lifecycle("Updated");
  controller_.set({{"metadata", {{"labels", {{kHook, "false"}}}}}});
  server_.reset();
  server_.emplace(scene_.options());
  start();
  ASSERT_TRUE(poll_until(*server_, [&] { return controller_.label(kHook) == "true"; }));
}

TEST_F(ControllerTest, AFileThatSomebodyIsWritingIsWaitedFor) {
  std::vector<std::string> heard;
  server_->on_ops_state([&](std::string_view state, std::string_view) { heard.emplace_back(state); });
  start();
  const json before = controller_.read();
  controller_.write_text("{ \"spec\": {");
  ASSERT_TRUE(poll_until(*server_, [&] { return server_->connection() == Connection::connecting; }));
  std::optional<okg_code> code;
  ASSERT_TRUE(server_->set_ops_state(
      "Draining", {.written = [&](const auto& result) { code = result ? OKG_OK : result.error().code; }}));
  poll_until(*server_, [&] { return code.has_value(); }, 1s);
  EXPECT_FALSE(code) << "kept";
  controller_.write(before);
  ASSERT_TRUE(poll_until(*server_, [&] { return code == OKG_OK; }));
  EXPECT_EQ(controller_.ops_state(), "Draining");
  EXPECT_THAT(heard, ElementsAre("None"));
}

TEST_F(ControllerTest, ADeletedGameServerIsMadeAnew) {
  start();
  EXPECT_EQ(set("Allocated"), OKG_OK);
  std::vector<std::string> heard;
  server_->on_ops_state([&](std::string_view state, std::string_view) { heard.emplace_back(state); });
  std::remove((scene_.run_dir() + "/gameserver.json").c_str());
  ASSERT_TRUE(poll_until(*server_, [&] { return !heard.empty(); }));
  EXPECT_THAT(heard, ElementsAre("None"));
}

TEST_F(ControllerTest, ClosingEndsWhatIsWaitedFor) {
  start();
  controller_.write_text("{");
  poll_until(*server_, [&] { return server_->connection() == Connection::connecting; });
  std::optional<okg_code> code;
  ASSERT_TRUE(server_->set_ops_state(
      "Draining", {.written = [&](const auto& result) { code = result ? OKG_OK : result.error().code; }}));
  server_->close();
  EXPECT_EQ(code, OKG_CLOSED);
  EXPECT_FALSE(server_->set_ops_state("None"));
}

TEST_F(ControllerTest, WhatWasSetBeforeAStartThatNeverCameEndsToo) {
  std::optional<okg_code> code;
  ASSERT_TRUE(server_->set_ops_state(
      "Draining", {.written = [&](const auto& result) { code = result ? OKG_OK : result.error().code; }}));
  server_->close();
  EXPECT_EQ(code, OKG_CLOSED);
}

TEST(ControllerOff, SaysSo) {
  Scene scene;
  auto options = scene.options();
  options.controller = "off";
  okg::GameServer server(options);
  ASSERT_TRUE(server.start());
  EXPECT_EQ(server.connection(), Connection::off);
  EXPECT_EQ(server.set_ops_state("Allocated").error().code, OKG_UNSUPPORTED);
  EXPECT_FALSE(server.snapshot());
  options.controller = "cloud";
  okg::GameServer other(options);
  EXPECT_THAT(other.start().error().text, HasSubstr("OKG_CONTROLLER"));
}

}  // namespace
}  // namespace okg::test
