// A payload comes into use: once, on the right threads, in the right order.
#include <gtest/gtest.h>
#include <poll.h>

#include <thread>

#include "integration/server/scene.hpp"

namespace okg::test {
namespace {

TEST(Reload, FirstPayloadIsInUseWhenStartReturns) {
  Scene scene;
  const std::string digest = scene.publish("1", {{"texts/a", "one"}});
  okg::GameServer server(scene.options());
  Component texts("texts/a");
  const auto here = std::this_thread::get_id();
  std::thread::id committed_on, prepared_on;
  texts.check = [&](const std::string&, StopToken) -> Result<void> {
    prepared_on = std::this_thread::get_id();
    return {};
  };
  texts.can_commit = [&] {
    committed_on = std::this_thread::get_id();
    return true;
  };
  texts.attach(server, "texts");
  const auto started = server.start({.initial_payload = 10s});
  ASSERT_TRUE(started) << started.error().text;
  EXPECT_EQ(texts.text(), "one");
  EXPECT_EQ(texts.commits.size(), 1U);
  EXPECT_EQ(committed_on, here);
  EXPECT_NE(prepared_on, here);
  EXPECT_EQ(server.payload().digest(), digest);
  EXPECT_EQ(server.payload().version(), "1");
  const auto now = status(server);
  EXPECT_EQ(now["active"]["digest"], digest);
  EXPECT_EQ(now["ready"], true);
  EXPECT_EQ(now["reloads"]["ok"], 1);
}

TEST(Reload, ServerMayStartBeforeTheSidecar) {
  Scene scene;
  okg::GameServer server(scene.options());
  Component texts("texts/a");
  texts.attach(server, "texts");
  std::thread sidecar([&] {
    std::this_thread::sleep_for(200ms);
    scene.publish("1", {{"texts/a", "one"}});
  });
  const auto started = server.start({.initial_payload = 10s});
  sidecar.join();
  ASSERT_TRUE(started) << started.error().text;
  EXPECT_EQ(texts.text(), "one");
}

TEST(Reload, StartWithoutPayloadTimesOutAndMayBeCalledAgain) {
  Scene scene;
  okg::GameServer server(scene.options());
  Component texts("texts/a");
  texts.attach(server, "texts");
  const auto first = server.start({.initial_payload = 50ms});
  ASSERT_FALSE(first);
  EXPECT_EQ(first.error().code, OKG_TIMEOUT);
  EXPECT_TRUE(first.error().retriable);
  EXPECT_EQ(status(server)["ready"], false);
  scene.publish("1", {{"texts/a", "one"}});
  EXPECT_TRUE(server.start({.initial_payload = 10s}));
  EXPECT_EQ(status(server)["ready"], true);
}

TEST(Reload, OnePublishOfManyFilesIsOneReload) {
  Scene scene;
  Files one, two;
  for (int i = 0; i < 500; ++i) {
    one["scripts/" + std::to_string(i) + ".lua"] = "hp=100";
    two["scripts/" + std::to_string(i) + ".lua"] = "hp=900";
  }
  scene.publish("1", one);
  okg::GameServer server(scene.options());
  Component scripts("scripts/7.lua");
  scripts.attach(server, "scripts");
  ASSERT_TRUE(server.start({.initial_payload = 10s}));
  scene.publish("2", two);
  ASSERT_TRUE(poll_until(server, [&] { return scripts.text() == "hp=900"; }));
  for (int i = 0; i < 50; ++i) {
    EXPECT_TRUE(server.reload());
    server.poll();
  }
  EXPECT_EQ(scripts.prepares, 2);
  EXPECT_EQ(scripts.commits, (std::vector<std::string>{"hp=100", "hp=900"}));
}

TEST(Reload, OnlyChangedComponentsAreCalled) {
  Scene scene;
  scene.publish("1", {{"texts/a", "one"}, {"scripts/b", "x"}});
  okg::GameServer server(scene.options());
  Component texts("texts/a"), scripts("scripts/b");
  texts.attach(server, "texts");
  scripts.attach(server, "scripts");
  ASSERT_TRUE(server.start({.initial_payload = 10s}));
  const std::string second = scene.publish("2", {{"texts/a", "two"}, {"scripts/b", "x"}});
  ASSERT_TRUE(poll_until(server, [&] { return server.payload().digest() == second; }));
  EXPECT_EQ(texts.text(), "two");
  EXPECT_EQ(scripts.prepares, 1);
}

TEST(Reload, SameFilesUnderANewVersionComeIntoUseWithoutACall) {
  Scene scene;
  scene.publish("1", {{"texts/a", "one"}});
  okg::GameServer server(scene.options());
  Component texts("texts/a");
  texts.attach(server, "texts");
  ASSERT_TRUE(server.start({.initial_payload = 10s}));
  scene.publish("1.1", {{"texts/a", "one"}});
  ASSERT_TRUE(poll_until(server, [&] { return server.payload().version() == "1.1"; }));
  EXPECT_EQ(texts.prepares, 1);
}

TEST(Reload, StarTakesWhatHasNoHandlerAndIsCalledLast) {
  Scene scene;
  scene.publish("1", {{"texts/a", "one"}, {"art/x", "1"}, {"maps/y", "1"}});
  okg::GameServer server(scene.options());
  std::vector<std::string> order;
  server.on_reload("*", [&](Payload) -> Result<void> {
    order.push_back("*");
    return {};
  });
  server.on_reload("texts", [&](Payload) -> Result<void> {
    order.push_back("texts");
    return {};
  });
  ASSERT_TRUE(server.start({.initial_payload = 10s}));
  EXPECT_EQ(order, (std::vector<std::string>{"texts", "*"}));
}

TEST(Reload, AfterDecidesTheOrder) {
  Scene scene;
  scene.publish("1", {{"a/f", "1"}, {"b/f", "1"}, {"c/f", "1"}}, {"--after", "a=c"});
  okg::GameServer server(scene.options());
  std::vector<std::string> order;
  Component a("a/f"), b("b/f"), c("c/f");
  c.after = {"b"};
  for (auto [component, name] : {std::pair{&a, "a"}, {&b, "b"}, {&c, "c"}}) {
    component->can_commit = [] { return true; };
    component->check = [&order, name = std::string(name)](const std::string&, StopToken) -> Result<void> {
      order.push_back(name);
      return {};
    };
    component->attach(server, name);
  }
  ASSERT_TRUE(server.start({.initial_payload = 10s}));
  EXPECT_EQ(order, (std::vector<std::string>{"b", "c", "a"}));
}

TEST(Reload, NewestWinsAndAnOlderPrepareIsStopped) {
  Scene scene;
  scene.publish("1", {{"texts/a", "one"}});
  okg::GameServer server(scene.options());
  Component texts("texts/a");
  std::atomic<bool> slow_began{false}, was_stopped{false};
  texts.check = [&](const std::string& text, StopToken stop) -> Result<void> {
    if (text != "slow") return {};
    slow_began = true;
    for (int i = 0; i < 10'000 && !stop.stop_requested(); ++i) std::this_thread::sleep_for(1ms);
    was_stopped = stop.stop_requested();
    return {};
  };
  texts.attach(server, "texts");
  ASSERT_TRUE(server.start({.initial_payload = 10s}));
  scene.publish("2", {{"texts/a", "slow"}});
  ASSERT_TRUE(poll_until(server, [&] { return slow_began.load(); }));
  const std::string third = scene.publish("3", {{"texts/a", "three"}});
  ASSERT_TRUE(poll_until(server, [&] { return server.payload().digest() == third; }));
  EXPECT_TRUE(was_stopped);
  EXPECT_EQ(texts.commits, (std::vector<std::string>{"one", "three"}));
  EXPECT_EQ(status(server)["reloads"]["superseded"], 1);
}

TEST(Reload, CanCommitHoldsItBack) {
  Scene scene;
  scene.publish("1", {{"texts/a", "one"}});
  okg::GameServer server(scene.options());
  Component texts("texts/a");
  bool in_match = false;
  texts.can_commit = [&] { return !in_match; };
  texts.attach(server, "texts");
  ASSERT_TRUE(server.start({.initial_payload = 10s}));
  in_match = true;
  scene.publish("2", {{"texts/a", "two"}});
  ASSERT_TRUE(poll_until(server, [&] { return status(server)["state"] == "prepared"; }));
  for (int i = 0; i < 100; ++i) server.poll();
  EXPECT_EQ(texts.text(), "one");
  in_match = false;
  EXPECT_TRUE(poll_until(server, [&] { return texts.text() == "two"; }));
}

TEST(Reload, APinKeepsTheOldPayloadReadable) {
  Scene scene;
  scene.publish("1", {{"texts/a", "one"}});
  okg::GameServer server(scene.options());
  Component texts("texts/a");
  texts.attach(server, "texts");
  ASSERT_TRUE(server.start({.initial_payload = 10s}));
  okg::Payload match = server.payload();
  const std::string first(match.digest());
  for (const char* version : {"2", "3", "4"}) {
    const std::string digest = scene.publish(version, {{"texts/a", version}});
    ASSERT_TRUE(poll_until(server, [&] { return server.payload().digest() == digest; }));
  }
  // A publisher that keeps as little as it may.
  ASSERT_EQ(run_okg({"publish", "--from", scene.path("image-4"), "--to", scene.payload_dir(), "--run",
                     scene.run_dir(), "--once", "--keep", "1"})
                .exit_code,
            0);
  const auto in_use = status(server)["in_use"];
  EXPECT_NE(std::find(in_use.begin(), in_use.end(), first), in_use.end());
  const auto text = match.read("texts/a");
  ASSERT_TRUE(text) << text.error().text;
  EXPECT_EQ(*text, "one");
  server.close();
  EXPECT_TRUE(match.read("texts/a"));
}

TEST(Reload, PollFdTellsWhenThereIsWork) {
  Scene scene;
  scene.publish("1", {{"texts/a", "one"}});
  okg::GameServer server(scene.options());
  Component texts("texts/a");
  texts.attach(server, "texts");
  ASSERT_TRUE(server.start({.initial_payload = 10s}));
  const auto readable = [&](int timeout_ms) {
    pollfd fd{server.poll_fd(), POLLIN, 0};
    return ::poll(&fd, 1, timeout_ms) == 1;
  };
  server.poll();
  EXPECT_FALSE(readable(0));
  scene.publish("2", {{"texts/a", "two"}});
  ASSERT_TRUE(readable(10'000));
  for (int i = 0; i < 100 && texts.text() != "two"; ++i) {
    readable(1000);
    server.poll();
  }
  EXPECT_EQ(texts.text(), "two");
}

TEST(Reload, SurvivesTheVolumeBeingDeletedAndMadeAnew) {
  Scene scene;
  scene.publish("1", {{"texts/a", "one"}});
  okg::GameServer server(scene.options());
  Component texts("texts/a");
  texts.attach(server, "texts");
  ASSERT_TRUE(server.start({.initial_payload = 10s}));
  TemporaryDirectory::remove(scene.payload_dir());
  std::filesystem::create_directory(scene.payload_dir());
  scene.publish("2", {{"texts/a", "two"}});
  EXPECT_TRUE(poll_until(server, [&] { return texts.text() == "two"; }));
}

}  // namespace
}  // namespace okg::test
