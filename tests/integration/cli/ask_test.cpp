// okg status, reload, rollback and probe against a server that answers as told.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>

#include "integration/cli/support.hpp"

namespace okg::test {
namespace {

using base::Json;
using testing::HasSubstr;

const std::string kOne = "sha256:" + std::string(64, '1');
const std::string kTwo = "sha256:" + std::string(64, '2');

std::string full_status() {
  return status_json(
      {{"state", "idle"},
       {"active",
        {{"digest", kOne}, {"version", "2.4.0"}, {"since", "2026-11-22T13:00:00Z"}, {"unverified", false}}},
       {"desired", {{"digest", kTwo}, {"version", "2.4.1"}}},
       {"last_good", kOne},
       {"in_use", {kOne}},
       {"refused",
        {{{"digest", kTwo}, {"stage", "prepare"}, {"component", "scripts"}, {"text", "a.lua:3: bad"}}}},
       {"last",
        {{"digest", kTwo},
         {"version", "2.4.1"},
         {"result", "failed"},
         {"stage", "prepare"},
         {"component", "scripts"},
         {"code", "rejected"},
         {"text", "a.lua:3: bad"},
         {"retriable", false},
         {"attempt", 1},
         {"detect_us", 40},
         {"verify_us", 11000},
         {"prepare_us", 40000},
         {"commit_us", nullptr},
         {"total_us", 2500000}}},
       {"reloads", {{"ok", 7}, {"failed", 1}, {"superseded", 2}}}});
}

FakeServer::Handler always(int status, std::string body, std::string headers = {}) {
  return [=](const Asked&) { return Reply{status, body, headers}; };
}

TEST(Status, IsATableForPeople) {
  const Place place;
  const FakeServer server(place.run(), always(200, full_status()));
  const Finished done = okg({"status"}, place.variables());
  EXPECT_EQ(done.code, 0);
  for (const char* part :
       {"state      idle", "ready      yes", "2.4.0  111111111111  since 2026-11-22T13:00:00Z",
        "2.4.1  222222222222", "failed at prepare(scripts): a.lua:3: bad [rejected]", "detect 40.0 us",
        "verify 11.0 ms", "prepare 40.0 ms", "total 2.50 s", "7 ok, 1 failed, 2 superseded",
        "inotify, last poll 12 ms ago", "pid 1", "okg 0.1.0"})
    EXPECT_THAT(done.out, HasSubstr(part));
  EXPECT_THAT(done.out, testing::Not(HasSubstr("commit ")));
  EXPECT_THAT(done.out, testing::Not(HasSubstr("\x1b")));
}

TEST(Status, IsTheServersOwnJson) {
  const Place place;
  const std::string status = full_status();
  const FakeServer server(place.run(), always(200, status));
  const Finished done = okg({"status", "--json"}, place.variables());
  EXPECT_EQ(done.code, 0);
  EXPECT_EQ(done.out, status + "\n");
}

TEST(Status, NeedsAServer) {
  const Place place;
  for (const Words& words : {Words{"status"}, Words{"status", "--watch"}, Words{"reload"}, Words{"rollback"},
                             Words{"probe", "live"}, Words{"probe", "ready"}}) {
    const Finished done = okg(words, place.variables());
    EXPECT_EQ(done.code, 69) << words[0];
    EXPECT_THAT(done.err, HasSubstr(place.run() + "/okg.sock"));
    EXPECT_EQ(std::count(done.err.begin(), done.err.end(), '\n'), 1);
  }
}

TEST(Status, OfSomethingElseIsNotShown) {
  const Place place;
  FakeServer server(place.run(), always(200, "<html>"));
  EXPECT_EQ(okg({"status"}, place.variables()).code, 1);
  server.answer(always(200, R"({"schema":"okg.status/v9"})"));
  EXPECT_EQ(okg({"status", "--json"}, place.variables()).code, 1);
  server.answer(always(403, ""));
  EXPECT_EQ(okg({"status"}, place.variables()).code, 1);
  // Wrong types everywhere are absent values.
  server.answer(
      always(200, R"({"schema":"okg.status/v1","active":7,"last":[],"refused":{},"pid":"x","in_use":[1]})"));
  EXPECT_EQ(okg({"status"}, place.variables()).code, 0);
}

TEST(Status, WatchSaysEachChangeOnce) {
  const Place place;
  FakeServer server(place.run(), always(200, status_json({{"state", "idle"}})));
  Process process({"status", "--watch", "--json"}, place.variables());
  ASSERT_TRUE(process.says("\"idle\""));
  // Time alone is no change.
  server.answer(always(200, status_json({{"state", "idle"}, {"tick_age_ms", 99}})));
  server.answer(always(200, status_json({{"state", "preparing"}})));
  ASSERT_TRUE(process.says("\"preparing\""));
  process.signal(SIGINT);
  const Finished done = process.finish();
  EXPECT_EQ(done.code, 0);
  EXPECT_EQ(done.events().size(), 2U);
}

TEST(Status, WatchOutlivesTheServer) {
  const Place place;
  auto server = std::make_unique<FakeServer>(place.run(), always(200, status_json({{"state", "idle"}})));
  Process process({"status", "--watch"}, place.variables());
  ASSERT_TRUE(process.says("idle, ready"));
  server.reset();
  ASSERT_TRUE(process.says("no server answers"));
  server = std::make_unique<FakeServer>(place.run(), always(200, status_json({{"state", "starting"}})));
  ASSERT_TRUE(process.says("starting, ready"));
  process.signal(SIGTERM);
  EXPECT_EQ(process.finish().code, 0);
}

TEST(Terminal, GetsColoursUnlessItWantsNone) {
  const Place place;
  const FakeServer server(place.run(), always(200, full_status()));
  Process::Surroundings terminal{place.variables()};
  terminal.terminal = true;
  terminal.variables["TERM"] = "xterm";
  EXPECT_THAT(Process({"status"}, terminal).finish().out, HasSubstr("\x1b[32m"));
  terminal.variables["NO_COLOR"] = "1";
  EXPECT_THAT(Process({"status"}, terminal).finish().out, testing::Not(HasSubstr("\x1b")));
  terminal.variables.erase("NO_COLOR");
  EXPECT_THAT(Process({"status", "--json"}, terminal).finish().out, testing::Not(HasSubstr("\x1b")));
}

TEST(Terminal, IsDrawnOverWhileWatching) {
  const Place place;
  FakeServer server(place.run(), always(200, status_json({{"state", "idle"}})));
  Process::Surroundings terminal{place.variables()};
  terminal.terminal = true;
  Process process({"status", "--watch"}, terminal);
  ASSERT_TRUE(process.says("idle"));
  server.answer(always(200, status_json({{"state", "preparing"}})));
  ASSERT_TRUE(process.says("preparing"));
  process.signal(SIGINT);
  const Finished done = process.finish();
  EXPECT_EQ(done.code, 0);
  EXPECT_THAT(done.out, HasSubstr("\x1b[H"));
}

struct Answered {
  int status;
  int code;
};

class Order : public testing::TestWithParam<Answered> {};

TEST_P(Order, HasTheExitCodeOfTheAnswer) {
  const Place place;
  const std::string body =
      GetParam().status < 300
          ? full_status()
          : R"({"error":{"code":"x","text":"because of this"},"status":)" + full_status() + "}";
  const FakeServer server(place.run(), always(GetParam().status, body));
  for (const char* command : {"reload", "rollback"}) {
    const Finished done = okg({command, "--wait", "100ms"}, place.variables());
    EXPECT_EQ(done.code, GetParam().code) << command;
    EXPECT_EQ(std::count(done.out.begin(), done.out.end(), '\n'), 1);
    if (GetParam().status >= 400) {
      EXPECT_THAT(done.err, testing::AnyOf(HasSubstr("because of this"), HasSubstr("a.lua:3: bad")));
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Cli, Order,
                         testing::Values(Answered{200, 0}, Answered{202, 75}, Answered{400, 2},
                                         Answered{403, 1}, Answered{404, 1}, Answered{409, 1},
                                         Answered{410, 1}, Answered{412, 1}, Answered{422, 1},
                                         Answered{429, 75}, Answered{500, 1}, Answered{503, 75},
                                         Answered{504, 75}),
                         [](const auto& tested) { return "Http" + std::to_string(tested.param.status); });

TEST(Reload, AsksForWhatItWasTold) {
  const Place place;
  const FakeServer server(place.run(), always(200, full_status()));
  EXPECT_EQ(okg({"reload", "--to", kTwo.substr(7), "--force", "--wait", "5s"}, place.variables()).code, 0);
  EXPECT_EQ(okg({"reload"}, place.variables()).code, 0);
  const auto asked = server.asked();
  ASSERT_EQ(asked.size(), 2U);
  EXPECT_EQ(asked[0].method, "POST");
  EXPECT_EQ(asked[0].target, "/v1/reload");
  EXPECT_THAT(asked[0].head, HasSubstr("X-OKG-Request: 1\r\n"));
  EXPECT_THAT(asked[0].head, HasSubstr("Prefer: wait=5\r\n"));
  EXPECT_EQ(Json::parse(asked[0].body), Json({{"digest", kTwo}, {"force", true}}));
  EXPECT_THAT(asked[1].head, HasSubstr("Prefer: wait=30\r\n"));
  EXPECT_FALSE(Json::parse(asked[1].body).contains("digest"));
}

TEST(Rollback, GoesToLastGoodUnlessTold) {
  const Place place;
  const FakeServer server(place.run(), always(200, full_status()));
  EXPECT_EQ(okg({"rollback"}, place.variables()).code, 0);
  EXPECT_EQ(okg({"rollback", "--to", kOne}, place.variables()).code, 0);
  const auto asked = server.asked();
  ASSERT_EQ(asked.size(), 2U);
  EXPECT_EQ(asked[0].target, "/v1/rollback");
  EXPECT_EQ(Json::parse(asked[0].body)["to"], "last_good");
  EXPECT_EQ(Json::parse(asked[1].body)["to"], kOne);
}

TEST(Reload, WaitsOnWhenTheServerOnlyAccepted) {
  const Place place;
  const FakeServer server(place.run(), [](const Asked& asked) {
    if (asked.method == "POST") return Reply{202, full_status(), {}};
    return asked.target.starts_with("/v1/status?wait=" + kTwo) ? Reply{200, full_status(), {}}
                                                               : Reply{500, "", {}};
  });
  EXPECT_EQ(okg({"reload"}, place.variables()).code, 0);
  EXPECT_EQ(server.asked().size(), 2U);
}

TEST(Reload, SaysWhatItStillWaitsFor) {
  const Place place;
  const FakeServer server(place.run(), always(202, full_status(), "X-OKG-Error: reload is preparing\r\n"));
  const Finished done = okg({"reload", "--wait", "100ms"}, place.variables());
  EXPECT_EQ(done.code, 75);
  EXPECT_THAT(done.err, HasSubstr("pending: reload is preparing"));
}

TEST(Rollback, WaitsForTheOneItGoesBackTo) {
  const Place place;
  const FakeServer server(place.run(), [](const Asked& asked) {
    if (asked.method == "POST") return Reply{202, full_status(), {}};
    return asked.target.starts_with("/v1/status?wait=" + kOne) ? Reply{200, full_status(), {}}
                                                               : Reply{500, "", {}};
  });
  EXPECT_EQ(okg({"rollback"}, place.variables()).code, 0);
}

TEST(Reload, SaysWhyAsJson) {
  const Place place;
  const FakeServer server(
      place.run(), always(409, R"({"error":{"code":"failed","text":"x"},"status":)" + full_status() + "}"));
  const Finished done = okg({"reload", "--json"}, place.variables());
  EXPECT_EQ(done.code, 1);
  const Json said = done.events().at(0);
  EXPECT_EQ(said["result"], "failed");
  EXPECT_EQ(said["digest"], kTwo);
  EXPECT_EQ(said["text"], "reload of 2.4.1 failed at prepare(scripts): a.lua:3: bad");
}

TEST(Probe, IsTheServersWord) {
  const Place place;
  FakeServer server(place.run(), [](const Asked& asked) {
    if (asked.target == "/livez") return Reply{200, "", {}};
    if (asked.target == "/readyz") return Reply{503, "", {}};
    return Reply{200, status_json({{"state", "starting"}}), {}};
  });
  const Finished live = okg({"probe", "live"}, place.variables());
  EXPECT_EQ(live.code, 0);
  EXPECT_EQ(live.out, "live\n");
  const Finished ready = okg({"probe", "ready"}, place.variables());
  EXPECT_EQ(ready.code, 1);
  EXPECT_THAT(ready.out, HasSubstr("not ready: the server is starting"));
  EXPECT_EQ(std::count(ready.out.begin(), ready.out.end(), '\n'), 1);
  EXPECT_EQ(ready.err, "");
  EXPECT_EQ(okg({"probe", "ready", "--json"}, place.variables()).events().at(0)["ready"], false);
}

}  // namespace
}  // namespace okg::test
