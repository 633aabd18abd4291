// Opening, closing, forking, stalling.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <thread>

#include "integration/server/scene.hpp"

namespace okg::test {
namespace {

TEST(Life, ASecondServerOnTheSameRunDirectoryIsRefused) {
  Scene scene;
  okg::GameServer first(scene.options());
  ASSERT_TRUE(first.start());
  okg::GameServer second(scene.options());
  const auto started = second.start();
  ASSERT_FALSE(started);
  EXPECT_EQ(started.error().code, OKG_IN_USE);
  EXPECT_NE(started.error().text.find(scene.run_dir()), std::string::npos);
  first.close();
  okg::GameServer third(scene.options());
  EXPECT_TRUE(third.start());
}

TEST(Life, AndFromAnotherProcess) {
  Scene scene;
  okg::GameServer first(scene.options());
  ASSERT_TRUE(first.start());
  const pid_t child = ::fork();
  if (child == 0) {
    okg::GameServer second(scene.options());
    const auto started = second.start();
    ::_exit(!started && started.error().code == OKG_IN_USE ? 0 : 1);
  }
  int state = 0;
  ASSERT_EQ(::waitpid(child, &state, 0), child);
  EXPECT_EQ(state, 0);
}

TEST(Life, NoCallbackAfterClose) {
  Scene scene;
  scene.publish("1", {{"texts/a", "one"}});
  okg::GameServer server(scene.options());
  Component texts("texts/a");
  texts.attach(server, "texts");
  ASSERT_TRUE(server.start({.initial_payload = 10s}));
  server.close();
  server.close();
  EXPECT_EQ(server.poll(), 0);
  EXPECT_EQ(server.poll_fd(), -1);
  EXPECT_EQ(server.status_json(), "");
  EXPECT_FALSE(server.payload());
  scene.publish("2", {{"texts/a", "two"}});
  EXPECT_EQ(server.poll(), 0);
  EXPECT_EQ(texts.commits.size(), 1U);
  const auto started = server.start();
  ASSERT_FALSE(started);
  EXPECT_EQ(started.error().code, OKG_CLOSED);
  EXPECT_FALSE(std::filesystem::exists(scene.run_dir() + "/okg.sock"));
}

TEST(Life, CloseFromACallbackTakesEffectAfterIt) {
  Scene scene;
  scene.publish("1", {{"texts/a", "one"}});
  okg::GameServer server(scene.options());
  int calls = 0;
  server.on_reload("texts", [&](Payload payload) -> Result<void> {
    ++calls;
    EXPECT_TRUE(payload.read("texts/a"));
    if (calls == 2) server.close();
    EXPECT_NE(server.status_json(), "");
    return {};
  });
  ASSERT_TRUE(server.start({.initial_payload = 10s}));
  scene.publish("2", {{"texts/a", "two"}});
  ASSERT_TRUE(poll_until(server, [&] { return calls == 2; }));
  EXPECT_EQ(server.status_json(), "");
}

TEST(Life, CloseStopsARunningPrepare) {
  Scene scene;
  scene.publish("1", {{"texts/a", "one"}});
  okg::GameServer server(scene.options());
  Component texts("texts/a");
  std::atomic<bool> began{false};
  texts.check = [&](const std::string& text, StopToken stop) -> Result<void> {
    if (text == "one") return {};
    began = true;
    while (!stop.stop_requested()) std::this_thread::sleep_for(1ms);
    return {};
  };
  texts.attach(server, "texts");
  ASSERT_TRUE(server.start({.initial_payload = 10s}));
  scene.publish("2", {{"texts/a", "two"}});
  ASSERT_TRUE(poll_until(server, [&] { return began.load(); }));
  server.close();
  texts.in_use.reset();
  EXPECT_EQ(Tracked::alive, 0);
}

TEST(Life, UnsubscribeEndsCallsAndFreesObjects) {
  Scene scene;
  scene.publish("1", {{"texts/a", "one"}});
  okg::GameServer server(scene.options());
  Component texts("texts/a");
  auto subscription = texts.attach(server, "texts");
  ASSERT_TRUE(server.start({.initial_payload = 10s}));
  scene.publish("2", {{"texts/a", "two"}});
  ASSERT_TRUE(poll_until(server, [&] { return texts.text() == "two"; }));
  subscription.unsubscribe();
  const std::string third = scene.publish("3", {{"texts/a", "three"}});
  ASSERT_TRUE(poll_until(server, [&] { return settled(server, third); }));
  EXPECT_EQ(status(server)["last"]["code"], "unhandled");
  EXPECT_EQ(texts.text(), "two");
  EXPECT_EQ(Tracked::alive, 1);
  // The name is free again.
  Component again("texts/a");
  EXPECT_TRUE(again.attach(server, "texts"));
}

TEST(Life, TwoHandlersForOneComponentAreAnErrorOfStart) {
  Scene scene;
  okg::GameServer server(scene.options());
  Component one("texts/a"), two("texts/a");
  EXPECT_TRUE(one.attach(server, "texts"));
  EXPECT_FALSE(two.attach(server, "texts"));
  const auto started = server.start();
  ASSERT_FALSE(started);
  EXPECT_EQ(started.error().code, OKG_INVALID_ARGUMENT);
}

TEST(Life, AProbationThatIsTooLongToCountDoesNotEnd) {
  Scene scene;
  scene.publish("1", {{"texts/a", "one"}});
  auto options = scene.options();
  options.probation = std::chrono::nanoseconds::max();
  okg::GameServer server(std::move(options));
  Component texts("texts/a");
  texts.attach(server, "texts");
  ASSERT_TRUE(server.start({.initial_payload = 10s}));
  for (int i = 0; i < 100; ++i) {
    server.poll(std::chrono::nanoseconds::max());
    std::this_thread::sleep_for(1ms);
  }
  EXPECT_TRUE(status(server)["last_good"].is_null());
  EXPECT_EQ(status(server)["state"], "probation");
}

// Where nothing is named off-cluster, directories of our own are made: not taken over from somebody else.
TEST(Life, ADirectoryOfSomebodyElseIsRefused) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root can make somebody else's directory";
  Scene scene;
  const std::string base = scene.path("runtime");  // as /tmp is
  const std::string theirs = base + "/okg-0";
  std::filesystem::create_directories(theirs + "/game/run");
  std::filesystem::create_directories(theirs + "/game/payload");
  ASSERT_EQ(::chmod(base.c_str(), 01777), 0);
  ASSERT_EQ(::chown(theirs.c_str(), 12'345, 12'345), 0);
  const char* before = std::getenv("XDG_RUNTIME_DIR");
  const std::string kept = before == nullptr ? "" : before;
  ::setenv("XDG_RUNTIME_DIR", base.c_str(), 1);
  const auto started = okg::GameServer({.name = "game"}).start();
  before == nullptr ? ::unsetenv("XDG_RUNTIME_DIR") : ::setenv("XDG_RUNTIME_DIR", kept.c_str(), 1);
  ASSERT_FALSE(started);
  EXPECT_EQ(started.error().code, OKG_DENIED);
  EXPECT_NE(started.error().text.find("12345"), std::string::npos) << started.error().text;
}

TEST(Life, AForkedChildHoldsNoLockAndIsClosed) {
  Scene scene;
  scene.publish("1", {{"texts/a", "one"}});
  auto server = std::make_unique<okg::GameServer>(scene.options());
  Component texts("texts/a");
  texts.attach(*server, "texts");
  ASSERT_TRUE(server->start({.initial_payload = 10s}));
  int to_child[2], to_parent[2];
  ASSERT_EQ(::pipe(to_child), 0);
  ASSERT_EQ(::pipe(to_parent), 0);
  const pid_t child = ::fork();
  if (child == 0) {
    const bool closed =
        server->poll() == 0 && server->poll_fd() == -1 && !server->start() && server->status_json().empty() &&
        server->report_bad("no").error().code == OKG_CLOSED &&
        server->rollback().error().code == OKG_CLOSED && !Component("b/a").attach(*server, "b");
    const char answer = closed ? 'y' : 'n';
    static_cast<void>(!::write(to_parent[1], &answer, 1));
    char go;
    static_cast<void>(!::read(to_child[0], &go, 1));
    server.reset();
    ::_exit(0);
  }
  char answer = 0;
  ASSERT_EQ(::read(to_parent[0], &answer, 1), 1);
  EXPECT_EQ(answer, 'y');
  // The parent ends while the child lives on: the run directory is free, and the old payload's lock is gone.
  server.reset();
  const int run = ::open(scene.run_dir().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  EXPECT_EQ(::flock(run, LOCK_EX | LOCK_NB), 0);
  ::close(run);
  const std::string version =
      scene.payload_dir() + "/" + std::filesystem::read_symlink(scene.payload_dir() + "/current").string();
  const int directory = ::open(version.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  EXPECT_EQ(::flock(directory, LOCK_EX | LOCK_NB), 0);
  ::close(directory);
  ASSERT_EQ(::write(to_child[1], "x", 1), 1);
  int state = 0;
  ::waitpid(child, &state, 0);
  EXPECT_EQ(state, 0);
  for (int fd : {to_child[0], to_child[1], to_parent[0], to_parent[1]}) ::close(fd);
}

TEST(Life, ALoopThatDoesNotPollIsStalled) {
  Scene scene;
  scene.publish("1", {{"texts/a", "one"}});
  auto options = scene.options();
  options.tick_timeout = 200ms;
  okg::GameServer server(std::move(options));
  Component texts("texts/a");
  texts.attach(server, "texts");
  ASSERT_TRUE(server.start({.initial_payload = 10s}));
  for (int i = 0; i < 1000 && status(server)["state"] != "stalled"; ++i) std::this_thread::sleep_for(10ms);
  EXPECT_EQ(status(server)["state"], "stalled");
  EXPECT_EQ(status(server)["ready"], false);
  EXPECT_EQ(run_okg({"probe", "live", "--run", scene.run_dir()}).exit_code, 1);
  const Ran asked = run_okg({"reload", "--run", scene.run_dir()});
  EXPECT_EQ(asked.exit_code, 0) << asked.err;  // what is desired is in use, stalled or not
  EXPECT_TRUE(poll_until(server, [&] { return status(server)["ready"] == true; }));
}

TEST(Life, ReadyFollowsTheGame) {
  Scene scene;
  okg::GameServer server(scene.options());
  ASSERT_TRUE(server.start());
  EXPECT_EQ(run_okg({"probe", "ready", "--run", scene.run_dir()}).exit_code, 0);
  ASSERT_TRUE(server.set_ready(false, "loading the map"));
  EXPECT_EQ(run_okg({"probe", "ready", "--run", scene.run_dir()}).exit_code, 1);
  EXPECT_EQ(status(server)["not_ready_reason"], "loading the map");
  ASSERT_TRUE(server.set_ready(true));
  EXPECT_EQ(run_okg({"probe", "ready", "--run", scene.run_dir()}).exit_code, 0);
}

TEST(Life, AMissingRunDirectoryDoesNotStopAGame) {
  Scene scene;
  scene.publish("1", {{"texts/a", "one"}});
  auto options = scene.options();
  options.run_dir = scene.path("nowhere");
  okg::GameServer server(std::move(options));
  Component texts("texts/a");
  texts.attach(server, "texts");
  EXPECT_TRUE(server.start({.initial_payload = 10s}));
  EXPECT_EQ(texts.text(), "one");
  EXPECT_NE(scene.log().find("nowhere"), std::string::npos);
}

TEST(Life, MalformedOptionsAreOneClearError) {
  Scene scene;
  for (auto [change, word] : std::initializer_list<std::pair<void (*)(okg::Options&), const char*>>{
           {[](okg::Options& o) { o.http = "localhost"; }, "localhost"},
           {[](okg::Options& o) { o.legacy_reload = "reload"; }, "reload"},
           {[](okg::Options& o) { o.name = "../x"; }, "../x"},
           {[](okg::Options& o) { o.tick_timeout = -1s; }, "tick_timeout"},
           {[](okg::Options& o) { o.tick_timeout = 5ns; }, "options.tick_timeout_ns"},
           {[](okg::Options&) { ::setenv("OKG_HOST_NETWORK", "true", 1); }, "OKG_HOST_NETWORK"}}) {
    auto options = scene.options();
    change(options);
    okg::GameServer server(std::move(options));
    const auto started = server.start();
    ASSERT_FALSE(started) << word;
    EXPECT_EQ(started.error().code, OKG_INVALID_ARGUMENT) << word;
    EXPECT_NE(started.error().text.find(word), std::string::npos) << started.error().text;
  }
  ::unsetenv("OKG_HOST_NETWORK");
}

TEST(Life, AFileChangedAfterVerificationIsNoticedByRead) {
  Scene scene;
  const std::string digest = scene.publish("1", {{"texts/a", "one"}});
  okg::GameServer server(scene.options());
  Component texts("texts/a");
  texts.attach(server, "texts");
  ASSERT_TRUE(server.start({.initial_payload = 10s}));
  const std::string file = scene.payload_dir() + "/v/" + digest.substr(7) + "/files/texts/a";
  std::filesystem::permissions(file, std::filesystem::perms::owner_write, std::filesystem::perm_options::add);
  std::ofstream(file) << "ONE";
  const auto text = server.payload().read("texts/a");
  ASSERT_FALSE(text);
  EXPECT_EQ(text.error().code, OKG_DIGEST_MISMATCH);
  EXPECT_EQ(server.payload().read("../../manifest.json").error().code, OKG_NOT_FOUND);
}

}  // namespace
}  // namespace okg::test
