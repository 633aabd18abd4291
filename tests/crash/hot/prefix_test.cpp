// A kill after any store of any operation, and a kill of the recovery that follows: nothing acknowledged is
// lost, nothing unacknowledged is there in part, nothing leaks. And the same of wrong protocols, which have
// to be found out.
#include <gtest/gtest.h>

#include "crash/hot/script.hpp"
#include "crash/hot/traced_engine.hpp"

namespace okg::hot::test {
namespace {

TEST(HotPrefixes, EveryStoreMayBeTheLast) {
  const char* longer = std::getenv("OKG_LONG");
  ScriptOptions options;
  if (longer != nullptr) options = {2, 20'000, 4, 20};
  TracedEngine engine(4 << 20, 2);
  const ScriptDone done = run_script(options, engine);
  EXPECT_FALSE(done.wrong) << *done.wrong;
  EXPECT_GT(done.images, 1000U);
  EXPECT_GT(done.usage.leaves, 4U) << "nothing was split";
  RecordProperty("images", std::to_string(done.images));
}

class HotMutants : public testing::TestWithParam<int> {};

TEST_P(HotMutants, IsFoundOut) {
  hot::faults::mutant = static_cast<hot::faults::Mutant>(GetParam());
  ScriptOptions options;
  TracedEngine engine(4 << 20, 2);
  const ScriptDone done = run_script(options, engine);
  hot::faults::mutant = hot::faults::Mutant::none;
  EXPECT_TRUE(done.wrong) << "a mutant survived " << done.images << " images: a test is missing";
  if (done.wrong) std::printf("%s\n", done.wrong->c_str());
}

INSTANTIATE_TEST_SUITE_P(All, HotMutants, testing::Range(1, hot::faults::kMutants));

}  // namespace
}  // namespace okg::hot::test
