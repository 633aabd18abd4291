// What callbacks may do: every call that okg.h allows them, and none that hurts.
#include <gtest/gtest.h>
#include <poll.h>

#include <optional>
#include <thread>

#include "integration/server/scene.hpp"

namespace okg::test {
namespace {

bool stops_being_readable(int fd) {
  pollfd watched{fd, POLLIN, 0};
  return ::poll(&watched, 1, 0) == 0;
}

TEST(Callback, TheLogSinkMayAskTheServer) {
  Scene scene;
  scene.publish("1", {{"texts/a", "one"}});
  std::optional<okg::GameServer> server;
  std::atomic<int> asked{0};
  auto options = scene.options();
  options.log = [&](okg::LogLevel, std::string_view, std::string_view) {
    if (!server || !server->handle()) return;
    (void)server->payload().version();
    (void)server->status_json();
    (void)server->set_ready(true);
    ++asked;
  };
  server.emplace(std::move(options));
  Component texts("texts/a");
  texts.attach(*server, "texts");
  ASSERT_TRUE(server->start({.initial_payload = 10s}));
  EXPECT_TRUE(poll_until(*server, [&] { return asked > 0; }));
  server->close();
}

TEST(Callback, ACommitMayUnsubscribeTheNextHandler) {
  Scene scene;
  scene.publish("1", {{"config/a", "one"}, {"scripts/a", "x"}});
  okg::GameServer server(scene.options());
  Component config("config/a"), scripts("scripts/a");
  okg::Subscription subscription;
  bool now = false;
  scripts.after = {"config"};
  config.on_commit = [&] {
    if (now) subscription.unsubscribe();
  };
  config.attach(server, "config");
  subscription = scripts.attach(server, "scripts");
  ASSERT_TRUE(server.start({.initial_payload = 10s}));
  now = true;
  const std::string second = scene.publish("2", {{"config/a", "two"}, {"scripts/a", "y"}});
  ASSERT_TRUE(poll_until(server, [&] { return config.text() == "two"; }));
  EXPECT_EQ(scripts.text(), "x") << "it was called after it was unsubscribed";
  EXPECT_TRUE(poll_until(server, [&] { return settled(server, second); }));
  server.close();
  config.in_use.reset();
  scripts.in_use.reset();
  EXPECT_EQ(Tracked::alive, 0);
}

TEST(Callback, AHandlerMayUnsubscribeItself) {
  Scene scene;
  scene.publish("1", {{"texts/a", "one"}});
  okg::GameServer server(scene.options());
  Component texts("texts/a");
  okg::Subscription subscription;
  texts.on_commit = [&] { subscription.unsubscribe(); };
  subscription = texts.attach(server, "texts");
  ASSERT_TRUE(server.start({.initial_payload = 10s}));
  EXPECT_EQ(texts.text(), "one");
  scene.publish("2", {{"texts/a", "two"}});
  EXPECT_TRUE(poll_until(server, [&] { return status(server)["last"]["code"] == "unhandled"; }));
  EXPECT_EQ(texts.commits.size(), 1U);
  EXPECT_EQ(Tracked::alive, 1);
}

TEST(Callback, TheServerMayBeDestroyedInOne) {
  Scene scene;
  scene.publish("1", {{"texts/a", "one"}});
  std::optional<okg::GameServer> server(scene.options());
  Component texts("texts/a");
  const std::string proof(100, 'x');
  std::string copied;
  server->on_reload("texts", [&, proof](Payload payload) -> Result<void> {
    if (payload.version() == "2") server.reset();
    copied = proof;  // the function object is still there
    return {};
  });
  ASSERT_TRUE(server->start({.initial_payload = 10s}));
  scene.publish("2", {{"texts/a", "two"}});
  for (int i = 0; i < 10'000 && server; ++i) {
    server->poll();
    std::this_thread::sleep_for(1ms);
  }
  EXPECT_FALSE(server);
  EXPECT_EQ(copied, proof);
  EXPECT_TRUE(okg::GameServer(scene.options()).start()) << "the run directory is free again";
}

// The same through C: `released` comes once, after the last callback, and whatever call made the callback.
struct Releasing {
  okg_server* server = nullptr;
  int commits = 0, discards = 0, released = 0;
  bool in_discard = false;
  okg_code started = OKG_OK;

  static okg_code commit(void* self, void* staged, void** previous, okg_error*) {
    auto* me = static_cast<Releasing*>(self);
    *previous = me->object;
    me->object = staged;
    ++me->commits;
    if (!me->in_discard) okg_release(me->server);
    return OKG_OK;
  }
  static okg_code prepare(void*, const okg_payload*, const okg_stop*, void** staged, okg_error*) {
    *staged = new int(1);
    return OKG_OK;
  }
  static void discard(void* self, void* object) {
    auto* me = static_cast<Releasing*>(self);
    delete static_cast<int*>(object);
    ++me->discards;
    if (!me->in_discard) return;
    me->started = okg_start(me->server, 0, nullptr);
    okg_release(me->server);
  }
  void* object = nullptr;

  // Polls until `done` holds; false after ten seconds.
  bool poll_until(const std::function<bool()>& done) const {
    for (int i = 0; i < 10'000 && !done(); ++i) {
      okg_poll(server, 0);
      std::this_thread::sleep_for(1ms);
    }
    return done();
  }

