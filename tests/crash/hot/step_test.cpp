// The shipped machine code, killed at every instruction that changes the segment.
#include <gtest/gtest.h>

#include "crash/hot/script.hpp"
#include "crash/hot/stepped_child.hpp"
#include "crash/hot/stepped_engine.hpp"

namespace okg::hot::test {
namespace {

TEST(HotSteps, EveryInstructionMayBeTheLast) {
  if (!SteppedChild::is_possible()) GTEST_SKIP() << "ptrace is forbidden here";
  ScriptOptions options;
  const bool is_long = std::getenv("OKG_LONG") != nullptr;
  options.steps = 650;
  options.filled = 300;
  options.look_every = is_long ? 1 : 60;
  options.compacts_often = is_long;
  options.reopen_every = 1'000'000;
  SteppedEngine engine(2 << 20, 1, is_long ? 900 : 1);
  const ScriptDone done = run_script(options, engine);
  EXPECT_FALSE(done.wrong) << *done.wrong;
  EXPECT_GT(done.images, 500U);
  EXPECT_GT(engine.instructions(), 20'000U);
  for (const auto kind : {SteppedEngine::Rare::pages, SteppedEngine::Rare::begin, SteppedEngine::Rare::split})
    EXPECT_GE(engine.stepped(kind), 1U) << static_cast<int>(kind);
  RecordProperty("images", std::to_string(done.images));
  RecordProperty("instructions", std::to_string(engine.instructions()));
}

}  // namespace
}  // namespace okg::hot::test
