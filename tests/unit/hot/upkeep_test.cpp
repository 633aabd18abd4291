// Deadlines, views, sparse slabs, memory that is given back.
#include <sys/stat.h>

#include "unit/hot/hot_fixture.hpp"

namespace okg::hot {
namespace {

constexpr std::int64_t kSecond = 1'000'000'000;

class HotUpkeepTest : public HotTest {};

TEST_F(HotUpkeepTest, ARecordIsGoneWhenItsDeadlineIsPast) {
  auto store = open();
  Table& table = **store->table("sessions", {});
  std::int64_t now = 100 * kSecond;
  store->engine().set_clock([&] { return now; });
  ASSERT_TRUE(table.put(key_of(1), "short", {false, now + kSecond}));
  ASSERT_TRUE(table.put(key_of(2), "for ever"));
  ASSERT_TRUE(table.put(key_of(1), "other"));  // keeps it
  EXPECT_EQ(get(table, 1), "other");
  now += kSecond;
  EXPECT_EQ(get(table, 1), "(missing)");
  EXPECT_EQ(get(table, 2), "for ever");
  EXPECT_EQ(table.set_deadline(key_of(1), 0).error().code, base::Code::not_found);
  EXPECT_EQ(store->engine().size().records, 2U) << "nobody has swept yet";
  now += 2 * kSecond;
  poll_to_the_end(*store);
  EXPECT_EQ(store->engine().size().records, 1U);
  // A put after the end is a new record.
  ASSERT_TRUE(table.put(key_of(1), "again"));
  now += 1000 * kSecond;
  EXPECT_EQ(get(table, 1), "again");
  ASSERT_TRUE(store->engine().verify());
}

TEST_F(HotUpkeepTest, ADeadlineCanBeMovedAndTakenAway) {
  auto store = open();
  Table& table = **store->table("sessions", {});
  std::int64_t now = 100 * kSecond;
  store->engine().set_clock([&] { return now; });
  ASSERT_TRUE(table.put(key_of(1), "session"));
  ASSERT_TRUE(table.set_deadline(key_of(1), now + kSecond));
  ASSERT_TRUE(table.set_deadline(key_of(1), now + 5 * kSecond));
  now += 2 * kSecond;
  EXPECT_EQ(get(table, 1), "session");
  ASSERT_TRUE(table.set_deadline(key_of(1), 0));
  now += 100 * kSecond;
  EXPECT_EQ(get(table, 1), "session");
  EXPECT_EQ(table.set_deadline(key_of(7), now).error().code, base::Code::not_found);
  store.reset();
  store = open();
  EXPECT_EQ(get(**store->table("sessions", {}), 1), "session");
}

TEST_F(HotUpkeepTest, AViewStaysAsItWas) {
  auto store = open();
  Table& table = **store->table("players", {});
  for (std::uint64_t key = 0; key < 20; ++key) ASSERT_TRUE(table.put(key_of(key), std::string(100, 'a')));
  ASSERT_TRUE(table.put(key_of(100), std::string(50'000, 'L')));
  Engine::View small, large;
  ASSERT_EQ(table.view(key_of(3), &small), Got::found);
  ASSERT_EQ(table.view(key_of(100), &large), Got::found);
  EXPECT_EQ(table.view(key_of(999), &small), Got::missing);
  // Everything around it changes, again and again.
  for (int round = 0; round < 20; ++round) {
    for (std::uint64_t key = 0; key < 20; ++key)
      ASSERT_TRUE(table.put(key_of(key), std::string(100, static_cast<char>('b' + round))));
    ASSERT_TRUE(table.put(key_of(100), std::string(50'000, static_cast<char>('b' + round))));
    poll_to_the_end(*store);
    (void)store->engine().reclaim();
    ASSERT_EQ(std::string_view(reinterpret_cast<const char*>(small.value), small.size),
              std::string(100, 'a'));
    ASSERT_EQ(std::string_view(reinterpret_cast<const char*>(large.value), large.size),
              std::string(50'000, 'L'));
  }
  store->engine().end_view(small);
  store->engine().end_view(large);
  ASSERT_TRUE(store->engine().verify());
  // What was held can be had again: far more puts than there is room for without.
  for (int round = 0; round < 200; ++round) ASSERT_TRUE(table.put(key_of(100), std::string(50'000, 'x')));
  ASSERT_TRUE(store->engine().verify());
}

TEST_F(HotUpkeepTest, ViewsThatOverlapForEverKeepOnlyWhatTheyNeed) {
  auto store = open();
  Table& table = **store->table("players", {});
  ASSERT_TRUE(table.put(key_of(1), std::string(50'000, 'a')));
  Engine::View held;
  ASSERT_EQ(table.view(key_of(1), &held), Got::found);
  for (int round = 0; round < 500; ++round) {
    ASSERT_TRUE(table.put(key_of(1), std::string(50'000, 'b'))) << "round " << round;
    Engine::View next;
    ASSERT_EQ(table.view(key_of(1), &next), Got::found);
    store->engine().end_view(held);
    held = next;
  }
  store->engine().end_view(held);
}

TEST_F(HotUpkeepTest, SparseSlabsAreEmptied) {
  auto chosen = options();
  chosen.segment.max_bytes = 16 << 20;
  auto store = open(chosen);
  Table& table = **store->table("players", {});
  for (std::uint64_t key = 0; key < 8000; ++key) ASSERT_TRUE(table.put(key_of(key), std::string(1000, 'x')));
  for (std::uint64_t key = 0; key < 8000; ++key) {
    if (key % 16 == 0) continue;
    ASSERT_TRUE(table.erase(key_of(key)));
  }
  const auto before = store->engine().verify();
  ASSERT_TRUE(before) << before.error().text;
  (void)store->engine().reclaim();
  poll_to_the_end(*store);
  (void)store->engine().reclaim();
  const auto after = store->engine().verify();
  ASSERT_TRUE(after) << after.error().text;
  EXPECT_LT(after->slabs * 3, before->slabs);
  for (std::uint64_t key = 0; key < 8000; key += 16)
    ASSERT_EQ(get(table, key), std::string(1000, 'x')) << key;
}

TEST_F(HotUpkeepTest, AViewStaysAsItWasWhileItsSlabIsEmptied) {
  auto chosen = options();
  chosen.segment.max_bytes = 16 << 20;
  chosen.segment.shards = 1;
  auto store = open(chosen);
  Table& table = **store->table("players", {});
  // Two slabs of 2040 slots; of the first more is left than is moved at once.
  for (std::uint64_t key = 0; key < 4000; ++key) ASSERT_TRUE(table.put(key_of(key), "12345678"));
  for (std::uint64_t key = 0; key < 4000; ++key) {
    if (key % 10 == 0) continue;
    ASSERT_TRUE(table.erase(key_of(key)));
  }
  Engine& engine = store->engine();
  Engine::Compacted compacted = Engine::Compacted::looked;
  while (compacted == Engine::Compacted::looked) compacted = *engine.compact();
  ASSERT_EQ(compacted, Engine::Compacted::moved);
  std::map<std::uint64_t, Engine::View> views;
  for (std::uint64_t key = 0; key < 4000; key += 10)
    ASSERT_EQ(table.view(key_of(key), &views[key]), Got::found);
  for (int i = 0; i < 1000; ++i) (void)*engine.compact();
  for (std::uint64_t key = 10'000; key < 18'000; ++key) ASSERT_TRUE(table.put(key_of(key), "another!"));
  for (const auto& [key, view] : views) {
    ASSERT_EQ(std::string_view(reinterpret_cast<const char*>(view.value), view.size), "12345678") << key;
    engine.end_view(view);
  }
  poll_to_the_end(*store);
  const auto usage = engine.verify();
  ASSERT_TRUE(usage) << usage.error().text;
}

TEST_F(HotUpkeepTest, WhereMemoryCannotBeGivenBackItStays) {
  auto chosen = options();
  chosen.segment.max_bytes = 16 << 20;
  chosen.segment.first_bytes = 1 << 20;
  auto store = open(chosen);
  Table& table = **store->table("players", {});
  for (std::uint64_t key = 0; key < 50; ++key) ASSERT_TRUE(table.put(key_of(key), std::string(100'000, 'x')));
  for (std::uint64_t key = 0; key < 50; ++key) ASSERT_TRUE(table.erase(key_of(key)));
  os.fail_every(okg::test::Call::punch_hole, EOPNOTSUPP);
  poll_to_the_end(*store);
  EXPECT_EQ(ordered::load(&store->engine().image().state().given_back.word), 0U);
  const auto usage = store->engine().verify();
  ASSERT_TRUE(usage) << usage.error().text;
  for (std::uint64_t key = 0; key < 50; ++key) ASSERT_TRUE(table.put(key_of(key), std::string(100'000, 'y')));
}

TEST_F(HotUpkeepTest, MemoryIsGivenBackWhereItWasNotAskedForAtOnce) {
  auto chosen = options();
  chosen.segment.max_bytes = 64 << 20;
  chosen.segment.first_bytes = 1 << 20;
  auto store = open(chosen);
  Table& table = **store->table("players", {});
  const auto memory = [&] {
    struct stat info{};
    EXPECT_EQ(::stat(file().c_str(), &info), 0);
    return static_cast<std::uint64_t>(info.st_blocks) * 512;
  };
  for (std::uint64_t key = 0; key < 500; ++key) ASSERT_TRUE(table.put(key_of(key), std::string(60'000, 'x')));
  const std::uint64_t full = memory();
  for (std::uint64_t key = 0; key < 490; ++key) ASSERT_TRUE(table.erase(key_of(key)));
  poll_to_the_end(*store);
  EXPECT_LT(memory() + (20 << 20), full);
  ASSERT_TRUE(store->engine().verify());
  store.reset();
  store = open(chosen);
  EXPECT_LT(memory() + (20 << 20), full) << "an open has it all allocated again";
  Table& again = **store->table("players", {});
  for (std::uint64_t key = 0; key < 500; ++key) ASSERT_TRUE(again.put(key_of(key), std::string(60'000, 'y')));
  for (std::uint64_t key = 0; key < 500; ++key) ASSERT_EQ(get(again, key), std::string(60'000, 'y'));
  ASSERT_TRUE(store->engine().verify());
}

}  // namespace
}  // namespace okg::hot
