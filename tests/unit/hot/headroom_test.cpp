#include "hot/headroom.hpp"

#include "unit/hot/hot_fixture.hpp"

namespace okg::hot {
namespace {

class HeadroomTest : public HotTest {
 protected:
  void say(const std::string& name, const std::string& text) { okg::test::write_file(top / name, text); }
  std::optional<std::uint64_t> left() { return headroom(os, top.path()); }
};

TEST_F(HeadroomTest, WithoutALimitThereIsNone) {
  EXPECT_EQ(left(), std::nullopt);
  say("memory.max", "max\n");
  say("memory.current", "1000\n");
  EXPECT_EQ(left(), std::nullopt);
}

TEST_F(HeadroomTest, IsTheLimitWithoutWhatIsUsed) {
  say("memory.max", "10000\n");
  say("memory.current", "4000\n");
  EXPECT_EQ(left(), 6000U);
  say("memory.stat", "file 3000\ninactive_file_not 999\ninactive_file 1500\nactive_file 1\n");
  EXPECT_EQ(left(), 7500U);
  say("memory.current", "40000\n");
  EXPECT_EQ(left(), 0U);
}

TEST_F(HeadroomTest, IsThatOfTheOldHierarchyToo) {
  say("memory/memory.limit_in_bytes", "10000\n");
  say("memory/memory.usage_in_bytes", "4000\n");
  EXPECT_EQ(left(), 6000U);
  say("memory/memory.limit_in_bytes", "9223372036854771712\n");
  EXPECT_EQ(left(), std::nullopt);
}

TEST_F(HeadroomTest, NonsenseIsNoLimit) {
  for (const char* text : {"", "-1", "many", "1e9", "99999999999999999999999"}) {
    say("memory.max", text);
    say("memory.current", "1");
    EXPECT_EQ(left(), std::nullopt) << text;
  }
}

}  // namespace
}  // namespace okg::hot
