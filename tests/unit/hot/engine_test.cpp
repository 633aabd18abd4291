// Tables: what goes in comes out.
#include <random>

#include "unit/hot/hot_fixture.hpp"

namespace okg::hot {
namespace {

TEST_F(HotTest, WhatIsPutIsThereUntilItIsErased) {
  auto store = open();
  const auto table = store->table("players", {});
  ASSERT_TRUE(table);
  EXPECT_EQ(get(**table, 1), "(missing)");
  ASSERT_TRUE((*table)->put(key_of(1), "one"));
  ASSERT_TRUE((*table)->put(key_of(2), ""));
  EXPECT_EQ(get(**table, 1), "one");
  EXPECT_EQ(get(**table, 2), "");
  ASSERT_TRUE((*table)->put(key_of(1), "a longer one"));
  EXPECT_EQ(get(**table, 1), "a longer one");
  EXPECT_EQ(store->engine().size().records, 2U);
  EXPECT_EQ(store->engine().size().bytes, 8U + 12 + 8);
  ASSERT_TRUE((*table)->erase(key_of(1)));
  EXPECT_EQ(get(**table, 1), "(missing)");
  EXPECT_EQ((*table)->erase(key_of(1)).error().code, base::Code::not_found);
  EXPECT_EQ(store->engine().size().records, 1U);
}

TEST_F(HotTest, TablesDoNotSeeEachOther) {
  auto store = open();
  TableOptions names;
  names.key_kind = KeyKind::bytes;
  const auto numbers = store->table("numbers", {}), words = store->table("words", {names, {}});
  ASSERT_TRUE(numbers && words);
  ASSERT_NE(*numbers, *words);
  const std::uint64_t key = 0x6162636465666768;  // the same bytes as a key of the other
  ASSERT_TRUE((*numbers)->put(key_of(key), "number"));
  EXPECT_EQ(get(**words, key), "(missing)");
  ASSERT_TRUE((*words)->put(key_of(key), "word"));
  EXPECT_EQ(get(**numbers, key), "number");
  EXPECT_EQ(*store->table("words", {names, {}}), *words);
  EXPECT_EQ(store->engine().size().tables, 2U);
}

TEST_F(HotTest, KeysAndValuesHaveTheirLimits) {
  auto store = open();
  TableOptions names;
  names.key_kind = KeyKind::bytes;
  const auto numbers = store->table("numbers", {}), words = store->table("words", {names, {}});
  EXPECT_EQ((*numbers)->put("short", "x").error().code, base::Code::invalid_argument);
  EXPECT_EQ((*words)->put("", "x").error().code, base::Code::invalid_argument);
  EXPECT_EQ((*words)->put(std::string(65, 'k'), "x").error().code, base::Code::invalid_argument);
  EXPECT_TRUE((*words)->put(std::string(64, 'k'), "x"));
  const std::string huge(kMostValueBytes + 1, 'v');
  EXPECT_EQ((*numbers)->put(key_of(1), huge).error().code, base::Code::invalid_argument);
  for (const char* name : {"", "\xff"}) EXPECT_FALSE(store->table(name, {})) << name;
  EXPECT_FALSE(store->table(std::string(64, 'n'), {}));
}

TEST_F(HotTest, AnotherSchemaIsNotTakenForOurs) {
  auto store = open();
  ASSERT_TRUE(store->table("players", {KeyKind::u64, 1, 77}));
  EXPECT_TRUE(store->table("players", {KeyKind::u64, 1, 77}));
  EXPECT_EQ(store->table("players", {KeyKind::u64, 2, 77}).error().code, base::Code::schema_mismatch);
  EXPECT_EQ(store->table("players", {KeyKind::u64, 1, 78}).error().code, base::Code::schema_mismatch);
  EXPECT_EQ(store->table("players", {KeyKind::bytes, 1, 77}).error().code, base::Code::schema_mismatch);
}

TEST_F(HotTest, ThereAreSixtyFourTables) {
  auto store = open();
  for (std::size_t i = 0; i < kMostTables; ++i) ASSERT_TRUE(store->table("t" + std::to_string(i), {}));
  EXPECT_EQ(store->table("one more", {}).error().code, base::Code::no_space);
}

TEST_F(HotTest, ManyRecordsOfManySizesComeBackWhole) {
  auto chosen = options();
  chosen.segment.max_bytes = 256 << 20;
  auto store = open(chosen);
  const auto table = store->table("players", {});
  std::mt19937_64 random(3);
  std::map<std::uint64_t, std::string> model;
  for (int i = 0; i < 30'000; ++i) {
    const std::uint64_t key = random() % 10'000;
    if (random() % 4 == 0) {
      EXPECT_EQ((*table)->erase(key_of(key)).has_value(), model.erase(key) == 1);
      continue;
    }
    std::string value(random() % 100 == 0 ? random() % 100'000 : random() % 600, static_cast<char>(random()));
    ASSERT_TRUE((*table)->put(key_of(key), value));
    model[key] = std::move(value);
  }
  EXPECT_EQ(store->engine().size().records, model.size());
  for (const auto& [key, value] : model) ASSERT_EQ(get(**table, key), value);
  std::map<std::uint64_t, std::string> found;
  ASSERT_TRUE((*table)->for_each([&](std::string_view key, std::string_view value) {
    std::uint64_t number = 0;
    std::memcpy(&number, key.data(), sizeof number);
    EXPECT_TRUE(found.emplace(number, value).second);
    return true;
  }));
  EXPECT_TRUE(found == model);
  const auto usage = store->engine().verify();
  ASSERT_TRUE(usage) << usage.error().text;
  EXPECT_EQ(usage->records, model.size());
  // And in the next process.
  store.reset();
  store = open(chosen);
  EXPECT_EQ(store->report().size.records, model.size());
  const auto again = store->table("players", {});
  for (const auto& [key, value] : model) ASSERT_EQ(get(**again, key), value);
}

TEST_F(HotTest, TooSmallABufferIsLeftAlone) {
  auto store = open();
  const auto table = store->table("players", {});
  ASSERT_TRUE((*table)->put(key_of(1), "12345678"));
  char buffer[8] = "xxxxxxx";
  std::size_t size = 0;
  EXPECT_EQ((*table)->get(key_of(1), buffer, 7, &size), Got::too_small);
  EXPECT_EQ(size, 8U);
  EXPECT_STREQ(buffer, "xxxxxxx");
}

TEST_F(HotTest, FullIsAnErrorThatChangesNothing) {
  auto chosen = options();
  chosen.segment.max_bytes = 1 << 20;
  auto store = open(chosen);
  const auto table = store->table("players", {});
  std::uint64_t records = 0;
  base::Status done;
  while ((done = (*table)->put(key_of(records), std::string(1000, 'x')))) ++records;
  EXPECT_EQ(done.error().code, base::Code::no_space);
  EXPECT_GT(records, 300U);
  EXPECT_EQ(store->engine().size().records, records);
  EXPECT_EQ(get(**table, records), "(missing)");
  ASSERT_TRUE(store->engine().verify());
  // What is erased makes room.
  for (std::uint64_t key = 0; key < records; ++key) ASSERT_TRUE((*table)->erase(key_of(key)));
  for (std::uint64_t key = 0; key < records; ++key)
    ASSERT_TRUE((*table)->put(key_of(key), std::string(1000, 'y')));
  ASSERT_TRUE(store->engine().verify());
}

// Large records have pages of their own: those are found again, too.
TEST_F(HotTest, PagesThatAnOldProcessLeftAreFoundAgain) {
  auto chosen = options();
  chosen.segment.max_bytes = 2 << 20;
  std::uint64_t records = 0;
  {
    auto store = open(chosen);
    const auto table = store->table("players", {});
    while ((*table)->put(key_of(records), std::string(40'000, 'x'))) ++records;
    for (std::uint64_t key = 0; key < records; key += 2) ASSERT_TRUE((*table)->erase(key_of(key)));
  }
  auto store = open(chosen);
  const auto table = store->table("players", {});
  for (std::uint64_t key = 0; key < records; key += 2)
    ASSERT_TRUE((*table)->put(key_of(key), std::string(40'000, 'y'))) << key << " of " << records;
  ASSERT_TRUE(store->engine().verify());
}

TEST_F(HotTest, ADamagedRecordEndsAVisit) {
  {
    auto store = open();
    const auto table = store->table("players", {});
    ASSERT_TRUE((*table)->put(key_of(1), "a value that can be found in the file"));
  }
  damage("a value that can be found", 'A');
  auto store = open();
  const auto table = store->table("players", {});
  EXPECT_EQ(get(**table, 1), "(damaged)");
  const auto visited = (*table)->for_each([](std::string_view, std::string_view) { return true; });
  EXPECT_EQ(visited.error().code, base::Code::corrupt);
  EXPECT_FALSE(store->engine().verify());
}

// Slabs of one size that are empty again serve another one.
TEST_F(HotTest, RoomIsNotBoundToASizeForEver) {
  auto chosen = options();
  chosen.segment.max_bytes = 2 << 20;
  auto store = open(chosen);
  const auto table = store->table("players", {});
  for (const std::size_t size : {1000UL, 100UL, 3000UL, 40'000UL, 20UL, 500UL}) {
    std::uint64_t records = 0;
    while ((*table)->put(key_of(records), std::string(size, 'x'))) ++records;
    EXPECT_GT(records * std::max<std::size_t>(size, 48), 1'000'000U) << records << " of " << size;
    const auto usage = store->engine().verify();
    ASSERT_TRUE(usage) << usage.error().text;
    for (std::uint64_t key = 0; key < records; ++key) ASSERT_TRUE((*table)->erase(key_of(key)));
  }
}

TEST_F(HotTest, RoomThatAnOldProcessLeftIsFoundAgain) {
  auto chosen = options();
  chosen.segment.max_bytes = 2 << 20;
  std::uint64_t records = 0;
  {
    auto store = open(chosen);
    const auto table = store->table("players", {});
    while ((*table)->put(key_of(records), std::string(1000, 'x'))) ++records;
    for (std::uint64_t key = 0; key < records; key += 2) ASSERT_TRUE((*table)->erase(key_of(key)));
  }
  auto store = open(chosen);
  const auto table = store->table("players", {});
  for (std::uint64_t key = 0; key < records; key += 2)
    ASSERT_TRUE((*table)->put(key_of(key), std::string(1000, 'y'))) << key << " of " << records;
  ASSERT_TRUE(store->engine().verify());
}

}  // namespace
}  // namespace okg::hot
