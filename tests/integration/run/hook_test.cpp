// okg run: hooks that do what they should not.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>

#include "integration/run/support.hpp"

namespace okg::test {
namespace {

using testing::HasSubstr;

class RunHook : public ::testing::Test {
 protected:
  // What became of version 2, prepared by this.
  base::Json last_after(const std::string& prepare, const Words& flags = {}) {
    pod_.publish("1");
    Words all{"--prepare", "test $OKG_RELOAD_VERSION = 1 && exit 0; " + prepare};
    all.insert(all.end(), flags.begin(), flags.end());
    run_ = std::make_unique<Supervised>(pod_, all);
    EXPECT_TRUE(run_->is_up());
    pod_.publish("2");
    EXPECT_TRUE(eventually([&] { return pod_.status()["last"]["version"] == "2"; }));
    return pod_.status()["last"];
  }
  bool runs(const std::string& pid) const { return ::kill(std::stoi(pid), 0) == 0; }

  const Pod pod_;
  std::unique_ptr<Supervised> run_;
};

TEST_F(RunHook, ThatHangsIsEndedAndNamed) {
  const auto last = last_after("sleep 1000", {"--timeout", "200ms"});
  EXPECT_EQ(last["result"], "failed");
  EXPECT_EQ(last["code"], "timeout");
  EXPECT_EQ(last["retriable"], false);
  EXPECT_EQ(last["text"], "--prepare: has not ended within 200 ms");
}

TEST_F(RunHook, ThatIgnoresSigtermAndForksIsKilledWithItsChildren) {
  const auto last = last_after(
      "trap '' TERM; sh -c 'echo $$ >> $LOG; while :; do sleep 0.1; done' & wait; while :; do sleep 0.1; "
      "done",
      {"--timeout", "200ms"});
  EXPECT_EQ(last["code"], "timeout");
  const auto told = pod_.told();
  ASSERT_EQ(told.size(), 2U);
  EXPECT_TRUE(eventually([&] { return !runs(told[1]); }));
}

// It is done, whoever else holds its output open.
TEST_F(RunHook, ThatLeavesAChildBehindIsNotWaitedFor) {
  const auto last = last_after("sleep 1000 & echo $! >> $LOG");
  EXPECT_EQ(last["result"], "active");
  const auto told = pod_.told();
  ASSERT_EQ(told.size(), 2U);
  EXPECT_TRUE(eventually([&] { return !runs(told[1]); }));
}

TEST_F(RunHook, ThatFloodsItsOutputIsCutShort) {
  const auto last = last_after(
      "yes 'what a long line this is, and there is no end' | head -c 20000000; echo; echo the end; exit 3");
  EXPECT_THAT(last["text"].get<std::string>(), testing::EndsWith("; the end"));
  const Finished done = run_->end();
  EXPECT_LT(done.err.size(), std::size_t{60'000});
  EXPECT_THAT(done.err, HasSubstr("writes more than 16 KiB"));
}

TEST_F(RunHook, ThatIsNotThere) {
  const auto last = last_after("no-such-hook");
  EXPECT_EQ(last["code"], "rejected");
  EXPECT_THAT(last["text"].get<std::string>(), HasSubstr("--prepare: exit code 127: "));
  EXPECT_THAT(last["text"].get<std::string>(), HasSubstr("no-such-hook"));
}

TEST_F(RunHook, ThatIsKilled) {
  EXPECT_EQ(last_after("kill -9 $$")["text"], "--prepare: was ended by signal 9");
}

// Control characters and what is no UTF-8 stand in a status all the same.
TEST_F(RunHook, ThatWritesAnything) {
  const auto last = last_after("printf 'a\\033[31m\\001b\\377\\n' ; exit 3");
  const std::string text = last["text"];
  EXPECT_THAT(text, HasSubstr("--prepare: exit code 3: a"));
  EXPECT_EQ(text.find('\033'), std::string::npos);
}

TEST_F(RunHook, EndsWithTheServerAndThatIsNotThePayloadsFault) {
  pod_.publish("1");
  {
    Supervised run(pod_, {"--on-reload", "echo $$ >> $LOG; exec sleep 1000", "--timeout", "100s"});
    ASSERT_TRUE(run.is_up());
    ASSERT_TRUE(eventually([&] { return pod_.told().size() == 1; }));
    pod_.publish("2");
    ASSERT_TRUE(eventually([&] { return pod_.told().size() == 2; }));
    EXPECT_EQ(run.end().code, 5);
    EXPECT_FALSE(runs(pod_.told()[1]));
  }
  Supervised run(pod_, {"--on-reload", "echo $$ >> $LOG; exec sleep 1000", "--timeout", "100s"});
  ASSERT_TRUE(run.is_up());
  EXPECT_EQ(pod_.status()["active"]["version"], "2");
  EXPECT_TRUE(pod_.status()["refused"].empty());
}

}  // namespace
}  // namespace okg::test
