// Several threads at once: readers never see a record in part, or miss one that is there all the while.
#include <atomic>
#include <random>
#include <thread>

#include "unit/hot/hot_fixture.hpp"

namespace okg::hot {
namespace {

constexpr std::uint64_t kKeys = 400;

// All bytes of a value are the same.
bool is_whole(std::string_view value) {
  return value.find_first_not_of(value.empty() ? '\0' : value.front()) == std::string_view::npos;
}

TEST_F(HotTest, ReadersSeeWholeRecordsWhileWritersWork) {
  auto chosen = options();
  chosen.segment.max_bytes = 256 << 20;
  chosen.segment.first_bytes = 4 << 20;
  auto store = open(chosen);
  const auto table = store->table("players", {});
  ASSERT_TRUE(table);
  // Even keys stay; odd ones come and go.
  for (std::uint64_t key = 0; key < kKeys; ++key)
    ASSERT_TRUE((*table)->put(key_of(key), std::string(64, 'a')));
  std::atomic<bool> stop{false};
  std::atomic<std::uint64_t> reads{0}, wrong{0}, missed{0};
  std::mutex mutex;
  std::string trouble;
  const auto note = [&](const base::Status& done) {
    const std::lock_guard lock(mutex);
    if (!done && trouble.empty()) trouble = done.error().text;
  };
  std::vector<std::thread> threads;
  for (unsigned reader = 0; reader < 2; ++reader)
    threads.emplace_back([&, reader] {
      std::mt19937_64 random(reader);
      std::string value(64 * 1024, '\0');
      while (!stop) {
        const std::uint64_t key = random() % kKeys;
        std::size_t size = 0;
        switch ((*table)->get(key_of(key), value.data(), value.size(), &size)) {
          case Got::found:
            if (!is_whole(std::string_view(value).substr(0, size))) ++wrong;
            break;
          case Got::missing:
            if (key % 2 == 0) ++missed;
            break;
          default:
            ++wrong;
        }
        if (++reads % 512 == 0) {
          const auto visited = (*table)->for_each([&](std::string_view, std::string_view one) {
            if (!is_whole(one)) ++wrong;
            return !stop;
          });
          note(visited);
        }
      }
    });
  for (unsigned writer = 0; writer < 2; ++writer)
    threads.emplace_back([&, writer] {
      std::mt19937_64 random(100 + writer);
      // Keys that are put once and again, and new ones, so that leaves split under the readers.
      for (std::uint64_t i = 0; i < 20'000; ++i) {
        const std::uint64_t key = random() % kKeys;
        if (key % 2 == 1 && random() % 2 == 0) {
          (void)(*table)->erase(key_of(key));
        } else {
          const std::size_t size = random() % (i % 50 == 0 ? 60'000 : 2000);
          note((*table)->put(key_of(key), std::string(size, static_cast<char>(random()))));
        }
        if (i % 4 == 0) note((*table)->put(key_of(1'000'000 + i * 2 + writer), "nnn"));
      }
    });
  for (std::size_t i = 2; i < threads.size(); ++i) threads[i].join();
  stop = true;
  for (std::size_t i = 0; i < 2; ++i) threads[i].join();
  EXPECT_EQ(trouble, "");
  EXPECT_EQ(wrong, 0U);
  EXPECT_EQ(missed, 0U);
  EXPECT_GT(reads, 100U);
  const auto usage = store->engine().verify();
  EXPECT_TRUE(usage) << usage.error().text;
}

}  // namespace
}  // namespace okg::hot
