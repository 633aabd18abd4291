// Transactions: all or nothing, for readers too.
#include <atomic>
#include <thread>

#include "unit/hot/hot_fixture.hpp"

namespace okg::hot {
namespace {

Change put(const Table& table, const std::uint64_t& key, std::string_view value) {
  return {Change::Kind::put, table.entry(), key_of(key), value};
}

TEST_F(HotTest, AllOfATransactionHappensOrNothing) {
  auto store = open();
  Table& table = **store->table("players", {});
  const std::size_t outbox = *store->journal("outbox", {});
  const std::uint64_t a = 1, b = 2, c = 3;
  const std::array<Change, 3> good = {put(table, a, "gold"), put(table, b, "sword"),
                                      Change{Change::Kind::append, outbox, {}, "traded"}};
  ASSERT_TRUE(store->engine().commit(good));
  EXPECT_EQ(get(table, 1) + get(table, 2), "goldsword");
  // The last part fails.
  const std::array<Change, 4> bad = {put(table, a, "nothing"), put(table, c, "new"),
                                     Change{Change::Kind::append, outbox, {}, "never"},
                                     Change{Change::Kind::erase, table.entry(), "12345678"}};
  EXPECT_EQ(store->engine().commit(bad).error().code, base::Code::not_found);
  EXPECT_EQ(get(table, 1), "gold");
  EXPECT_EQ(get(table, 3), "(missing)");
  EXPECT_EQ(store->engine().journal_at(outbox).lag(), padded(16 + 6, 16));
  ASSERT_TRUE(store->engine().verify());
}

// A value that lies in the log takes nearly all of it: it has to be written anew, so that the rest finds
// room.
TEST_F(HotTest, ALargeRecordLeavesTheLogItsRoom) {
  auto store = open();  // logs of 512 words
  Table& table = **store->table("players", {});
  const std::uint64_t a = 1;
  for (std::size_t bytes = 3900; bytes <= 4080; bytes += 4) {
    ASSERT_TRUE(table.put(key_of(a), std::string(bytes, 'a')));
    const std::uint64_t other = bytes;
    const std::string large(bytes, 'b');
    const std::array<Change, 2> both = {put(table, a, large), put(table, other, "new")};
    const auto done = store->engine().commit(both);
    ASSERT_TRUE(done) << bytes << ": " << done.error().text;
    EXPECT_TRUE(get(table, a) == large) << bytes;
  }
}

TEST_F(HotTest, ATransactionMeetsWhatItExpects) {
  auto store = open();
  Table& table = **store->table("players", {});
  const std::uint64_t a = 1;
  ASSERT_TRUE(table.put(key_of(a), "one"));
  const auto change_from = [&](std::string_view expected) {
    const std::array<Change, 2> changes = {Change{Change::Kind::expect, table.entry(), key_of(a), expected},
                                           put(table, a, "two")};
    return store->engine().commit(changes);
  };
  EXPECT_EQ(change_from("other").error().code, base::Code::conflict);
  EXPECT_EQ(get(table, 1), "one");
  EXPECT_TRUE(change_from("one"));
  EXPECT_EQ(get(table, 1), "two");
  const std::array<Change, 2> missing = {Change{Change::Kind::expect_missing, table.entry(), key_of(a)},
                                         put(table, a, "three")};
  EXPECT_EQ(store->engine().commit(missing).error().code, base::Code::conflict);
}

TEST_F(HotTest, ATransactionChangesARecordOnce) {
  auto store = open();
  Table& table = **store->table("players", {});
  const std::uint64_t a = 1;
  const std::array<Change, 2> twice = {put(table, a, "one"), put(table, a, "two")};
  EXPECT_EQ(store->engine().commit(twice).error().code, base::Code::invalid_argument);
  EXPECT_TRUE(store->engine().commit(std::span<const Change>()));
}

TEST_F(HotTest, TooLargeATransactionChangesNothing) {
  auto store = open();
  Table& table = **store->table("players", {});
  std::vector<std::uint64_t> keys(3000);
  std::vector<Change> changes;
  for (std::size_t i = 0; i < keys.size(); ++i) {
    keys[i] = i;
    changes.push_back(put(table, keys[i], "value"));
  }
  EXPECT_EQ(store->engine().commit(changes).error().code, base::Code::no_space);
  EXPECT_EQ(store->engine().size().records, 0U);
  changes.resize(40);
  EXPECT_TRUE(store->engine().commit(changes));
  EXPECT_EQ(store->engine().size().records, 40U);
  ASSERT_TRUE(store->engine().verify());
}

// Money goes from account to account, by two traders who get into each other's way: the sum stays.
TEST_F(HotTest, WhoeverTradesLosesAndMakesNothing) {
  auto chosen = options();
  chosen.segment.max_bytes = 16 << 20;
  auto store = open(chosen);
  Table& table = **store->table("accounts", {});
  constexpr std::uint64_t kAccounts = 20;
  const auto text = [](std::uint64_t amount) {
    return std::string(reinterpret_cast<const char*>(&amount), 8);
  };
  const auto amount = [&](std::uint64_t account) {
    std::uint64_t value = 0;
    std::size_t size = 0;
    EXPECT_EQ(table.get(key_of(account), &value, 8, &size), Got::found);
    return value;
  };
  for (std::uint64_t i = 0; i < kAccounts; ++i) ASSERT_TRUE(table.put(key_of(i), text(1000)));
  std::atomic<std::uint64_t> trades{0}, conflicts{0};
  std::string trouble;
  std::mutex mutex;
  std::vector<std::thread> threads;
  for (unsigned trader = 0; trader < 2; ++trader)
    threads.emplace_back([&, trader] {
      for (std::uint64_t i = 0; i < 4000; ++i) {
        const std::uint64_t from = (i * 7 + trader) % kAccounts, to = (i * 11 + trader * 3 + 1) % kAccounts;
        if (from == to) continue;
        const std::string a = text(amount(from)), b = text(amount(to));
        std::uint64_t x = 0, y = 0;
        std::memcpy(&x, a.data(), 8);
        std::memcpy(&y, b.data(), 8);
        if (x == 0) continue;
        const std::string less = text(x - 1), more = text(y + 1);
        const std::array<Change, 4> trade = {Change{Change::Kind::expect, table.entry(), key_of(from), a},
                                             Change{Change::Kind::expect, table.entry(), key_of(to), b},
                                             put(table, from, less), put(table, to, more)};
        const auto done = store->engine().commit(trade);
        if (done)
          ++trades;
        else if (done.error().code == base::Code::conflict)
          ++conflicts;
        else {
          const std::lock_guard lock(mutex);
          trouble = done.error().text;
        }
      }
    });
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(trouble, "");
  EXPECT_GT(trades, 100U);
  std::uint64_t sum = 0;
  for (std::uint64_t i = 0; i < kAccounts; ++i) sum += amount(i);
  EXPECT_EQ(sum, kAccounts * 1000) << conflicts << " conflicts";
}

// Two records are always written together: who has seen the new one of them does not see the old other one,
// whichever he looks at first.
TEST_F(HotTest, WhoHasSeenOneChangeSeesTheOther) {
  auto store = open();
  Table& table = **store->table("pairs", {});
  std::atomic<bool> stop{false};
  std::atomic<std::uint64_t> torn{0}, looks{0};
  const auto write = [&](std::uint64_t n) {
    const std::string value(reinterpret_cast<const char*>(&n), 8);
    const std::uint64_t a = 1, b = 2;
    const std::array<Change, 2> both = {put(table, a, value), put(table, b, value)};
    ASSERT_TRUE(store->engine().commit(both));
  };
  write(0);
  const auto reader = [&](std::uint64_t first, std::uint64_t second) {
    while (!stop) {
      std::uint64_t x = 0, y = 0;
      std::size_t size = 0;
      (void)table.get(key_of(first), &x, 8, &size);
      (void)table.get(key_of(second), &y, 8, &size);
      if (y < x) ++torn;
      ++looks;
    }
  };
  std::thread one(reader, 1, 2), two(reader, 2, 1);
  for (std::uint64_t n = 1; n < 20'000; ++n) write(n);
  stop = true;
  one.join();
  two.join();
  EXPECT_EQ(torn, 0U);
  EXPECT_GT(looks, 0U);
}

}  // namespace
}  // namespace okg::hot
