// kill -9 of a server while it takes a payload into use: the boot guard.
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <thread>

#include "integration/server/scene.hpp"

namespace okg::test {
namespace {

// A server process, and what it says.
class Child {
 public:
  Child(const Scene& scene, const std::string& die_at, const std::string& version = "1.0.0") {
    int out[2];
    if (::pipe2(out, O_CLOEXEC) != 0) throw std::runtime_error("pipe");
    const std::string payload = scene.payload_dir(), run = scene.run_dir();
    pid_ = ::fork();
    if (pid_ == 0) {
      ::dup2(out[1], 1);
      ::execl(OKG_CHILD_SERVER, "child_server", payload.c_str(), run.c_str(), die_at.c_str(), version.c_str(),
              nullptr);
      ::_exit(127);
    }
    ::close(out[1]);
    out_ = out[0];
  }
  ~Child() {
    kill();
    ::close(out_);
  }
  // The next line, "" at the end.
  std::string line() {
    std::string text;
    char byte;
    while (::read(out_, &byte, 1) == 1) {
      if (byte == '\n') return text;
      text += byte;
    }
    return text;
  }
  // Waits for its end and returns the signal that ended it, 0 for none.
  int ended_by() {
    int state = 0;
    ::waitpid(pid_, &state, 0);
    pid_ = -1;
    return WIFSIGNALED(state) ? WTERMSIG(state) : 0;
  }
  void kill() {
    if (pid_ < 0) return;
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
    pid_ = -1;
  }

 private:
  pid_t pid_ = -1;
  int out_ = -1;
};

nlohmann::json ask(const Scene& scene) {
  const Ran ran = run_okg({"status", "--json", "--run", scene.run_dir()});
  return ran.exit_code == 0 ? nlohmann::json::parse(ran.out) : nlohmann::json();
}

// A handler says so before okg knows that the commit has returned.
bool in_use(const nlohmann::json& status) {
  return status.is_object() && status.at("active").is_object();
}

bool eventually(const std::function<bool()>& done) {
  for (int i = 0; i < 1000; ++i) {
    if (done()) return true;
    std::this_thread::sleep_for(10ms);
  }
  return false;
}

// Version 1 is last-good; then "deadly" is published.
std::string good_then_deadly(Scene& scene) {
  const std::string good = scene.publish("1", {{"texts/a", "fine"}});
  Child child(scene, "never");
  EXPECT_EQ(child.line(), "in use: fine");
  EXPECT_TRUE(eventually([&] {
    const auto now = ask(scene);
    return now.is_object() && now["last_good"] == good;
  }));
  child.kill();
  scene.publish("2", {{"texts/a", "deadly"}});
  return good;
}

class BootGuard : public ::testing::TestWithParam<const char*> {};

TEST_P(BootGuard, TheFourthStartTakesLastGood) {
  Scene scene;
  const std::string good = good_then_deadly(scene);
  for (int start = 1; start <= 3; ++start) {
    Child child(scene, GetParam());
    EXPECT_EQ(child.ended_by(), SIGKILL) << "start " << start;
  }
  Child fourth(scene, GetParam());
  EXPECT_EQ(fourth.line(), "in use: fine");
  nlohmann::json now;
  ASSERT_TRUE(eventually([&] { return in_use(now = ask(scene)); }));
  EXPECT_EQ(now["active"]["digest"], good);
  EXPECT_EQ(now["refused"][0]["code"], "crash_loop") << now.dump(1);
  EXPECT_EQ(now["last"]["code"], "crash_loop");
  const Ran ready = run_okg(
      {"ready", "--from", scene.path("image-2"), "--run", scene.run_dir(), "--payload", scene.payload_dir()});
  EXPECT_EQ(ready.exit_code, 1);
  EXPECT_NE(ready.out.find("3 times"), std::string::npos) << ready.out;
  fourth.kill();
  // Another server binary judges it anew.
  Child newer(scene, "never", "2.0.0");
  EXPECT_EQ(newer.line(), "in use: deadly");
}

INSTANTIATE_TEST_SUITE_P(At, BootGuard, ::testing::Values("prepare", "commit", "probation"),
                         [](const auto& at) { return std::string(at.param); });

TEST(Boot, QuickRestartsOnLastGoodDoNotTripTheGuard) {
  Scene scene;
  const std::string good = scene.publish("1", {{"texts/a", "fine"}});
  {
    Child child(scene, "never");
    ASSERT_TRUE(eventually([&] {
      const auto now = ask(scene);
      return now.is_object() && now["last_good"] == good;
    }));
  }
  for (int start = 0; start < 6; ++start) {
    Child child(scene, "never");
    EXPECT_EQ(child.line(), "in use: fine");
  }
  Child child(scene, "never");
  EXPECT_EQ(child.line(), "in use: fine");
  nlohmann::json now;
  ASSERT_TRUE(eventually([&] { return in_use(now = ask(scene)); }));
  EXPECT_TRUE(now["refused"].empty());
}

TEST(Boot, ARefusalIsRememberedAndLastGoodTakenAtOnce) {
  Scene scene;
  const std::string good = scene.publish("1", {{"texts/a", "fine"}});
  {
    Child child(scene, "never");
    ASSERT_TRUE(eventually([&] {
      const auto now = ask(scene);
      return now.is_object() && now["last_good"] == good;
    }));
  }
  scene.publish("2", {{"texts/b", "no texts/a at all"}});
  {
    Child child(scene, "never");
    EXPECT_EQ(child.line(), "in use: fine");
  }
  Child again(scene, "never");
  EXPECT_EQ(again.line(), "in use: fine");
  nlohmann::json now;
  ASSERT_TRUE(eventually([&] { return in_use(now = ask(scene)); }));
  ASSERT_EQ(now["refused"].size(), 1U);
  EXPECT_EQ(now["refused"][0]["stage"], "prepare");
}

TEST(Boot, AHostileBootFileIsIgnored) {
  Scene scene;
  scene.publish("1", {{"texts/a", "fine"}});
  for (const char* content : {"", "{", "[]", "{\"schema\":\"okg.boot/v1\",\"attempts\":7}", "\xff\xfe"}) {
    std::ofstream(scene.run_dir() + "/boot.json") << content;
    Child child(scene, "never");
    EXPECT_EQ(child.line(), "in use: fine") << content;
  }
  std::filesystem::remove(scene.run_dir() + "/boot.json");
  std::filesystem::create_symlink("/etc/passwd", scene.run_dir() + "/boot.json");
  Child child(scene, "never");
  EXPECT_EQ(child.line(), "in use: fine");
}

}  // namespace
}  // namespace okg::test
