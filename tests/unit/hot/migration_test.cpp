// Versions: a new program reads old records, an old one leaves new ones alone, and a roll-back finds what it
// knows.
#include "unit/hot/hot_fixture.hpp"

namespace okg::hot {
namespace {

// A value of version n is n letters; each migration adds one.
class MigrationTest : public HotTest {
 protected:
  static TableSchema schema(std::uint64_t version, std::uint64_t oldest, bool writes_older = false) {
    TableSchema made;
    made.options.schema_version = version;
    made.options.fingerprint = version * 100;
    made.options.writes_older = writes_older;
    for (std::uint64_t from = oldest; from < version; ++from)
      made.migrations.push_back(
          {from, [](std::string_view old) -> base::Result<std::string> { return std::string(old) + "+"; },
           [](std::string_view old) -> base::Result<std::string> {
             return std::string(old.substr(0, old.size() - 1));
           }});
    return made;
  }
  Table& table(Store& store, TableSchema chosen) {
    const auto opened = store.table("players", std::move(chosen));
    EXPECT_TRUE(opened) << opened.error().text;
    return **opened;
  }
  // Versions of records, as they lie there.
  static std::map<std::uint16_t, int> versions(const Store& store, std::size_t entry) {
    std::map<std::uint16_t, int> found;
    EXPECT_TRUE(store.engine().for_each(entry, [&](auto, auto, const Engine::Value& value) {
      ++found[value.schema];
      return true;
    }));
    return found;
  }
};

TEST_F(MigrationTest, OldRecordsAreReadAndRewrittenByAndBy) {
  {
    auto store = open();
    Table& old = table(*store, schema(1, 1));
    for (std::uint64_t key = 0; key < 300; ++key) ASSERT_TRUE(old.put(key_of(key), "v"));
  }
  auto store = open();
  EXPECT_EQ(store->table("players", schema(3, 2)).error().code, base::Code::schema_mismatch) << "a gap";
  EXPECT_EQ(store->table("players", schema(3, 3)).error().code, base::Code::schema_mismatch)
      << "no migration";
  Table& players = table(*store, schema(3, 1));
  EXPECT_EQ(get(players, 7), "v++");
  int seen = 0;
  ASSERT_TRUE(players.for_each([&](std::string_view, std::string_view value) {
    seen += value == "v++";
    return true;
  }));
  EXPECT_EQ(seen, 300);
  char small[2];
  std::size_t size = 0;
  EXPECT_EQ(players.get(key_of(7), small, sizeof small, &size), Got::too_small);
  EXPECT_EQ(size, 3U);
  poll_to_the_end(*store);
  EXPECT_EQ(versions(*store, players.entry()), (std::map<std::uint16_t, int>{{3, 300}}));
  EXPECT_EQ(get(players, 7), "v++");
  ASSERT_TRUE(store->engine().verify());
}

TEST_F(MigrationTest, ARollBackFindsItsRecordsUntilTheNewVersionIsFinal) {
  {
    ASSERT_TRUE(table(*open(), schema(1, 1)).put(key_of(1), "a"));
  }
  {
    auto store = open();
    Table& next = table(*store, schema(2, 1, true));
    EXPECT_EQ(get(next, 1), "a+");
    ASSERT_TRUE(next.put(key_of(2), "b+"));
    poll_to_the_end(*store);
    EXPECT_EQ(get(next, 2), "b+");
  }
  {
    auto store = open();
    Table& old = table(*store, schema(1, 1));
    EXPECT_EQ(get(old, 1), "a");
    EXPECT_EQ(get(old, 2), "b");
    ASSERT_TRUE(old.put(key_of(3), "c"));
  }
  {
    auto store = open();
    Table& next = table(*store, schema(2, 1, true));
    ASSERT_TRUE(next.finalize());
    ASSERT_TRUE(next.put(key_of(4), "d+"));
    poll_to_the_end(*store);
    EXPECT_EQ(versions(*store, next.entry()), (std::map<std::uint16_t, int>{{2, 4}}));
  }
  // Too late: it is told so, and nothing of the new is touched.
  auto store = open();
  Table& old = table(*store, schema(1, 1));
  EXPECT_EQ(get(old, 1), "(damaged)") << "not missing";
  std::size_t size = 0;
  char buffer[10];
  EXPECT_EQ(old.get(key_of(1), buffer, sizeof buffer, &size), Got::mismatch);
  EXPECT_EQ(old.put(key_of(1), "x").error().code, base::Code::schema_mismatch);
  EXPECT_EQ(old.erase(key_of(1)).error().code, base::Code::schema_mismatch);
  EXPECT_EQ(old.set_deadline(key_of(1), 1).error().code, base::Code::schema_mismatch);
  ASSERT_TRUE(old.put(key_of(9), "n"));
  store.reset();
  store = open();
  Table& next = table(*store, schema(2, 1));
  EXPECT_EQ(get(next, 1) + get(next, 9), "a+n+");
}

TEST_F(MigrationTest, WhatCannotBeConvertedStaysAsItIs) {
  {
    ASSERT_TRUE(table(*open(), schema(1, 1)).put(key_of(1), "poison"));
  }
  auto store = open();
  auto refusing = schema(2, 1);
  refusing.migrations[0].up = [](std::string_view) -> base::Result<std::string> {
    return base::Error(base::Code::rejected, "no");
  };
  Table& next = table(*store, std::move(refusing));
  std::size_t size = 0;
  char buffer[10];
  EXPECT_EQ(next.get(key_of(1), buffer, sizeof buffer, &size), Got::mismatch);
  poll_to_the_end(*store);
  EXPECT_EQ(versions(*store, next.entry()), (std::map<std::uint16_t, int>{{1, 1}}));
}

TEST_F(MigrationTest, OneVersionHasOneLayout) {
  auto store = open();
  (void)table(*store, schema(1, 1));
  auto other = schema(1, 1);
  other.options.fingerprint = 7;
  EXPECT_EQ(store->table("players", other).error().code, base::Code::schema_mismatch);
  auto one_way = schema(2, 1, true);
  one_way.migrations[0].down = {};
  EXPECT_EQ(store->table("players", one_way).error().code, base::Code::invalid_argument);
  auto gap = schema(4, 1);
  gap.migrations.erase(gap.migrations.begin() + 1);
  EXPECT_EQ(store->table("players", gap).error().code, base::Code::invalid_argument);
  EXPECT_EQ(store->table("players", schema(70'000, 70'000)).error().code, base::Code::invalid_argument);
}

}  // namespace
}  // namespace okg::hot
