// SIGKILL at any moment of a process with several writers, on a real file: what was acknowledged is there,
// and of what was not, nothing by half.
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <cstring>
#include <map>
#include <random>
#include <thread>

#include "hot/store.hpp"
#include "support/temporary_directory.hpp"

namespace okg::hot::test {
namespace {

constexpr int kThreads = 2;
constexpr std::uint64_t kKeys = 300;  // of each thread

// The n-th thing a thread does: a function of its number alone, so that both sides know it.
struct Act {
  std::uint64_t key;
  bool erases;
  std::string value;
};

Act act(int thread, std::uint64_t n) {
  std::mt19937_64 random(n * kThreads + static_cast<std::uint64_t>(thread));
  Act act{random() % kKeys * kThreads + static_cast<std::uint64_t>(thread), random() % 4 == 0, {}};
  static constexpr std::uint64_t kSizes[] = {8, 64, 64, 200, 200, 1000, 4000, 40'000};
  act.value.resize(random() % kSizes[random() % 8]);
  for (std::size_t i = 0; i < act.value.size(); i += 8) {
    const std::uint64_t word = random();
    std::memcpy(act.value.data() + i, &word, std::min<std::size_t>(8, act.value.size() - i));
  }
  return act;
}

using State = std::map<std::uint64_t, std::string>;

void carry_out(const Act& act, State* state) {
  if (act.erases)
    state->erase(act.key);
  else
    (*state)[act.key] = act.value;
}

// How many acts each thread has been told are done. Outlives the writer.
struct Acknowledged {
  std::atomic<std::uint64_t> done[kThreads];
  char failure[200];
};

void fail(Acknowledged* acknowledged, const base::Error& error) {
  std::strncpy(acknowledged->failure, error.text.c_str(), sizeof acknowledged->failure - 1);
}

StoreOptions options(const std::string& directory) {
  StoreOptions options;
  options.segment.directory = directory + "/hot";
  options.segment.first_bytes = 1 << 20;
  options.segment.cgroup_root = directory;
  options.segment.name = "world";
  options.segment.max_bytes = 96 << 20;
  options.segment.shards = 2;
  options.segment.log_words = 512;
  options.crash_loop_opens = UINT64_MAX;
  return options;
}

// In a process of its own, until it is killed.
[[noreturn]] void write_for_ever(const std::string& directory, Acknowledged* acknowledged) {
  auto store = Store::open(base::Os::real(), options(directory));
  if (!store) {
    fail(acknowledged, store.error());
    ::_exit(1);
  }
  const auto table = (*store)->table("acts", {});
  if (!table) ::_exit(2);
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t)
    threads.emplace_back([&, t] {
      for (std::uint64_t n = acknowledged->done[t];; ++n) {
        const Act next = act(t, n);
        const auto done = next.erases ? (*table)->erase(key_of(next.key))
                                      : (*table)->put(key_of(next.key), next.value);
        if (!done && done.error().code != base::Code::not_found) {
          fail(acknowledged, done.error());
          return;
        }
        acknowledged->done[t].store(n + 1);
      }
    });
  for (auto& thread : threads) thread.join();
  ::_exit(3);
}

TEST(HotKills, NothingAcknowledgedIsLost) {
  const bool is_long = std::getenv("OKG_LONG") != nullptr;
  okg::test::TemporaryDirectory directory("/dev/shm");
  auto* const acknowledged = static_cast<Acknowledged*>(
      ::mmap(nullptr, sizeof(Acknowledged), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
  ASSERT_NE(acknowledged, MAP_FAILED);
  State states[kThreads];
  std::uint64_t applied[kThreads] = {};
  std::mt19937_64 random(7);
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  std::uint64_t kills = 0, in_flight = 0;
  for (; is_long ? kills < 100'000 : std::chrono::steady_clock::now() < deadline; ++kills) {
    const pid_t child = ::fork();
    ASSERT_GE(child, 0);
    if (child == 0) write_for_ever(directory.path(), acknowledged);
    const std::uint64_t begun = acknowledged->done[0];
    // It has to have opened the segment most of the time; killing it while it opens is wanted too.
    const auto patience =
        std::chrono::steady_clock::now() + std::chrono::milliseconds(random() % 8 == 0 ? 0 : 200);
    while (acknowledged->done[0] == begun && std::chrono::steady_clock::now() < patience)
      std::this_thread::yield();
    std::this_thread::sleep_for(std::chrono::microseconds(random() % 300));
    ::kill(child, SIGKILL);
    int status = 0;
    ::waitpid(child, &status, 0);
    ASSERT_STREQ(acknowledged->failure, "");
    ASSERT_TRUE(WIFSIGNALED(status));

    // Most of the time it is the next writer that recovers, and may be killed while it does; what was in
    // flight it does once more.
    if (kills % 4 != 0) continue;
    auto store = Store::open(base::Os::real(), options(directory.path()));
    ASSERT_TRUE(store) << store.error().text;
    const auto usage = (*store)->engine().verify();
    ASSERT_TRUE(usage) << "after kill " << kills << ": " << usage.error().text;
    const auto table = (*store)->table("acts", {});
    ASSERT_TRUE(table);
    State found[kThreads];
    ASSERT_TRUE((*table)->for_each([&](std::string_view key, std::string_view value) {
      std::uint64_t number = 0;
      std::memcpy(&number, key.data(), sizeof number);
      found[number % kThreads][number] = value;
      return true;
    }));
    for (int t = 0; t < kThreads; ++t) {
      const std::uint64_t done = acknowledged->done[t];
      for (; applied[t] < done; ++applied[t]) carry_out(act(t, applied[t]), &states[t]);
      if (found[t] == states[t]) continue;
      // One more may have happened without anybody having been told.
      carry_out(act(t, applied[t]++), &states[t]);
      ASSERT_TRUE(found[t] == states[t])
          << "thread " << t << " after kill " << kills << ": neither what was acknowledged nor "
          << "one more";
      acknowledged->done[t].store(applied[t]);
      ++in_flight;
    }
    if (kills % 200 != 0) continue;
    // From the beginning, so that making and growing the file are killed too.
    store->reset();
    okg::test::TemporaryDirectory::remove(directory.path() + "/hot");
    for (State& state : states) state.clear();
  }
  EXPECT_GT(kills, 100U);
  EXPECT_GT(in_flight, 0U) << "no kill hit an operation";
  RecordProperty("kills", std::to_string(kills));
  std::printf("%llu kills, %llu acts in flight had happened, %llu acknowledged\n",
              static_cast<unsigned long long>(kills), static_cast<unsigned long long>(in_flight),
              static_cast<unsigned long long>(applied[0] + applied[1]));
  ::munmap(acknowledged, sizeof(Acknowledged));
}

}  // namespace
}  // namespace okg::hot::test
