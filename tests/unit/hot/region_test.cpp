// Regions: what was committed is what is found.
#include "unit/hot/hot_fixture.hpp"

namespace okg::hot {
namespace {

class RegionTest : public HotTest, public testing::WithParamInterface<RegionMode> {
 protected:
  static RegionOptions region_options(RegionMode mode, std::uint64_t bytes = 10'000) {
    RegionOptions options;
    options.mode = mode;
    options.bytes = bytes;
    return options;
  }
  Region& region(Store& store) {
    const auto entry = store.region("world", region_options(GetParam()));
    EXPECT_TRUE(entry) << entry.error().text;
    return store.engine().region_at(*entry);
  }
  static void write(Region& region, std::uint64_t at, std::string_view text) {
    ASSERT_TRUE(region.touch(at, text.size()));
    std::memcpy(region.data() + at, text.data(), text.size());
  }
  static std::string read(Region& region, std::uint64_t at, std::size_t bytes) {
    return {reinterpret_cast<const char*>(region.data()) + at, bytes};
  }
};

TEST_P(RegionTest, WhatWasCommittedIsFoundAndNothingElse) {
  {
    auto store = open();
    Region& world = region(*store);
    EXPECT_EQ(read(world, 0, 5), std::string(5, '\0'));
    write(world, 9'995, "hello");
    ASSERT_TRUE(world.commit());
    write(world, 60, "over a line's end");
    write(world, 9'995, "later");
  }
  auto store = open();
  Region& world = region(*store);
  EXPECT_EQ(read(world, 9'995, 5), "hello");
  EXPECT_EQ(read(world, 60, 5), std::string(5, '\0'));
  ASSERT_TRUE(store->engine().verify());
}

TEST_P(RegionTest, CanBeTakenBack) {
  auto store = open();
  Region& world = region(*store);
  write(world, 100, "first");
  ASSERT_TRUE(world.commit());
  for (int i = 0; i < 3; ++i) {
    write(world, 100, "other");
    write(world, 5000, "more");
    ASSERT_TRUE(world.roll_back());
    EXPECT_EQ(read(world, 100, 5), "first");
    EXPECT_EQ(read(world, 5000, 4), std::string(4, '\0'));
  }
  write(world, 100, "again");
  ASSERT_TRUE(world.commit());
  ASSERT_TRUE(world.roll_back());
  EXPECT_EQ(read(world, 100, 5), "again");
}

TEST_P(RegionTest, AllOfItMayChange) {
  auto store = open();
  Region& world = region(*store);
  for (const char c : {'a', 'b', 'c'}) {
    write(world, 0, std::string(10'000, c));
    ASSERT_TRUE(world.commit());
    // Every other line.
    for (std::uint64_t at = 0; at + 64 <= 10'000; at += 128) write(world, at, std::string(64, '-'));
    ASSERT_TRUE(world.commit());
    EXPECT_EQ(read(world, 127, 2), std::string(1, c) + "-");
  }
}

TEST_P(RegionTest, AnotherLayoutIsNotTakenForOurs) {
  auto store = open();
  (void)region(*store);
  auto other = region_options(GetParam(), 10'001);
  EXPECT_EQ(store->region("world", other).error().code, base::Code::schema_mismatch);
  other = region_options(GetParam() == RegionMode::diff ? RegionMode::in_place : RegionMode::diff);
  EXPECT_EQ(store->region("world", other).error().code, base::Code::schema_mismatch);
  other = region_options(GetParam());
  other.schema_version = 2;
  EXPECT_EQ(store->region("world", other).error().code, base::Code::schema_mismatch);
  EXPECT_EQ(store->region("none", region_options(GetParam(), 0)).error().code, base::Code::invalid_argument);
  EXPECT_EQ(store->region("large", region_options(GetParam(), 100 << 20)).error().code, base::Code::no_space);
}

TEST_P(RegionTest, MigratesAndGivesTheOldRoomBack) {
  {
    auto store = open();
    Region& world = region(*store);
    write(world, 0, "old");
    ASSERT_TRUE(world.commit());
  }
  auto store = open();
  Region* const open_already = &region(*store);
  auto next = region_options(GetParam(), 20'000);
  next.schema_version = 2;
  next.migrations.push_back({1,
                             [](std::string_view old) -> base::Result<std::string> {
                               std::string made(20'000, '\0');
                               made.replace(10'000, 3, old.substr(0, 3));
                               return made;
                             },
                             {}});
  EXPECT_EQ(store->region("world", next).error().code, base::Code::in_use) << "somebody uses it as it was";
  EXPECT_EQ(read(*open_already, 0, 3), "old");
  store.reset();
  store = open();
  const auto entry = store->region("world", next);
  ASSERT_TRUE(entry) << entry.error().text;
  Region& world = store->engine().region_at(*entry);
  EXPECT_EQ(read(world, 10'000, 3), "old");
  const auto usage = store->engine().verify();
  ASSERT_TRUE(usage) << usage.error().text;
  store.reset();
  store = open();
  EXPECT_EQ(store->region("world", region_options(GetParam())).error().code, base::Code::schema_mismatch)
      << "the program before cannot read it";
  EXPECT_TRUE(store->region("world", next));
}

INSTANTIATE_TEST_SUITE_P(Modes, RegionTest, testing::Values(RegionMode::diff, RegionMode::in_place));

TEST_F(HotTest, AForgottenTouchIsFoundWhereThatIsAskedFor) {
  auto store = open();
  RegionOptions options;
  options.mode = RegionMode::in_place;
  options.bytes = 1000;
  Region& world = store->engine().region_at(*store->region("world", options));
  ASSERT_TRUE(world.check_touches());
  ASSERT_TRUE(world.touch(0, 64));
  world.data()[10] = std::byte{1};
  ASSERT_TRUE(world.commit());
  world.data()[999] = std::byte{1};
  EXPECT_EQ(world.commit().error().code, base::Code::conflict);
  EXPECT_FALSE(world.touch(1000, 1));
  EXPECT_FALSE(world.touch(0, UINT64_MAX));
}

}  // namespace
}  // namespace okg::hot
