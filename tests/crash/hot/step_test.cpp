// The shipped machine code, killed at every instruction that changes the segment.
#include <gtest/gtest.h>

#include "crash/hot/script.hpp"
#include "crash/hot/stepped_engine.hpp"

namespace okg::hot::test {
namespace {

TEST(HotSteps, EveryInstructionMayBeTheLast) {
  if (!SteppedEngine::is_possible()) GTEST_SKIP() << "ptrace is forbidden here";
  ScriptOptions options;
  options.steps = 900;
  options.look_every = std::getenv("OKG_LONG") != nullptr ? 1 : 30;
  options.reopen_every = 1'000'000;
  SteppedEngine engine(2 << 20, 1);
  const ScriptDone done = run_script(options, engine);
  EXPECT_FALSE(done.wrong) << *done.wrong;
  EXPECT_GT(done.images, 500U);
  EXPECT_GT(engine.instructions(), 20'000U);
  RecordProperty("images", std::to_string(done.images));
  RecordProperty("instructions", std::to_string(engine.instructions()));
}

}  // namespace
}  // namespace okg::hot::test
