// Help, versions, and everything that is wrong before anything is done: exit code 2 and one line that names
// it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "integration/cli/support.hpp"

namespace okg::test {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::StartsWith;

struct Wrong {
  const char* name;
  Words arguments;
  std::string named;  // what the line has to name
  Variables variables = {};
};

void PrintTo(const Wrong& wrong, std::ostream* out) {
  *out << wrong.name;
}

class UsageIsRefused : public testing::TestWithParam<Wrong> {};

TEST_P(UsageIsRefused, WithOneLine) {
  const Finished done = okg(GetParam().arguments, GetParam().variables);
  EXPECT_EQ(done.code, 2);
  EXPECT_THAT(done.out, IsEmpty());
  EXPECT_THAT(done.err, StartsWith("okg: "));
  EXPECT_THAT(done.err, HasSubstr(GetParam().named));
  EXPECT_EQ(std::count(done.err.begin(), done.err.end(), '\n'), 1);
}

const std::string kDigest = "sha256:" + std::string(64, 'a');

INSTANTIATE_TEST_SUITE_P(
    Cli, UsageIsRefused,
    testing::Values(
        Wrong{"NoCommand", {}, "no command"}, Wrong{"UnknownCommand", {"pblish"}, "\"pblish\""},
        Wrong{"UnknownFlag", {"status", "--bogus"}, "\"--bogus\""},
        Wrong{"UnknownFlagInFront", {"--bogus", "status"}, "\"--bogus\""},
        Wrong{"ExtraArgument", {"status", "now"}, "\"now\""},
        Wrong{"ExtraArgumentBehindTheMark", {"status", "--", "--json"}, "\"--json\""},
        Wrong{"TwoCommands", {"status", "reload"}, "\"reload\""},
        Wrong{"FlagWithoutValue", {"status", "--run"}, "--run"},
        Wrong{"FlagForValue", {"publish", "--from", "--once"}, "--from"},
        Wrong{"EmptyValue", {"status", "--run", ""}, "--run"},
        Wrong{"RunTwice", {"--run", "a", "status", "--run", "b"}, "--run"},
        Wrong{"BadJsonFlag", {"status", "--json=perhaps"}, "--json"},
        Wrong{"PackNothing", {"pack", "--version", "1"}, "DIR"},
        Wrong{"PackNoVersion", {"pack", "/tmp"}, "--version"},
        Wrong{"PackBadVersion", {"pack", "/tmp", "--version", "a\nb"}, "--version"},
        Wrong{"PackBadComponent",
              {"pack", "/tmp", "--version", "1", "--component", "scripts"},
              "--component \"scripts\""},
        Wrong{"PackComponentTwice",
              {"pack", "/tmp", "--version", "1", "--component", "a=b", "--component", "a=c"},
              "--component \"a=c\""},
        Wrong{"PackBadAfter", {"pack", "/tmp", "--version", "1", "--after", "=b"}, "--after \"=b\""},
        Wrong{"PackBadUnhandled",
              {"pack", "/tmp", "--version", "1", "--unhandled", "maybe"},
              "--unhandled \"maybe\""},
        Wrong{"PackNoSuchDirectory", {"pack", "/nonexistent", "--version", "1"}, "/nonexistent"},
        Wrong{"PublishNothing", {"publish", "--to", "/tmp"}, "--from"},
        Wrong{"PublishBadBudget", {"publish", "--from", "/tmp", "--budget", "lots"}, "--budget \"lots\""},
        Wrong{"PublishBadKeep", {"publish", "--from", "/tmp", "--keep", "-1"}, "--keep \"-1\""},
        Wrong{"PublishKeepsNone", {"publish", "--from", "/tmp", "--keep", "0"}, "--keep \"0\""},
        Wrong{"PublishBadWait", {"publish", "--from", "/tmp", "--once", "--wait", "30"}, "--wait \"30\""},
        Wrong{"PublishWaitWithoutOnce", {"publish", "--from", "/tmp", "--wait", "30s"}, "--once"},
        Wrong{"PublishExpectAlone", {"publish", "--from", "/tmp", "--expect", "200"}, "--trigger"},
        Wrong{"PublishBadExpect",
              {"publish", "--from", "/tmp", "--trigger", "http://127.0.0.1/", "--expect", "2000"},
              "--expect \"2000\""},
        Wrong{"PublishBadTrigger",
              {"publish", "--from", "/tmp", "--trigger", "https://127.0.0.1/"},
              "--trigger"},
        Wrong{"PublishTriggerByName",
              {"publish", "--from", "/tmp", "--trigger", "http://game/reload"},
              "--trigger"},
        Wrong{"PublishBadToken",
              {"publish", "--from", "/tmp", "--to", "/tmp", "--trigger", "http://127.0.0.1/"},
              "OKG_TOKEN_FILE: /dev/null: not a regular file",
              {{"OKG_TOKEN_FILE", "/dev/null"}}},
        Wrong{"PublishBadLogLevel",
              {"publish", "--from", "/tmp", "--to", "/dev/shm"},
              "OKG_LOG: \"bogus\": use error, warn, info or debug",
              {{"OKG_LOG", "bogus"}}},
        Wrong{"PublishToTwoVolumes",
              {"publish", "--from", "/tmp", "--to", "/a", "--payload", "/b"},
              "--payload"},
        Wrong{"PublishFromNowhere",
              {"publish", "--from", "/nonexistent", "--to", "/tmp", "--once"},
              "/nonexistent"},
        Wrong{"PublishFromFile",
              {"publish", "--from", "/proc/self/exe", "--to", "/tmp", "--once"},
              "not a directory"},
        Wrong{"PublishPlainWithoutVersion",
              {"publish", "--from", "/usr/include/CLI", "--to", "/tmp", "--once"},
              "--version"},
        Wrong{"ReadyNothing", {"ready"}, "--from"},
        Wrong{"ReadyBadGate", {"ready", "--from", "/tmp", "--gate", "perfect"}, "--gate \"perfect\""},
        Wrong{"ReadyFromNowhere", {"ready", "--from", "/nonexistent"}, "/nonexistent"},
        Wrong{"ReloadBadDigest", {"reload", "--to", "2.4.1"}, "--to \"2.4.1\""},
        Wrong{"ReloadBadWait", {"reload", "--wait", "soon"}, "--wait \"soon\""},
        Wrong{"RollbackBadDigest", {"rollback", "--to", kDigest + "0"}, "--to"},
        Wrong{"ProbeNothing", {"probe"}, "live, ready or ops"},
        Wrong{"ProbeSomethingElse", {"probe", "health"}, "\"health\""},
        Wrong{"SetNothing", {"set"}, "WHAT: is needed"},
        Wrong{"SetSomethingElse", {"set", "state", "Ready"}, "\"state\""},
        Wrong{"SetWrongCase", {"set", "ops-state", "kill"}, "did you mean Kill?"},
        Wrong{"SetNoValue", {"set", "label", "a"}, "a key and a value"},
        Wrong{"SetRemoveWithValue", {"set", "label", "a", "b", "--remove"}, "--remove"},
        Wrong{"SetNegative", {"set", "update-priority", "--", "-1"}, "\"-1\""},
        Wrong{"SetBadWait", {"set", "ops-state", "None", "--wait", "10"}, "--wait \"10\""},
        Wrong{"LocalNothing", {"local"}, "run, set, allocate, update or kill"},
        Wrong{"LocalSomethingElse", {"local", "start"}, "\"start\""},
        Wrong{"LocalRunNothing", {"local", "run"}, "CMD: is needed"},
        Wrong{"LocalRunBadPolicy",
              {"local", "run", "--restart", "sometimes", "--", "true"},
              "--restart \"sometimes\""},
        Wrong{"LocalRunNeverConformance",
              {"local", "run", "--restart", "never", "--conformance", "r", "--", "true"},
              "--restart never"},
        Wrong{"LocalRunTimeout", {"local", "run", "--timeout", "1s", "--", "true"}, "--conformance"},
        Wrong{"LocalRunBadFaults",
              {"local", "run", "--faults", "drop=2", "--", "true"},
              "--faults drop \"2\"",
              {{"XDG_RUNTIME_DIR", "/nonexistent"}}},
        Wrong{"LocalSetNothing", {"local", "set"}, "WHAT: is needed"},
        Wrong{"LocalSetWrongCase", {"local", "set", "ops-state", "allocated"}, "did you mean Allocated?"},
        Wrong{"LocalSetNetwork", {"local", "set", "network", "up"}, "ready or not-ready"},
        Wrong{"LocalSetAddress",
              {"local", "set", "network", "ready", "--address", "host:1"},
              "--address \"host:1\""},
        Wrong{"LocalSetAddressWithoutPort",
              {"local", "set", "network", "ready", "--address", "::1"},
              "--address \"::1\""},
        Wrong{"LocalSetAddressOfLabel",
              {"local", "set", "label", "a", "b", "--address", "1.2.3.4:1"},
              "--address"},
        Wrong{"LocalAllocateWord", {"local", "allocate", "now"}, "\"now\""},
        Wrong{"LocalKillWithMatch", {"local", "kill", "--match", "m"}, "--match: is not for okg local kill"},
        Wrong{"LocalKillBadGrace", {"local", "kill", "--grace", "30"}, "--grace \"30\""},
        Wrong{"LocalUpdateBadTimeout", {"local", "update", "--timeout", "x"}, "--timeout \"x\""},
        Wrong{"HotNothing", {"hot"}, "ls, stat, get"}, Wrong{"HotSomethingElse", {"hot", "cat"}, "\"cat\""},
        Wrong{"HotTableForLs", {"hot", "ls", "--table", "players"}, "--table"},
        Wrong{"HotGetNothing", {"hot", "get"}, "TABLE KEY"},
        Wrong{"HotDiffOfOne", {"hot", "schema-diff", "/tmp"}, "A B"},
        Wrong{"HotDiffOfNoFile", {"hot", "schema-diff", "/tmp", "/tmp"}, "/tmp: is no regular file"},
        Wrong{"HotNoSuchFile", {"hot", "stat", "/nonexistent"}, "/nonexistent"},
        Wrong{"NoServerNamed", {"status"}, "--run", {{"XDG_RUNTIME_DIR", "/nonexistent"}}},
        Wrong{"BadName", {"status"}, "OKG_NAME", {{"OKG_NAME", "../x"}}}),
    [](const auto& tested) { return tested.param.name; });

class Help : public testing::TestWithParam<const char*> {};

TEST_P(Help, HasAnExample) {
  const std::string command = GetParam();
  const Finished done = okg({command, "--help"});
  EXPECT_EQ(done.code, 0);
  EXPECT_THAT(done.err, IsEmpty());
  EXPECT_THAT(done.out, HasSubstr("Example:\n"));
  const std::string example = done.out.substr(done.out.find("Example:\n"));
  EXPECT_THAT(example, HasSubstr("okg " + command));
  for (const char* everywhere : {"--help", "--json", "--run", "--payload", "--version"})
    EXPECT_THAT(done.out, HasSubstr(everywhere));
  EXPECT_EQ(okg({"--help", command}).out, done.out);
}

INSTANTIATE_TEST_SUITE_P(Cli, Help,
                         testing::Values("pack", "publish", "ready", "status", "reload", "rollback", "probe",
                                         "set", "hot", "local"),
                         [](const auto& tested) { return std::string(tested.param); });

TEST(Overview, NamesEveryCommandAndExitCode) {
  const Finished done = okg({"--help"});
  EXPECT_EQ(done.code, 0);
  for (const char* word :
       {"pack", "publish", "ready", "status", "reload", "rollback", "probe", "Example:", "69", "75"})
    EXPECT_THAT(done.out, HasSubstr(word));
}

TEST(Version, OfTheProgram) {
  EXPECT_EQ(okg({"--version"}).out, "okg " OKG_VERSION "\n");
  EXPECT_EQ(okg({"status", "--version"}).out, "okg " OKG_VERSION "\n");
  EXPECT_EQ(okg({"--version", "--json"}).events().at(0)["okg"], OKG_VERSION);
}

TEST(Colour, IsNotForPipes) {
  EXPECT_THAT(okg({"--help"}, {{"TERM", "xterm"}}).out, testing::Not(HasSubstr("\x1b")));
  EXPECT_THAT(okg({"status", "--bogus"}, {{"TERM", "xterm"}}).err, testing::Not(HasSubstr("\x1b")));
}

TEST(Names, AreListedWhenThereAreSeveral) {
  const TemporaryDirectory home;
  const std::string own = home / ("okg-" + std::to_string(::geteuid()));
  std::filesystem::create_directories(own + "/red/run");
  const Variables variables{{"XDG_RUNTIME_DIR", home.path()}};
  // One: that one is meant, and nobody listens there.
  const Finished one = okg({"status"}, variables);
  EXPECT_EQ(one.code, 69);
  EXPECT_THAT(one.err, HasSubstr(own + "/red/run/okg.sock"));
  std::filesystem::create_directories(own + "/blue/run");
  const Finished two = okg({"status"}, variables);
  EXPECT_EQ(two.code, 2);
  EXPECT_THAT(two.err, HasSubstr("blue, red"));
  const Finished named = okg({"status"}, {{"XDG_RUNTIME_DIR", home.path()}, {"OKG_NAME", "blue"}});
  EXPECT_EQ(named.code, 69);
  EXPECT_THAT(named.err, HasSubstr("/blue/run/okg.sock"));
}

}  // namespace
}  // namespace okg::test