  okg_subscription* begin(const std::string& payload, const std::string& run) {
    okg_options options = OKG_OPTIONS_INIT;
    options.payload_dir = payload.c_str();
    options.run_dir = run.c_str();
    options.probation_ns = 3'600'000'000'000;
    options.released = [](void* user) { ++static_cast<Releasing*>(user)->released; };
    options.released_user = this;
    EXPECT_EQ(okg_connect(&options, &server, nullptr), OKG_OK);
    okg_reload_handler handler = OKG_RELOAD_HANDLER_INIT;
    handler.user = this;
    handler.prepare = &prepare;
    handler.commit = &commit;
    handler.discard = &discard;
    okg_subscription* subscription = nullptr;
    EXPECT_EQ(okg_on_reload(server, "texts", &handler, &subscription, nullptr), OKG_OK);
    return subscription;
  }
};

TEST(Callback, ReleaseInStart) {
  Scene scene;
  scene.publish("1", {{"texts/a", "one"}});
  Releasing game;
  game.begin(scene.payload_dir(), scene.run_dir());
  EXPECT_EQ(okg_start(game.server, 10'000'000'000, nullptr), OKG_CLOSED);
  EXPECT_EQ(game.commits, 1);
  EXPECT_EQ(game.released, 1);
  delete static_cast<int*>(game.object);
}

TEST(Callback, ReleaseInUnsubscribe) {
  Scene scene;
  const std::string first = scene.publish("1", {{"texts/a", "one"}});
  {
    auto options = scene.options();
    options.probation = 0ns;
    okg::GameServer before(std::move(options));
    Component texts("texts/a");
    texts.attach(before, "texts");
    ASSERT_TRUE(before.start({.initial_payload = 10s}));
    ASSERT_EQ(status(before)["last_good"], first);
  }
  Releasing game;
  game.in_discard = true;
  okg_subscription* subscription = game.begin(scene.payload_dir(), scene.run_dir());
  ASSERT_EQ(okg_start(game.server, 10'000'000'000, nullptr), OKG_OK);
  scene.publish("2", {{"texts/a", "two"}});  // last-good's object is kept through probation
  ASSERT_TRUE(game.poll_until([&] { return game.commits == 2; }));
  ASSERT_EQ(game.discards, 0);
  okg_unsubscribe(subscription);
  EXPECT_EQ(game.started, OKG_BUSY);
  EXPECT_EQ(game.discards, 1);
  EXPECT_EQ(game.released, 1);
  delete static_cast<int*>(game.object);
}

TEST(Callback, PrepareMayCloseAndNothingElseOfThePollingThread) {
  Scene scene;
  scene.publish("1", {{"texts/a", "one"}});
  okg::GameServer server(scene.options());
  std::atomic<int> code{-1};
  Component texts("texts/a");
  texts.check = [&](const std::string&, StopToken) -> Result<void> {
    const auto started = server.start();
    code = started ? OKG_OK : started.error().code;
    server.close();
    return {};
  };
  texts.attach(server, "texts");
  ASSERT_TRUE(server.start());
  ASSERT_TRUE(poll_until(server, [&] { return server.status_json().empty(); }));
  EXPECT_EQ(code, OKG_BUSY);
  EXPECT_TRUE(okg::GameServer(scene.options()).start()) << "the run directory is free again";
}

TEST(Callback, AHandlerRegisteredAnewHearsOfTheWayBack) {
  Scene scene;
  const std::string first = scene.publish("1", {{"texts/a", "one"}});
  std::optional<okg::GameServer> server;
  Component texts("texts/a");
  okg::Subscription subscription;
  const auto run = [&](std::chrono::nanoseconds probation) {
    server.reset();
    auto options = scene.options();
    options.probation = probation;
    server.emplace(std::move(options));
    subscription = texts.attach(*server, "texts");
    return server->start({.initial_payload = 10s});
  };
  ASSERT_TRUE(run(50ms));
  ASSERT_TRUE(poll_until(*server, [&] { return status(*server)["last_good"] == first; }));
  ASSERT_TRUE(run(1h));
  scene.publish("2", {{"texts/a", "two"}});
  ASSERT_TRUE(poll_until(*server, [&] { return texts.text() == "two"; }));
  subscription.unsubscribe();
  Component again("texts/a");
  again.attach(*server, "texts");
  ASSERT_TRUE(server->report_bad("no"));
  ASSERT_TRUE(poll_until(*server, [&] { return server->payload().digest() == first; }));
  EXPECT_EQ(again.text(), "one");
}

TEST(Callback, TheDescriptorIsQuietWhenAllIsDone) {
  Scene scene;
  scene.publish("1", {{"texts/a", "0"}});
  okg::GameServer server(scene.options());
  Component texts("texts/a");
  texts.attach(server, "texts");
  ASSERT_TRUE(server.start({.initial_payload = 10s}));
  const int fd = server.poll_fd();
  for (int i = 1; i <= 20; ++i) {
    const std::string text = std::to_string(i);
    scene.publish(text + "v", {{"texts/a", text}});
    ASSERT_TRUE(poll_until(server, [&] { return texts.text() == text; }));
  }
  server.poll();
  EXPECT_TRUE(poll_until(server, [&] { return stops_being_readable(fd); }));
}

}  // namespace
}  // namespace okg::test
