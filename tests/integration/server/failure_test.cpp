// What does not go well leaves the last good version in use, and says so.
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <thread>

#include "integration/server/scene.hpp"

namespace okg::test {
namespace {

class Failing : public ::testing::Test {
 protected:
  void begin(std::chrono::nanoseconds probation = 10s) {
    first = scene.publish("1", files("one", "x"));
    restart(probation);
  }
  // An orderly end, and the next process, as far as the run directory can tell.
  void restart(std::chrono::nanoseconds probation) {
    server.reset();
    texts.in_use.reset();
    scripts.in_use.reset();
    auto options = scene.options();
    options.probation = probation;
    server.emplace(std::move(options));
    texts.attach(*server, "texts");
    scripts.attach(*server, "scripts");
    const auto started = server->start({.initial_payload = 10s});
    ASSERT_TRUE(started) << started.error().text;
  }
  static Files files(const std::string& text, const std::string& script) {
    return {{"texts/a", text}, {"scripts/b", script}};
  }
  std::string publish_and_settle(const std::string& version, const Files& content) {
    const std::string digest = scene.publish(version, content);
    EXPECT_TRUE(poll_until(*server, [&] { return settled(*server, digest); })) << server->status_json();
    return digest;
  }

  Scene scene;
  Component texts{"texts/a"}, scripts{"scripts/b"};
  std::optional<okg::GameServer> server;
  std::string first;
};

TEST_F(Failing, RejectedInPrepare) {
  begin();
  texts.check = [](const std::string& text, StopToken) -> Result<void> {
    if (text == "bad") return okg::rejected("a: 'bad' is no text");
    return {};
  };
  const std::string bad = publish_and_settle("2", files("bad", "y"));
  const auto now = status(*server);
  EXPECT_EQ(now["active"]["digest"], first);
  EXPECT_EQ(now["last"]["result"], "failed");
  EXPECT_EQ(now["last"]["stage"], "prepare");
  EXPECT_EQ(now["last"]["component"], "texts");
  EXPECT_EQ(now["last"]["code"], "rejected");
  EXPECT_EQ(now["last"]["text"], "a: 'bad' is no text");
  EXPECT_EQ(now["refused"][0]["digest"], bad);
  EXPECT_EQ(now["ready"], true);
  EXPECT_EQ(texts.text(), "one");
  EXPECT_EQ(scripts.text(), "x");
  EXPECT_NE(scene.log().find("reload of 2 failed at prepare(texts)"), std::string::npos);

  // It is not tried again by itself, and going back needs no reload.
  const int before = texts.prepares;
  EXPECT_TRUE(server->reload());
  scene.republish("1");
  EXPECT_TRUE(server->reload());
  scene.republish("2");
  EXPECT_TRUE(server->reload());
  for (int i = 0; i < 50; ++i) server->poll();
  EXPECT_EQ(texts.prepares, before);
  // By force it is.
  texts.check = nullptr;
  EXPECT_TRUE(server->reload(true));
  EXPECT_TRUE(poll_until(*server, [&] { return texts.text() == "bad"; }));
}

TEST_F(Failing, AHandlerThatThrowsInPrepare) {
  begin();
  texts.check = [](const std::string& text, StopToken) -> Result<void> {
    if (text == "bad") throw std::runtime_error("boom");
    return {};
  };
  publish_and_settle("2", files("bad", "y"));
  const auto now = status(*server);
  EXPECT_EQ(now["last"]["code"], "crashed");
  EXPECT_EQ(now["last"]["text"], "boom");
  EXPECT_EQ(texts.text(), "one");
  EXPECT_EQ(scripts.text(), "x");
}

TEST_F(Failing, ACommitThatFailsIsUndoneInAllComponents) {
  begin();
  texts.throw_in_commit = false;
  ASSERT_EQ(scripts.commits, (std::vector<std::string>{"x"}));  // "scripts" comes before "texts"
  texts.throw_in_commit = true;
  publish_and_settle("2", files("two", "y"));
  texts.throw_in_commit = false;
  const auto now = status(*server);
  EXPECT_EQ(now["active"]["digest"], first);
  EXPECT_EQ(now["last"]["stage"], "commit");
  EXPECT_EQ(now["last"]["component"], "texts");
  EXPECT_EQ(scripts.commits, (std::vector<std::string>{"x", "y", "x"}));
  EXPECT_EQ(texts.text(), "one");
  EXPECT_EQ(now["ready"], true);
}

TEST_F(Failing, WhatMayPassIsTriedAgain) {
  begin();
  std::atomic<int> tries{0};
  texts.check = [&](const std::string& text, StopToken) -> Result<void> {
    if (text == "later" && ++tries == 1) return okg::try_again("the asset server is busy");
    return {};
  };
  scene.publish("2", files("later", "y"));
  EXPECT_TRUE(poll_until(*server, [&] { return texts.text() == "later"; }));
  EXPECT_EQ(tries, 2);
  EXPECT_EQ(status(*server)["reloads"]["failed"], 0);
}

TEST_F(Failing, ReportBadGivesBackTheOldObjects) {
  begin(100ms);
  ASSERT_TRUE(poll_until(*server, [&] { return status(*server)["last_good"] == first; }));
  const Tracked* old = texts.in_use.get();
  const std::string second = publish_and_settle("2", files("two", "y"));
  ASSERT_EQ(texts.text(), "two");
  ASSERT_TRUE(server->report_bad("players fall through the floor"));
  ASSERT_TRUE(poll_until(*server, [&] { return status(*server)["last"]["result"] == "rolled_back"; }));
  EXPECT_EQ(texts.in_use.get(), old);
  EXPECT_EQ(scripts.text(), "x");
  const auto now = status(*server);
  EXPECT_EQ(now["active"]["digest"], first);
  EXPECT_EQ(now["last"]["digest"], second);
  EXPECT_EQ(now["last"]["stage"], "probation");
  EXPECT_EQ(now["last"]["code"], "report_bad");
  EXPECT_EQ(now["refused"][0]["digest"], second);
  EXPECT_TRUE(poll_until(*server, [&] { return Tracked::alive == 2; }));
}

TEST_F(Failing, ReportBadWithNothingToGoBackTo) {
  begin();
  const auto reported = server->report_bad("bad from the start");
  ASSERT_FALSE(reported);
  EXPECT_EQ(reported.error().code, OKG_NOT_FOUND);
  EXPECT_EQ(texts.text(), "one");
}

TEST_F(Failing, ProbationOvertakenGoesBackToWhatWasGood) {
  begin(50ms);
  ASSERT_TRUE(poll_until(*server, [&] { return status(*server)["last_good"] == first; }));
  restart(1h);
  const std::string second = scene.publish("2", files("two", "x"));
  ASSERT_TRUE(poll_until(*server, [&] { return server->payload().digest() == second; }));
  const std::string third = scene.publish("3", files("two", "z"));
  ASSERT_TRUE(poll_until(*server, [&] { return server->payload().digest() == third; }));
  ASSERT_TRUE(server->report_bad("no"));
  ASSERT_TRUE(poll_until(*server, [&] { return server->payload().digest() == first; }));
  EXPECT_EQ(texts.text(), "one");
  EXPECT_EQ(scripts.text(), "x");
}

TEST_F(Failing, KeptObjectsGoWhenTheNewPayloadIsGood) {
  begin(100ms);
  publish_and_settle("2", files("two", "y"));
  EXPECT_TRUE(poll_until(*server, [&] { return status(*server)["state"] == "idle" && Tracked::alive == 2; }));
}

TEST_F(Failing, RollbackOnRequestHoldsUntilSomethingNewer) {
  begin(50ms);
  ASSERT_TRUE(poll_until(*server, [&] { return status(*server)["last_good"] == first; }));
  const std::string second = publish_and_settle("2", files("two", "y"));
  ASSERT_TRUE(poll_until(*server, [&] { return status(*server)["last_good"] == second; }));
  ASSERT_TRUE(server->rollback(first));
  ASSERT_TRUE(poll_until(*server, [&] { return texts.text() == "one"; }));
  EXPECT_TRUE(server->reload());
  for (int i = 0; i < 100; ++i) server->poll();
  EXPECT_EQ(texts.text(), "one");
  EXPECT_EQ(status(*server)["last"]["result"], "rolled_back");

  // Also over a restart.
  restart(10s);
  EXPECT_EQ(texts.text(), "one");

  const std::string third = scene.publish("3", files("three", "y"));
  EXPECT_TRUE(poll_until(*server, [&] { return server->payload().digest() == third; }));
}

TEST_F(Failing, ACodeThatSaysNothingOfThePayloadIsARejection) {
  begin();
  texts.check = [](const std::string&, StopToken) -> Result<void> {
    return Error(OKG_NOT_FOUND, "texts/en.json: not there");
  };
  const std::string second = scene.publish("2", files("two", "x"));
  ASSERT_TRUE(poll_until(*server, [&] { return settled(*server, second); }));
  EXPECT_EQ(status(*server)["last"]["code"], "rejected");
}

TEST_F(Failing, ARollbackThatFailsIsOver) {
  begin(50ms);
  const std::string second = publish_and_settle("2", files("two", "y"));
  ASSERT_TRUE(poll_until(*server, [&] { return status(*server)["last_good"] == second; }));
  const std::string victim = scene.payload_dir() + "/v/" + first.substr(7) + "/files/texts/a";
  ASSERT_EQ(::chmod(victim.c_str(), 0644), 0);
  std::ofstream(victim, std::ios::trunc) << "odd";
  ASSERT_TRUE(server->rollback(first));
  ASSERT_TRUE(poll_until(*server, [&] { return !status(*server)["refused"].empty(); }));
  EXPECT_EQ(server->payload().digest(), second);
  EXPECT_TRUE(status(*server)["hold"].is_null());

  // The damaged copy is not held against a good one.
  std::filesystem::remove_all(scene.payload_dir() + "/v/" + first.substr(7));
  scene.publish("1", files("one", "x"));
  EXPECT_TRUE(poll_until(*server, [&] { return server->payload().digest() == first; }));
}

TEST_F(Failing, AnOrderlyEndIsNoCrash) {
  begin(1h);
  for (int start = 0; start < 5; ++start) {
    restart(1h);
    if (start == 0) publish_and_settle("2", files("two", "y"));
    EXPECT_EQ(texts.text(), "two") << start;
  }
  EXPECT_TRUE(status(*server)["refused"].empty());
}

TEST_F(Failing, RequiresAnotherServer) {
  begin();
  const std::string digest = scene.publish("2", files("two", "y"), {"--requires-server", ">=3.0"});
  ASSERT_TRUE(poll_until(*server, [&] { return settled(*server, digest); }));
  EXPECT_EQ(status(*server)["last"]["stage"], "requires");
  EXPECT_EQ(status(*server)["last"]["code"], "requires");
  EXPECT_EQ(texts.text(), "one");
}

TEST_F(Failing, AComponentWithoutAHandler) {
  begin();
  Files more = files("two", "y");
  more["maps/m"] = "new";
  const std::string digest = scene.publish("2", more);
  ASSERT_TRUE(poll_until(*server, [&] { return settled(*server, digest); }));
  EXPECT_EQ(status(*server)["last"]["code"], "unhandled");
  EXPECT_EQ(status(*server)["last"]["component"], "maps");
  EXPECT_EQ(texts.text(), "one");
  const std::string accepted = scene.publish("3", more, {"--unhandled", "accept"});
  EXPECT_TRUE(poll_until(*server, [&] { return server->payload().digest() == accepted; }));
}

TEST_F(Failing, ADamagedCopyIsRefusedAndAGoodOneTaken) {
  begin();
  const std::string digest = scene.publish("2", files("two", "y"));
  ASSERT_TRUE(poll_until(*server, [&] { return server->payload().digest() == digest; }));
  scene.republish("1");
  ASSERT_TRUE(poll_until(*server, [&] { return server->payload().digest() == first; }));
  // Somebody writes into the directory of 2 while it is not in use.
  const std::string file = scene.payload_dir() + "/v/" + digest.substr(7) + "/files/texts/a";
  std::filesystem::permissions(file, std::filesystem::perms::owner_write, std::filesystem::perm_options::add);
  std::ofstream(file) << "evil";
  std::filesystem::remove(scene.payload_dir() + "/current");
  std::filesystem::create_symlink("v/" + digest.substr(7), scene.payload_dir() + "/current");
  ASSERT_TRUE(poll_until(*server, [&] { return settled(*server, digest); }));
  EXPECT_EQ(status(*server)["last"]["stage"], "verify");
  EXPECT_EQ(texts.text(), "one");
  scene.republish("2");  // finds the damage, publishes v/<digest>.1
  EXPECT_TRUE(poll_until(*server, [&] { return server->payload().digest() == digest; }));
  EXPECT_EQ(texts.text(), "two");
}

TEST_F(Failing, ABadFirstPayloadIsTheAnswerOfStart) {
  okg::GameServer lone(scene.options());
  texts.check = [](const std::string&, StopToken) -> Result<void> { return okg::rejected("no"); };
  texts.attach(lone, "texts");
  scene.publish("1", {{"texts/a", "bad"}});
  const auto started = lone.start({.initial_payload = 10s});
  ASSERT_FALSE(started);
  EXPECT_EQ(started.error().code, OKG_REJECTED);
  EXPECT_NE(started.error().text.find("prepare(texts)"), std::string::npos);
}

}  // namespace
}  // namespace okg::test
