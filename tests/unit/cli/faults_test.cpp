#include "cli/faults.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/json.hpp"

namespace okg::cli {
namespace {

using testing::HasSubstr;

Faults faults(const std::string& text) {
  return *Faults::parse(base::Os::real(), text);
}
std::string trouble(const std::string& text) {
  const auto parsed = Faults::parse(base::Os::real(), text);
  return parsed ? "" : parsed.error().text;
}

TEST(Faults, AreRead) {
  EXPECT_FALSE(Faults().any());
  EXPECT_FALSE(faults("drop=0").any());
  EXPECT_TRUE(faults("delay=1ms").any());
  EXPECT_TRUE(faults("drop=.5,garble=1,delay=2s,seed=7").garbles());
  EXPECT_THAT(trouble(""), HasSubstr("drop=P"));
  EXPECT_THAT(trouble("drop"), HasSubstr("drop \"\""));
  EXPECT_THAT(trouble("drop=0.99"), HasSubstr("at most 0.95"));
  EXPECT_THAT(trouble("garble=nan"), HasSubstr("\"nan\""));
  EXPECT_THAT(trouble("garble=-0.1"), HasSubstr("\"-0.1\""));
  EXPECT_THAT(trouble("garble=1.1"), HasSubstr("\"1.1\""));
  EXPECT_THAT(trouble("garble=0.1x"), HasSubstr("\"0.1x\""));
  EXPECT_THAT(trouble("delay=5"), HasSubstr("delay \"5\""));
  EXPECT_THAT(trouble("seed=x"), HasSubstr("seed \"x\""));
  EXPECT_THAT(trouble("drop=0.1,lose=1"), HasSubstr("\"lose=1\""));
}

TEST(Faults, HappenAsOftenAsIsSaid) {
  Faults some = faults("drop=0.25,delay=10ms,seed=1");
  int lost = 0;
  for (int i = 0; i < 4000; ++i) {
    lost += some.is_lost() ? 1 : 0;
    EXPECT_FALSE(some.is_garbled());
    EXPECT_GE(some.lateness().count(), 0);
    EXPECT_LE(some.lateness().count(), 10);
  }
  EXPECT_NEAR(lost, 1000, 150);
}

TEST(Faults, HappenAgainByTheirSeed) {
  Faults one = faults("drop=0.5,seed=9"), other = faults("drop=0.5,seed=9");
  for (int i = 0; i < 100; ++i) EXPECT_EQ(one.is_lost(), other.is_lost());
}

// What is garbled must not be another object that means something.
TEST(Faults, GarbleSoThatItCannotBeRead) {
  Faults all = faults("garble=1,seed=3");
  const std::string text = "{\"spec\": {\"opsState\": \"None\"}, \"status\": {\"state\": \"Ready\"}}\n";
  for (int i = 0; i < 5000; ++i) {
    const std::string garbled = all.garbled(text);
    EXPECT_LE(garbled.size(), text.size());
    EXPECT_FALSE(base::parse_json_object(garbled, "x", base::Code::io)) << garbled;
  }
  EXPECT_EQ(all.garbled(""), "");
}

}  // namespace
}  // namespace okg::cli
