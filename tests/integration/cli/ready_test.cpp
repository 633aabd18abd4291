// okg ready: the gate of a rollout. Green only when this image's own payload is what is asked for.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "integration/cli/support.hpp"

namespace okg::test {
namespace {

using base::Json;
using testing::HasSubstr;
using testing::IsEmpty;

class Ready : public testing::Test {
 protected:
  void SetUp() override {
    digest_ = make_payload(place_.image(), "2.4.1");
    if (okg({"publish", "--from", place_.image(), "--once"}, place_.variables()).code != 0)
      FAIL() << "publish";
  }

  Finished ask(Words more = {}) {
    Words words{"ready", "--from", place_.image()};
    words.insert(words.end(), more.begin(), more.end());
    return okg(words, place_.variables());
  }
  // A server that is alive and says this.
  FakeServer::Handler says(const Json& changes, int live = 200) {
    return [status = status_json(changes), live](const Asked& asked) {
      return asked.target == "/livez" ? Reply{live, "", {}} : Reply{200, status, {}};
    };
  }
  Json own() const { return {{"digest", digest_}, {"version", "2.4.1"}}; }
  Json other() const { return {{"digest", "sha256:" + std::string(64, 'a')}, {"version", "2.4.0"}}; }
  Json last(const char* result, const char* stage) const {
    return {{"digest", digest_}, {"version", "2.4.1"},     {"result", result},
            {"stage", stage},    {"component", "scripts"}, {"text", "a.lua:3: '=' expected"}};
  }
  static void expect_not(const Finished& done, const std::string& why) {
    EXPECT_EQ(done.code, 1);
    EXPECT_THAT(done.out, HasSubstr(why));
    EXPECT_THAT(done.err, HasSubstr(why));
    EXPECT_EQ(std::count(done.out.begin(), done.out.end(), '\n'), 1);
    EXPECT_EQ(std::count(done.err.begin(), done.err.end(), '\n'), 1);
  }

