// Real servers in other languages, each by the command that stands in its first lines.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>
#include <sstream>

#include "control/client.hpp"
#include "integration/run/support.hpp"

namespace okg::test {
namespace {

using testing::HasSubstr;
using namespace std::chrono_literals;

struct Language {
  const char *file, *program, *rules, *good, *bad;  // `good` has a %s for what it greets with
  const char* wants = "";                           // a command that is 0 where it can run
  bool has_http = true;
};

std::string filled(const std::string& text, const std::string& with) {
  std::string out = text;
  return out.replace(out.find("%s"), 2, with);
}

class Servers : public ::testing::TestWithParam<Language> {
 protected:
  void SetUp() override {
    if (std::system((std::string(GetParam().wants) + " > /dev/null 2>&1").c_str()) != 0)
      GTEST_SKIP() << "not there: " << GetParam().wants;
  }

  // The comment's command, as somebody would paste it.
  std::string command() const {
    std::istringstream in(pod_.read(std::string(OKG_SERVERS) + "/" + GetParam().file));
    std::string out, line;
    for (bool begun = false; std::getline(in, line);) {
      if (const std::size_t at = line.find("okg run "); !begun && at != line.npos) {
        begun = true;
        line = line.substr(at + 4);
      } else if (!begun) {
        continue;
      }
      if (line.starts_with("//") || line.starts_with("--")) line = line.substr(2);
      if (line.ends_with("\"\"\"")) line.resize(line.size() - 3);
      const bool goes_on = line.ends_with("\\");
      while (line.ends_with("\\")) line.pop_back();
      out += line + " ";
      if (!goes_on) break;
    }
    const std::string name = GetParam().file;
    out.replace(out.rfind(name), name.size(), std::string(OKG_SERVERS) + "/" + name);
    return "exec '" + std::string(OKG_PROGRAM) + "' " + out;
  }
  void start() {
    Variables variables = pod_.variables();
    variables["PORT"] = port_;
    variables["PYTHONDONTWRITEBYTECODE"] = "1";
    write_file(pod_ / "start", "#!/bin/sh\n" + command() + "\n");
    std::filesystem::permissions(pod_ / "start", std::filesystem::perms(0755));
    okg_ = std::make_unique<Process>(
        Words{}, Process::Surroundings{variables, pod_ / "start", "", "", false, {}, false, ""});
    ASSERT_TRUE(eventually([&] { return pod_.outcome() == "1 active"; })) << command() << okg_->finish().err;
  }
  int publish(const std::string& version, const std::string& rules) const {
    return pod_.publish_and_wait(version, {{GetParam().rules, rules}});
  }
  std::string get(const std::string& path) const {
    if (!GetParam().has_http) return pod_.read(pod_.run() + "/lua");
    const auto answer = control::ask_url("http://127.0.0.1:" + port_ + path, {}, 10s);
    return answer && answer->status == 200 ? answer->body : "";
  }
  // "sha256:… 2": which one, and how many times it has reloaded.
  std::string version() const { return get("/version"); }

  const Pod pod_;
  const std::string port_ = std::to_string(free_port());
  std::unique_ptr<Process> okg_;
};

TEST_P(Servers, ReloadsExactlyOnceEachTime) {
  const std::string good = GetParam().good;
  const std::string first = pod_.publish("1", {{GetParam().rules, filled(good, "hello")}});
  start();
  EXPECT_THAT(version(), testing::StartsWith(first + " 0"));
  EXPECT_THAT(get("/"), HasSubstr("hello"));
  EXPECT_EQ(publish("2", filled(good, "welcome")), 0);
  EXPECT_THAT(get("/"), HasSubstr("welcome"));
  EXPECT_THAT(version(), HasSubstr(" 1"));
  // What is no program at all does not even reach it.
  EXPECT_EQ(publish("3", GetParam().bad), 1);
  EXPECT_EQ(pod_.status()["last"]["stage"], "prepare");
  EXPECT_THAT(get("/"), HasSubstr("welcome"));
  EXPECT_EQ(publish("4", filled(good, "good evening")), 0);
  EXPECT_THAT(get("/"), HasSubstr("good evening"));
  EXPECT_THAT(version(), HasSubstr(" 2"));
  okg_->signal(SIGTERM);
  EXPECT_EQ(okg_->finish().code, 128 + SIGTERM);
}

INSTANTIATE_TEST_SUITE_P(
    Of, Servers,
    testing::Values(
        Language{"node_server.js", "node", "rules.js", "exports.greet = who => `%s, ${who}`;\n",
                 "exports.greet = who => {\n", "node --version"},
        Language{"python_server.py", "python3", "rules.py", "def greet(who):\n    return f'%s, {who}'\n",
                 "def greet(who:\n", "python3 --version"},
        Language{"lua_server.lua", "lua5.3", "rules.lua",
                 "return {tick = function() end, greet = function(who) return '%s, ' .. who end}\n",
                 "return {tick = \n", "lua5.3 -l posix.signal -e '' && luac5.3 -v", false}),
    [](const auto& tested) {
      return std::string(tested.param.program == std::string("lua5.3") ? "lua" : tested.param.program);
    });

}  // namespace
}  // namespace okg::test
