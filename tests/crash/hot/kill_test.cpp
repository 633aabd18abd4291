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

constexpr std::uint64_t kRing = 16 * 1024;

// Which put of which thread: what is written together with it.
struct Note {
  std::uint64_t thread, number;
};
std::string_view bytes_of(const Note& note) {
  return {reinterpret_cast<const char*>(&note), sizeof note};
}

// What a program has open.
struct Opened {
  Engine& engine;
  Table& acts;
  Table& counts;
  std::size_t outbox;
};
std::optional<Opened> open_all(Store& store) {
  const auto acts = store.table("acts", {}), counts = store.table("counts", {});
  const auto outbox = store.journal("outbox", {kRing, 1, 0});
  if (!acts || !counts || !outbox) return std::nullopt;
  return Opened{store.engine(), **acts, **counts, *outbox};
}

// An erase alone; a put with a count and a message, all or nothing.
base::Status carry_out(Opened& opened, const Act& act, const Note& note) {
  if (act.erases) return opened.acts.erase(key_of(act.key));
  const std::array<Change, 3> changes = {
      Change{Change::Kind::put, opened.acts.entry(), key_of(act.key), act.value},
      Change{Change::Kind::put, opened.counts.entry(), key_of(note.thread), bytes_of(note)},
      Change{Change::Kind::append, opened.outbox, {}, bytes_of(note)}};
  auto done = opened.engine.commit(changes);
  if (done || opened.engine.journal_at(opened.outbox).lag() < kRing / 2) return done;
  // The journal is full: its first half is done with.
  Journal& outbox = opened.engine.journal_at(opened.outbox);
  Journal::Message message;
  Note read{};
  for (int i = 0; i < 200; ++i)
    if (!outbox.peek(message.sequence, &read, sizeof read, &message)) break;
  if (auto acknowledged = outbox.acknowledge(message.sequence); !acknowledged) return acknowledged;
  return opened.engine.commit(changes);
}

// Counts and messages are those of the puts that have happened: the last of each thread.
std::string check_notes(Opened& opened, int thread, std::uint64_t last_put) {
  Note count{};
  std::size_t size = 0;
  const auto number = static_cast<std::uint64_t>(thread);
  const Got got = opened.counts.get(key_of(number), &count, sizeof count, &size);
  if (last_put == UINT64_MAX) return got == Got::missing ? "" : "a count of nothing";
  if (got != Got::found || count.number != last_put)
    return "the count is " + std::to_string(count.number) + ", not " + std::to_string(last_put);
  Journal::Message message;
  std::uint64_t last = UINT64_MAX;
  for (Note note{};
       opened.engine.journal_at(opened.outbox).peek(message.sequence, &note, sizeof note, &message);) {
    if (note.thread != number) continue;
    // Twice where a writer was killed before it was told: the next one does it again.
    if (last != UINT64_MAX && note.number < last) return "messages come in another order";
    last = note.number;
  }
  if (last != UINT64_MAX && last != last_put) return "the last message is of another put";
  return "";
}

// In a process of its own, until it is killed.
[[noreturn]] void write_for_ever(const std::string& directory, Acknowledged* acknowledged) {
  auto store = Store::open(base::Os::real(), options(directory));
  if (!store) {
    fail(acknowledged, store.error());
    ::_exit(1);
  }
  auto opened = open_all(**store);
  if (!opened) ::_exit(2);
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t)
    threads.emplace_back([&, t] {
      for (std::uint64_t n = acknowledged->done[t];; ++n) {
        const Act next = act(t, n);
        const auto done = carry_out(*opened, next, {static_cast<std::uint64_t>(t), n});
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
  std::uint64_t last_put[kThreads] = {UINT64_MAX, UINT64_MAX};
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
    auto opened = open_all(**store);
    ASSERT_TRUE(opened);
    State found[kThreads];
    ASSERT_TRUE(opened->acts.for_each([&](std::string_view key, std::string_view value) {
      std::uint64_t number = 0;
      std::memcpy(&number, key.data(), sizeof number);
      found[number % kThreads][number] = value;
      return true;
    }));
    for (int t = 0; t < kThreads; ++t) {
      const std::uint64_t done = acknowledged->done[t];
      const auto apply_next = [&] {
        const Act next = act(t, applied[t]);
        if (!next.erases) last_put[t] = applied[t];
        carry_out(next, &states[t]);
        ++applied[t];
      };
      while (applied[t] < done) apply_next();
      if (found[t] == states[t] && check_notes(*opened, t, last_put[t]).empty()) continue;
      // One more may have happened without anybody having been told.
      apply_next();
      ASSERT_EQ(check_notes(*opened, t, last_put[t]), "") << "thread " << t << " after kill " << kills;
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
    for (std::uint64_t& put : last_put) put = UINT64_MAX;
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
