// A million random steps of the reload state machine against the invariants of design.md section 7.
// OKG_MODEL_SEED and OKG_MODEL_STEPS choose another first seed and another number of steps.
#include <gtest/gtest.h>

#include <cstdlib>
#include <string>

#include "model/run.hpp"

namespace okg::model {
namespace {

constexpr std::uint64_t kStepsOfARun = 3'000;

std::uint64_t from_environment(const char* name, std::uint64_t otherwise) {
  const char* text = std::getenv(name);
  return text == nullptr || *text == '\0' ? otherwise : std::strtoull(text, nullptr, 10);
}

void run_many(std::uint64_t seed, std::uint64_t steps) {
  Reached reached;
  while (reached.steps < steps) {
    if (const auto broken = broken_rule(seed, kStepsOfARun, make_real, &reached)) {
      ADD_FAILURE() << "OKG_MODEL_SEED=" << seed << " shows it again\n"
                    << story(seed, kStepsOfARun, make_real);
      return;
    }
    ++seed;
  }
  ::testing::Test::RecordProperty("steps", std::to_string(reached.steps));
  if (steps < 1'000'000) return;  // somebody looks for something; too few to reach everything
  EXPECT_GT(reached.commits, steps / 100);
  EXPECT_GT(reached.failed, 1000U);
  EXPECT_GT(reached.superseded, 1000U);
  EXPECT_GT(reached.rolled_back, 100U);
  EXPECT_GT(reached.deaths, 1000U);
  EXPECT_GT(reached.killed_in_carry_out, 100U);
  EXPECT_GT(reached.crash_loops, 100U);
  EXPECT_GT(reached.quiet, 1000U);
  EXPECT_GT(reached.holds, 1000U);
  EXPECT_GT(reached.refused_asks, 100U);
  EXPECT_GT(reached.inconsistent, 100U);
  EXPECT_GT(reached.restores, 100U);
  EXPECT_GT(reached.exhausted, 100U);
  EXPECT_GT(reached.full_memory, 10U);
}

TEST(ReloaderModel, AMillionStepsKeepTheInvariants) {
  run_many(from_environment("OKG_MODEL_SEED", 1), from_environment("OKG_MODEL_STEPS", 1'200'000));
}

TEST(ReloaderModel, FiftyMillionStepsKeepTheInvariants) {
  if (from_environment("OKG_LONG", 0) != 1) GTEST_SKIP() << "takes minutes: set OKG_LONG=1";
  run_many(from_environment("OKG_MODEL_SEED", 1'000'000), 50'000'000);
}

}  // namespace
}  // namespace okg::model
