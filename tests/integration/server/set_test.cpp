// okg set, and what the status tells people, with a real server and the real program.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <thread>

#include "scene.hpp"

namespace okg::test {
namespace {

using nlohmann::json;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

class SetTest : public ::testing::Test {
 protected:
  void start(const std::string& controller = "local") {
    auto options = scene_.options();
    options.controller = controller;
    server_.emplace(options);
    server_->on_ops_state([this](std::string_view state, std::string_view before) {
      heard_.push_back(std::string(before) + ">" + std::string(state));
    });
    ASSERT_TRUE(server_->start());
  }
  // Runs it while the server polls.
  Ran okg(std::vector<std::string> words) {
    words.insert(words.end(), {"--run", scene_.run_dir()});
    Ran ran;
    std::atomic<bool> done{false};
    std::thread program([&] {
      ran = run_okg(words);
      done = true;
    });
    poll_until(*server_, [&] { return done.load(); }, 60s);
    program.join();
    return ran;
  }
  json gameserver() const {
    std::ifstream in(scene_.run_dir() + "/gameserver.json");
    return json::parse(in, nullptr, false);
  }

  Scene scene_;
  std::vector<std::string> heard_;
  std::optional<okg::GameServer> server_;
};

TEST_F(SetTest, ReachesTheGameServerAndTheGame) {
  start();
  ASSERT_TRUE(poll_until(*server_, [&] { return static_cast<bool>(server_->snapshot()); }));
  const Ran set = okg({"set", "ops-state", "Maintaining"});
  EXPECT_EQ(set.exit_code, 0) << set.err;
  EXPECT_EQ(gameserver()["spec"]["opsState"], "Maintaining");
  // The game did not do it, so it hears of it.
  ASSERT_TRUE(poll_until(*server_, [&] { return heard_.size() == 2; }));
  EXPECT_THAT(heard_, ElementsAre(">None", "None>Maintaining"));
  EXPECT_EQ(okg({"set", "update-priority", "7"}).exit_code, 0);
  EXPECT_EQ(gameserver()["spec"]["updatePriority"], 7);
  EXPECT_EQ(okg({"set", "label", "gs-sync/map", "dust-2"}).exit_code, 0);
  EXPECT_EQ(gameserver()["metadata"]["labels"]["gs-sync/map"], "dust-2");
  EXPECT_EQ(okg({"set", "label", "gs-sync/map", "--remove"}).exit_code, 0);
  EXPECT_FALSE(gameserver()["metadata"]["labels"].contains("gs-sync/map"));
  EXPECT_EQ(okg({"set", "annotation", "gs-sync/motd", "h\xc3\xa4llo"}).exit_code, 0);
  EXPECT_EQ(gameserver()["metadata"]["annotations"]["gs-sync/motd"], "h\xc3\xa4llo");
}

TEST_F(SetTest, KillIsHeardByTheGame) {
  start();
  ASSERT_TRUE(poll_until(*server_, [&] { return static_cast<bool>(server_->snapshot()); }));
  std::string killed;
  server_->on_kill([&](std::string_view why) { killed = why; });
  EXPECT_EQ(okg({"set", "ops-state", "Kill"}).exit_code, 0);
  ASSERT_TRUE(poll_until(*server_, [&] { return !killed.empty(); }));
  EXPECT_EQ(killed, "opsState");
}

// The game set something and has heard of nothing else since: an operator's word after that is news to it.
TEST_F(SetTest, IsNewsAlsoAfterTheGameHasSetTheSame) {
  start();
  std::optional<bool> written;
  ASSERT_TRUE(poll_until(*server_, [&] { return heard_.size() == 1; }));
  ASSERT_TRUE(server_->set_ops_state(
      "Allocated", {.written = [&](const Result<void>& result) { written = result.has_value(); }}));
  ASSERT_TRUE(poll_until(*server_, [&] { return written.has_value(); }));
  EXPECT_EQ(okg({"set", "ops-state", "None"}).exit_code, 0);
  ASSERT_TRUE(poll_until(*server_, [&] { return heard_.size() == 2; }));
  EXPECT_EQ(heard_.back(), "Allocated>None");
}

TEST_F(SetTest, DoesNotNeedAGameThatPolls) {
  start();
  ASSERT_TRUE(poll_until(*server_, [&] { return static_cast<bool>(server_->snapshot()); }));
  EXPECT_EQ(run_okg({"set", "ops-state", "Maintaining", "--run", scene_.run_dir()}).exit_code, 0);
}

TEST_F(SetTest, RefusesWhatTheControllerWouldStumbleOver) {
  start();
  ASSERT_TRUE(poll_until(*server_, [&] { return static_cast<bool>(server_->snapshot()); }));
  const Ran wrong = okg({"set", "ops-state", "kill"});
  EXPECT_EQ(wrong.exit_code, 2);
  EXPECT_THAT(wrong.err, HasSubstr("did you mean Kill?"));
  const Ran own = okg({"set", "label", "okg-sdk/payload-version", "9"});
  EXPECT_EQ(own.exit_code, 2);
  EXPECT_THAT(own.err, HasSubstr("okg's own report"));
}

TEST_F(SetTest, WaitsForAControllerThatIsAway) {
  start();
  // Its first report has been written: after it the server writes nothing that could stand over the editor's
  // half.
  const json::json_pointer report("/metadata/labels/okg-sdk~1reload-state");
  ASSERT_TRUE(poll_until(*server_, [&] { return gameserver().contains(report); }));
  const json before = gameserver();
  std::ofstream(scene_.run_dir() + "/gameserver.json") << "{";
  ASSERT_TRUE(poll_until(*server_, [&] { return server_->connection() == Connection::connecting; }));
  const Ran set = okg({"set", "ops-state", "Maintaining", "--wait", "200ms"});
  EXPECT_EQ(set.exit_code, 75);
  EXPECT_THAT(set.err, HasSubstr("gameserver.json"));
  EXPECT_EQ(status(*server_)["controller"]["writes"][0]["result"], "pending");
  json other = before;
  other["spec"]["opsState"] = "Allocated";  // somebody has decided otherwise meanwhile
  std::ofstream(scene_.run_dir() + "/gameserver.json") << other;
  ASSERT_TRUE(poll_until(
      *server_, [&] { return status(*server_)["controller"]["writes"][0]["result"] == "conflict"; }));
  EXPECT_EQ(gameserver()["spec"]["opsState"], "Allocated");
}

TEST_F(SetTest, NeedsAController) {
  start("off");
  const Ran set = okg({"set", "ops-state", "Maintaining"});
  EXPECT_EQ(set.exit_code, 1);
  EXPECT_THAT(set.err, HasSubstr("there is no controller"));
}

TEST_F(SetTest, TheStatusTellsPeople) {
  start();
  ASSERT_TRUE(poll_until(*server_, [&] { return static_cast<bool>(server_->snapshot()); }));
  const Ran shown = okg({"status"});
  EXPECT_THAT(shown.out,
              HasSubstr("\ncontroller local, connected: opsState None, state Ready, network Ready"));
  EXPECT_THAT(shown.out, HasSubstr("\nstart      fresh pod\n"));
}

}  // namespace
}  // namespace okg::test
