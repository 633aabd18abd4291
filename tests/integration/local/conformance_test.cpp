// okg local run --conformance: the reference servers pass, others are told what they did not do.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>
#include <fstream>

#include "integration/local/support.hpp"

namespace okg::test {
namespace {

using base::Json;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

struct Judged {
  Finished run;
  Json report;
  std::vector<std::string> failed() const {
    std::vector<std::string> out;
    for (const Json& check : report["checks"])
      if (check["ok"] != true) out.push_back(check["name"]);
    return out;
  }
  std::string text(const std::string& name) const {
    for (const Json& check : report["checks"])
      if (check["name"] == name) return check["text"];
    return "";
  }
};

Judged judge(const Laptop& laptop, const Words& server, const Words& flags = {}) {
  Words words{"local", "run", "--conformance", laptop / "report.json"};
  words.insert(words.end(), flags.begin(), flags.end());
  words.push_back("--");
  words.insert(words.end(), server.begin(), server.end());
  Judged judged{laptop.okg(words), {}};
  std::ifstream in(laptop / "report.json");
  judged.report = Json::parse(in, nullptr, false);
  EXPECT_EQ(judged.report["checks"].size(), 8U) << judged.run.err;
  EXPECT_EQ(judged.report["ok"], judged.failed().empty());
  EXPECT_EQ(judged.run.code, judged.failed().empty() ? 0 : 1);
  return judged;
}

TEST(Conformance, OfTheReferenceServers) {
  for (const char* server : {OKG_SERVER_CPP, OKG_SERVER_C}) {
    const Laptop laptop;
    laptop.publish();
    const Judged judged = judge(laptop, {server});
    EXPECT_THAT(judged.failed(), IsEmpty()) << judged.report.dump(1);
    EXPECT_THAT(judged.text("resumed"), HasSubstr("in-place update, game:1 to game:2"));
    EXPECT_EQ(laptop.gameserver()["metadata"]["annotations"]["gs-sync/heard"], "Allocated");
    // Whatever an earlier run left: it begins with a GameServer of its own.
    EXPECT_THAT(judge(laptop, {server}).failed(), IsEmpty());
  }
}

TEST(Conformance, HoldsWithFaults) {
  const Laptop laptop;
  laptop.publish();
  const Judged judged = judge(laptop, {OKG_SERVER_C}, {"--faults", "drop=0.3,delay=100ms,garble=0.5,seed=5"});
  EXPECT_THAT(judged.failed(), IsEmpty()) << judged.report.dump(1);
}

TEST(Conformance, WantsAPayloadInUse) {
  const Laptop laptop;
  const Judged judged = judge(laptop, {OKG_SERVER_MOODY}, {"--timeout", "1s"});
  EXPECT_THAT(judged.failed(), ElementsAre("payload"));
  EXPECT_THAT(judged.text("payload"), HasSubstr("okg publish"));
}

TEST(Conformance, WantsAStateOfTheServersOwn) {
  const Laptop laptop;
  laptop.publish();
  const Judged judged = judge(laptop, {OKG_SERVER_MOODY, "silent"}, {"--timeout", "1s"});
  EXPECT_THAT(judged.failed(), ElementsAre("ops_state_from_server"));
}

TEST(Conformance, WantsUpdatesAllowed) {
  const Laptop laptop;
  laptop.publish();
  const Judged judged = judge(laptop, {OKG_SERVER_MOODY, "stubborn"}, {"--timeout", "1s"});
  EXPECT_THAT(judged.failed(), ElementsAre("update_allowed", "resumed", "armed_again"));
  EXPECT_THAT(judged.text("update_allowed"), HasSubstr("to release gs-sync/update-block"));
}

TEST(Conformance, WantsWhoCameBefore) {
  const Laptop laptop;
  laptop.publish();
  const Judged judged = judge(laptop, {OKG_SERVER_MOODY, "amnesiac"}, {"--timeout", "1s"});
  EXPECT_THAT(judged.failed(), ElementsAre("resumed"));
  EXPECT_THAT(judged.text("resumed"), HasSubstr("started as fresh_pod"));
}

TEST(Conformance, OfWhatIsNoServer) {
  const Laptop laptop;
  for (const Words& words : {Words{"/bin/sleep", "60"}, Words{OKG_SERVER_MOODY, "crashing"}}) {
    const Judged judged = judge(laptop, words, {"--timeout", "500ms"});
    EXPECT_EQ(judged.failed().size(), 8U);
    EXPECT_THAT(judged.text("connected"), HasSubstr("no server answers"));
    EXPECT_THAT(judged.text("armed_again"), HasSubstr("not tried"));
  }
}

TEST(Conformance, WritesWhatItKnowsWhenItIsInterrupted) {
  const Laptop laptop;
  laptop.publish();
  Process process({"local", "run", "--conformance", laptop / "report.json", "--", OKG_SERVER_MOODY, "silent"},
                  laptop.variables());
  ASSERT_TRUE(process.says("payload: version"));
  process.signal(SIGTERM);
  EXPECT_EQ(process.finish().code, 1);
  EXPECT_LT(process.took(), std::chrono::seconds(10));
  std::ifstream in(laptop / "report.json");
  EXPECT_EQ(Json::parse(in)["checks"].size(), 8U);
}

TEST(Conformance, NeedsARoomForItsReport) {
  const Laptop laptop;
  const Finished done =
      laptop.okg({"local", "run", "--conformance", "/nonexistent/report.json", "--", "/bin/sleep", "60"});
  EXPECT_EQ(done.code, 1);
  EXPECT_THAT(done.err, HasSubstr("/nonexistent/report.json"));
}

}  // namespace
}  // namespace okg::test