  Place place_;
  std::string digest_;
};

TEST_F(Ready, PublishedNeedsNoServer) {
  EXPECT_EQ(ask({"--gate", "published"}).code, 0);
  const Finished version = ask({"--gate", "published", "--print-version"});
  EXPECT_EQ(version.out, "2.4.1\n");
  EXPECT_THAT(version.err, IsEmpty());
}

TEST_F(Ready, VersionThatCannotBeWrittenIsAFailure) {
  Process::Surroundings full{place_.variables()};
  full.output = "/dev/full";
  const Words words{"ready", "--from", place_.image(), "--gate", "published", "--print-version"};
  const Finished done = Process(words, full).finish();
  EXPECT_EQ(done.code, 1);
  EXPECT_THAT(done.err, HasSubstr("stdout: cannot be written"));
}

TEST_F(Ready, PublishedIsAboutThisImage) {
  make_payload(place_.image(), "2.4.2");
  expect_not(ask({"--gate", "published"}), "2.4.2 is not published");
  expect_not(ask({"--gate", "published", "--print-version"}), "2.4.2 is not published");
}

TEST_F(Ready, PublishedAsksForTheManifestToo) {
  const std::string version = place_.payload() + "/current";
  std::filesystem::permissions(version, std::filesystem::perms::owner_all);
  std::filesystem::remove(version + "/manifest.json");
  EXPECT_EQ(ask({"--gate", "published"}).code, 1);
}

TEST_F(Ready, NotPublishedWithoutAVolume) {
  const Finished done =
      okg({"ready", "--from", place_.image(), "--gate", "published", "--payload", place_ / "none"});
  expect_not(done, "no such volume");
}

TEST_F(Ready, NeverWithoutAServer) {
  for (const char* gate : {"prepared", "active", "good"})
    expect_not(ask({"--gate", gate}), "no server answers");
  expect_not(ask({"--print-version"}), "no server answers");
  // A socket that nobody listens on any more.
  {
    const FakeServer gone(place_.run(), says({}));
  }
  expect_not(ask(), "no server answers");
}

TEST_F(Ready, ActiveIsTheServersWord) {
  FakeServer server(place_.run(), says({{"active", own()}, {"state", "probation"}}));
  EXPECT_EQ(ask().code, 0);
  EXPECT_EQ(ask({"--gate", "prepared"}).code, 0);
  EXPECT_EQ(ask({"--print-version"}).out, "2.4.1\n");
  expect_not(ask({"--gate", "good"}), "probation");
  server.answer(says({{"active", other()}, {"desired", own()}, {"state", "preparing"}}));
  expect_not(ask(), "preparing");
}

TEST_F(Ready, ADeadGameLoopUsesNothing) {
  const FakeServer server(place_.run(),
                          says({{"active", own()}, {"state", "stalled"}, {"tick_age_ms", 9000}}, 503));
  expect_not(ask(), "not alive");
}

TEST_F(Ready, GoodWaitsForTheServersVerdict) {
  FakeServer server(place_.run(), says({{"active", own()}, {"last_good", digest_}}));
  EXPECT_EQ(ask({"--gate", "good"}).code, 0);
  server.answer(says({{"active", own()}, {"last_good", other()["digest"]}}));
  expect_not(ask({"--gate", "good"}), "not known to be good");
}

TEST_F(Ready, PreparedIsEnoughForALongMatch) {
  FakeServer server(
      place_.run(),
      says({{"active", other()}, {"desired", own()}, {"working_on", digest_}, {"state", "prepared"}}));
  EXPECT_EQ(ask({"--gate", "prepared"}).code, 0);
  expect_not(ask({"--gate", "active"}), "prepared");
  server.answer(
      says({{"active", other()}, {"desired", own()}, {"working_on", digest_}, {"state", "committing"}}));
  EXPECT_EQ(ask({"--gate", "prepared"}).code, 0);
  // Still being prepared.
  server.answer(
      says({{"active", other()}, {"desired", own()}, {"working_on", digest_}, {"state", "preparing"}}));
  EXPECT_EQ(ask({"--gate", "prepared"}).code, 1);
  // This is desired, but what is prepared is something else: the older one, a rollback.
  for (const Json& working_on : {other()["digest"], Json(nullptr)}) {
    server.answer(
        says({{"active", other()}, {"desired", own()}, {"working_on", working_on}, {"state", "prepared"}}));
    EXPECT_EQ(ask({"--gate", "prepared"}).code, 1);
  }
  // Something else is prepared, not this.
  server.answer(says({{"active", other()}, {"desired", other()}, {"state", "prepared"}}));
  EXPECT_EQ(ask({"--gate", "prepared"}).code, 1);
}

TEST_F(Ready, ARefusalWinsOverPrepared) {
  const FakeServer server(place_.run(), says({{"active", other()},
                                              {"desired", own()},
                                              {"working_on", digest_},
                                              {"state", "prepared"},
                                              {"refused", Json::array({last("", "commit")})}}));
  expect_not(ask({"--gate", "prepared"}), "failed at commit(scripts)");
}

TEST_F(Ready, WhatIsInPartsIsNotInUse) {
  FakeServer server(place_.run(), says({{"active", own()}, {"last_good", digest_}, {"inconsistent", true}}));
  for (const char* gate : {"prepared", "active", "good"})
    expect_not(ask({"--gate", gate}), "2.4.1 is in use in parts only");
  server.answer(says({{"active", own()}, {"inconsistent", true}, {"last", last("failed", "commit")}}));
  expect_not(ask(), "failed at commit(scripts)");
}

TEST_F(Ready, ARollbackThatHoldsIsTheReason) {
  const Json hold = {{"desired", digest_}, {"to", other()["digest"]}};
  FakeServer server(place_.run(), says({{"active", other()}, {"desired", own()}, {"hold", hold}}));
  for (const char* gate : {"prepared", "active", "good"})
    expect_not(ask({"--gate", gate}),
               "2.4.1 was rolled back on request, to 2.4.0, until something newer is published");
  server.answer(says({{"desired", own()}, {"hold", hold}}));
  expect_not(ask(), "rolled back on request, to aaaaaaaaaaaa");
}

TEST_F(Ready, FailureIsInTheLine) {
  FakeServer server(place_.run(),
                    says({{"active", other()}, {"desired", own()}, {"last", last("failed", "prepare")}}));
  expect_not(ask(), "reload of 2.4.1 failed at prepare(scripts): a.lua:3: '=' expected");
  server.answer(says({{"active", other()}, {"desired", own()}, {"last", last("rolled_back", "probation")}}));
  expect_not(ask(), "2.4.1 was rolled back at probation(scripts)");
  Json refused = last("", "requires");
  server.answer(says({{"active", other()}, {"refused", Json::array({refused})}}));
  expect_not(ask(), "failed at requires(scripts)");
}

TEST_F(Ready, TextsOfTheServerCannotReachTheTerminal) {
  Json evil = last("failed", "prepare");
  evil["text"] = "\x1b[2J\nok";
  const FakeServer server(place_.run(), says({{"active", other()}, {"desired", own()}, {"last", evil}}));
  const Finished done = ask();
  expect_not(done, "failed at prepare");
  EXPECT_THAT(done.out, testing::Not(HasSubstr("\x1b")));
}

TEST_F(Ready, AnswersWithinItsDeadlineWhenTheServerHangs) {
  std::atomic<FakeServer*> self{nullptr};
  FakeServer server(place_.run(), [&](const Asked&) {
    while (self == nullptr || !self.load()->closing()) std::this_thread::yield();
    return Reply{};
  });
  self = &server;
  expect_not(ask(), "no server answers");
}

TEST_F(Ready, PlainFilesAreComparedByTheirList) {
  const Words plain{"ready", "--from", place_.image() + "/files"};
  const auto ask_plain = [&](Words more) {
    Words words = plain;
    words.insert(words.end(), more.begin(), more.end());
    return okg(words, place_.variables());
  };
  EXPECT_EQ(ask_plain({"--gate", "published", "--print-version"}).out, "2.4.1\n");
  {
    const FakeServer server(place_.run(), says({{"active", own()}}));
    EXPECT_EQ(ask_plain({"--print-version"}).out, "2.4.1\n");
  }
  write_file(place_.image() + "/files/scripts/a.lua", "changed");
  EXPECT_EQ(ask_plain({"--gate", "published"}).code, 1);
  const FakeServer server(place_.run(), says({{"active", own()}}));
  EXPECT_EQ(ask_plain({}).code, 1);
}

TEST_F(Ready, SpeaksJson) {
  const FakeServer server(place_.run(), says({{"active", own()}}));
  const Json yes = ask({"--json"}).events().at(0);
  EXPECT_EQ(yes["ready"], true);
  EXPECT_EQ(yes["gate"], "active");
  EXPECT_EQ(yes["version"], "2.4.1");
  EXPECT_EQ(yes["digest"], digest_);
  const Json no = ask({"--json", "--gate", "good"}).events().at(0);
  EXPECT_EQ(no["ready"], false);
  EXPECT_THAT(no["text"].get<std::string>(), HasSubstr("good"));
}

}  // namespace
}  // namespace okg::test
