// okg publish and what a server makes of it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <csignal>
#include <latch>
#include <thread>

#include "integration/cli/support.hpp"

namespace okg::test {
namespace {

using base::Json;
using testing::HasSubstr;

bool waits(const Asked& asked) {
  return asked.target.find("wait=") != std::string::npos;
}

class Outcome : public testing::Test {
 protected:
  void SetUp() override { digest_ = make_payload(place_.image(), "2.4.1"); }

  Json named(const std::string& digest, const char* version) {
    return {{"digest", digest}, {"version", version}};
  }
  std::string active() {
    return status_json({{"active", named(digest_, "2.4.1")}, {"desired", named(digest_, "2.4.1")}});
  }
  std::string failed(const char* result, const char* stage) {
    return status_json({{"active", named("sha256:" + std::string(64, 'a'), "2.4.0")},
                        {"desired", named(digest_, "2.4.1")},
                        {"last",
                         {{"digest", digest_},
                          {"version", "2.4.1"},
                          {"result", result},
                          {"stage", stage},
                          {"component", "scripts"},
                          {"code", "rejected"},
                          {"text", "a.lua:3: '=' expected"},
                          {"retriable", false}}}});
  }
  Words once() const { return {"publish", "--from", place_.image(), "--once", "--wait", "30s", "--json"}; }
  Words staying() const { return {"publish", "--from", place_.image(), "--json"}; }

