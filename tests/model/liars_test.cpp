// The model has teeth: each reloader that breaks a rule is caught, and by that rule.
#include <gtest/gtest.h>

#include "model/liars.hpp"
#include "model/run.hpp"

namespace okg::model {

// Found by ADL: what a failing case is called.
void PrintTo(const Liar& liar, std::ostream* out) {
  *out << liar.name;
}

namespace {

class Caught : public ::testing::TestWithParam<Liar> {};

TEST_P(Caught, ByItsRule) {
  for (std::uint64_t seed = 1; seed <= 300; ++seed) {
    const auto broken = broken_rule(seed, 3'000, GetParam().make);
    if (!broken) continue;
    EXPECT_NE(broken->find(GetParam().broken), std::string::npos) << "seed " << seed << ": " << *broken;
    RecordProperty("rule", *broken);
    return;
  }
  ADD_FAILURE() << "nobody noticed";
}

INSTANTIATE_TEST_SUITE_P(Liars, Caught, ::testing::ValuesIn(liars()),
                         [](const auto& liar) { return liar.param.name; });

}  // namespace
}  // namespace okg::model