  Place place_;
  std::string digest_;
};

TEST_F(Outcome, ActiveIsSuccess) {
  FakeServer server(place_.run(), [&](const Asked&) { return Reply{200, active(), {}}; });
  const Finished done = okg(once(), place_.variables());
  EXPECT_EQ(done.code, 0) << done.err;
  const auto events = done.events();
  ASSERT_EQ(events.size(), 2U);
  EXPECT_EQ(events[1]["event"], "active");
  EXPECT_EQ(events[1]["version"], "2.4.1");
  EXPECT_EQ(events[1]["digest"], digest_);
  EXPECT_TRUE(events[1]["ms"].is_number());
  bool waited = false;
  for (const Asked& asked : server.asked())
    waited = waited || asked.target.starts_with("/v1/status?wait=" + digest_ + "&timeout=");
  EXPECT_TRUE(waited);
}

TEST_F(Outcome, FailureTellsWhereAndWhy) {
  FakeServer server(place_.run(), [&](const Asked& asked) {
    return Reply{waits(asked) ? 409 : 200, failed("failed", "prepare"), {}};
  });
  const Finished done = okg(once(), place_.variables());
  EXPECT_EQ(done.code, 1);
  const auto events = done.events();
  ASSERT_EQ(events.size(), 2U);
  EXPECT_EQ(events[1]["event"], "failed");
  EXPECT_EQ(events[1]["stage"], "prepare");
  EXPECT_EQ(events[1]["component"], "scripts");
  EXPECT_EQ(events[1]["code"], "rejected");
  EXPECT_EQ(events[1]["text"], "a.lua:3: '=' expected");
  EXPECT_THAT(done.err, HasSubstr("reload of 2.4.1 failed at prepare(scripts): a.lua:3: '=' expected"));
}

TEST_F(Outcome, RefusalFromMemoryTellsTheSame) {
  FakeServer server(place_.run(), [&](const Asked& asked) {
    const Json refused = {
        {"digest", digest_}, {"stage", "requires"}, {"component", nullptr}, {"text", "too new"}};
    return Reply{waits(asked) ? 409 : 200, status_json({{"refused", Json::array({refused})}}), {}};
  });
  const Finished done = okg(once(), place_.variables());
  EXPECT_EQ(done.code, 1);
  EXPECT_EQ(done.events().at(1)["stage"], "requires");
  EXPECT_EQ(done.events().at(1)["component"], nullptr);
  EXPECT_EQ(done.events().at(1)["text"], "too new");
}

TEST_F(Outcome, SupersededIsNotSuccess) {
  FakeServer server(place_.run(), [&](const Asked& asked) {
    return Reply{waits(asked) ? 410 : 200,
                 status_json({{"desired", named("sha256:" + std::string(64, 'b'), "2.5.0")}}),
                 {}};
  });
  const Finished done = okg(once(), place_.variables());
  EXPECT_EQ(done.code, 1);
  EXPECT_EQ(done.events().at(1)["event"], "superseded");
  EXPECT_EQ(done.events().at(1)["by"], "2.5.0");
}

TEST_F(Outcome, RolledBackIsNotSuccess) {
  FakeServer server(place_.run(), [&](const Asked& asked) {
    return Reply{waits(asked) ? 409 : 200, failed("rolled_back", "probation"), {}};
  });
  const Finished done = okg(once(), place_.variables());
  EXPECT_EQ(done.code, 1);
  EXPECT_EQ(done.events().at(1)["event"], "rolled_back");
  EXPECT_EQ(done.events().at(1)["stage"], "probation");
}

TEST_F(Outcome, IsWaitedForThroughEveryOtherAnswer) {
  std::atomic<int> count{0};
  FakeServer server(place_.run(), [&](const Asked& asked) {
    if (!waits(asked)) return Reply{200, status_json({}), {}};
    switch (count++) {
      case 0:
        return Reply{404, status_json({}), {}};
      case 1:
        return Reply{202, status_json({}), {}};
      case 2:
        return Reply{503, "nonsense", {}};
      case 3:
        return Reply{429, "", "Retry-After: 1\r\n"};
      default:
        return Reply{200, active(), {}};
    }
  });
  EXPECT_EQ(okg(once(), place_.variables()).code, 0);
}

TEST_F(Outcome, OfAServerThatComesLater) {
  Process process(staying(), place_.variables());
  ASSERT_TRUE(process.says("\"published\""));
  FakeServer server(place_.run(), [&](const Asked&) { return Reply{200, active(), {}}; });
  ASSERT_TRUE(process.says("\"active\""));
  process.signal(SIGTERM);
  EXPECT_EQ(process.finish().code, 0);
}

TEST_F(Outcome, FailureDoesNotEndAStayingPublisher) {
  FakeServer server(place_.run(), [&](const Asked& asked) {
    return Reply{waits(asked) ? 409 : 200, failed("failed", "prepare"), {}};
  });
  Process process(staying(), place_.variables());
  ASSERT_TRUE(process.says("\"failed\""));
  // Somebody forces it: that is news.
  server.answer([&](const Asked&) { return Reply{200, active(), {}}; });
  ASSERT_TRUE(process.says("\"active\""));
  server.answer([&](const Asked&) { return Reply{200, failed("rolled_back", "probation"), {}}; });
  ASSERT_TRUE(process.says("\"rolled_back\""));
  process.signal(SIGTERM);
  const Finished done = process.finish();
  EXPECT_EQ(done.code, 0);
  EXPECT_EQ(done.events().size(), 4U);  // each said once
}

TEST_F(Outcome, SignalEndsALongWait) {
  std::latch asked_for(1);
  std::atomic<FakeServer*> self{nullptr};
  std::once_flag once;
  FakeServer server(place_.run(), [&](const Asked& asked) {
    if (waits(asked)) {
      std::call_once(once, [&] { asked_for.count_down(); });
      while (self == nullptr || !self.load()->closing()) std::this_thread::yield();
    }
    return Reply{200, status_json({}), {}};
  });
  self = &server;
  Process process(staying(), place_.variables());
  asked_for.wait();
  process.signal(SIGTERM);
  EXPECT_EQ(process.finish().code, 0);
  EXPECT_LT(process.took(), std::chrono::seconds(1));
}

TEST_F(Outcome, WhatTheServerUsesIsKept) {
  const std::string old = digest_;
  ASSERT_EQ(okg({"publish", "--from", place_.image(), "--once"}, place_.variables()).code, 0);
  FakeServer server(place_.run(), [&](const Asked&) {
    return Reply{200, status_json({{"active", named(old, "2.4.1")}, {"in_use", Json::array({old})}}), {}};
  });
  for (const char* version : {"3", "4", "5"}) {
    make_payload(place_.image(), version, version);
    ASSERT_EQ(okg({"publish", "--from", place_.image(), "--once"}, place_.variables()).code, 0);
  }
  EXPECT_TRUE(std::filesystem::exists(place_.payload() + "/v/" + old.substr(7)));
}

TEST_F(Outcome, HostileStatusIsNoStatus) {
  FakeServer server(place_.run(), [&](const Asked& asked) {
    return waits(asked)
               ? Reply{409, R"({"error":{"text":"it \u001b[31mbroke"},"status":{"last":[[[[]]]]}})", {}}
               : Reply{200, std::string(2 << 20, '['), {}};
  });
  const Finished done =
      okg({"publish", "--from", place_.image(), "--once", "--wait", "30s"}, place_.variables());
  EXPECT_EQ(done.code, 1);
  EXPECT_THAT(done.out, HasSubstr("broke"));
  EXPECT_THAT(done.out + done.err, testing::Not(HasSubstr("\x1b")));
}

TEST_F(Outcome, NoOutcomeInTimeSaysWhatIsWaitedFor) {
  // As the server does it: 202 after the timeout asked for, which has to lie within our own patience.
  FakeServer server(place_.run(), [&](const Asked& asked) {
    if (waits(asked)) std::this_thread::sleep_for(std::chrono::milliseconds(1000));
    return Reply{202, active(), "X-OKG-Error: can_commit of scripts says: not yet\r\n"};
  });
  const Finished done =
      okg({"publish", "--from", place_.image(), "--once", "--wait", "1500ms"}, place_.variables());
  EXPECT_EQ(done.code, 75);
  EXPECT_THAT(done.err, HasSubstr("no outcome of 2.4.1 yet: can_commit of scripts says: not yet"));
}

TEST_F(Outcome, NoServerInTimeIsSaid) {
  const Finished done =
      okg({"publish", "--from", place_.image(), "--once", "--wait", "300ms"}, place_.variables());
  EXPECT_EQ(done.code, 75);
  EXPECT_THAT(done.err, HasSubstr(place_.run() + "/okg.sock: no server answers"));
}

class TriggerTest : public Outcome {};

TEST_F(TriggerTest, IsPulledUntilTheAnswerIsRight) {
  std::atomic<int> count{0};
  FakeServer server("", [&](const Asked&) { return Reply{count++ < 2 ? 500 : 204, "", {}}; });
  const Finished done = okg(
      {"publish", "--from", place_.image(), "--once", "--json", "--trigger", server.url(), "--expect", "204"},
      place_.variables());
  EXPECT_EQ(done.code, 0) << done.err;
  EXPECT_EQ(done.events().at(1)["event"], "active");
  ASSERT_EQ(server.asked().size(), 3U);
  EXPECT_EQ(server.asked()[0].target, "/reload");
}

TEST_F(TriggerTest, WrongAnswersAreNoOutcomeInTime) {
  FakeServer server("", [&](const Asked&) { return Reply{500, "", "X-OKG-Error: not yet\r\n"}; });
  const Finished done =
      okg({"publish", "--from", place_.image(), "--once", "--wait", "500ms", "--trigger", server.url()},
          place_.variables());
  EXPECT_EQ(done.code, 75);
  EXPECT_THAT(done.err, HasSubstr("no outcome of 2.4.1 yet: " + server.url() +
                                  ": HTTP status 500 instead of 200: not yet"));
  EXPECT_GE(server.asked().size(), 2U);
}

TEST_F(TriggerTest, SendsTheToken) {
  FakeServer server("", [&](const Asked&) { return Reply{200, "", {}}; });
  write_file(place_ / "token", "secret\n");
  auto variables = place_.variables();
  variables["OKG_TOKEN_FILE"] = place_ / "token";
  EXPECT_EQ(okg({"publish", "--from", place_.image(), "--once", "--trigger", server.url()}, variables).code,
            0);
  EXPECT_THAT(server.asked().at(0).head, HasSubstr("Authorization: Bearer secret\r\n"));
}

}  // namespace
}  // namespace okg::test
