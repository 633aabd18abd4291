// The control of step_test.cpp: stepped through by the same code, a table of Boost.Interprocess has to be
// seen to fail. A harness that cannot see that sees nothing.
#include <gtest/gtest.h>
#include <sys/prctl.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include <boost/interprocess/file_mapping.hpp>
#include <boost/interprocess/mapped_region.hpp>
#include <csignal>
#include <cstdio>
#include <map>
#include <span>
#include <vector>

#include "crash/hot/stepped_child.hpp"
#include "subject.hpp"
#include "support/temporary_directory.hpp"

namespace okg::hot::test {
namespace {

namespace bip = boost::interprocess;
using benchmarks::Subject;
using okg::test::TemporaryDirectory;
using Records = std::map<std::uint64_t, std::string>;

constexpr std::uint64_t kKeys = 24;
constexpr std::size_t kValueBytes = 64;

// The better of the two: it never writes over a value that can be read.
std::unique_ptr<Subject> open_in(const std::string& directory, bool is_there) {
  benchmarks::Place place;
  place.directory = directory;
  place.bytes = 64 << 10;
  place.keys = kKeys;
  place.is_there = is_there;
  return benchmarks::make_subject("boost_swap", place);
}

struct Change {
  const char* name;
  std::uint64_t key;
  char letter;  // that the new value is made of; 0 erases
};

void carry_out(const Change& change, Subject& subject) {
  const std::string value(kValueBytes, change.letter);
  if (change.letter == 0)
    subject.erase(change.key);
  else
    subject.put(change.key, value.data(), value.size());
}

void carry_out(const Change& change, Records& records) {
  if (change.letter == 0)
    records.erase(change.key);
  else
    records[change.key] = std::string(kValueBytes, change.letter);
}

Records read_all(Subject& subject) {
  Records records;
  for (std::uint64_t key = 0; key < kKeys; ++key) {
    std::string value(kValueBytes, '\0');
    if (subject.get(key, value.data(), value.size())) records[key] = value;
  }
  return records;
}

// What the next process does. False: something is lost, or there in part.
bool goes_on(const std::string& directory, const Records& before, const Records& after) {
  const auto subject = open_in(directory, true);
  Records records = read_all(*subject);
  if (records != before && records != after) return false;
  for (std::uint64_t key = 0; key < kKeys; ++key) {
    const bool erases = key % 2 == 0 && records.contains(key);
    const Change change{"go on", key, erases ? '\0' : 'n'};
    carry_out(change, *subject);
    carry_out(change, records);
  }
  return read_all(*subject) == records;
}

// The next processes, each with what another kill left.
class Successors {
 public:
  // One that waits for a lock takes no time of a processor: many may wait at once.
  static constexpr std::size_t kMost = 64;

  void start(std::span<const std::byte> image, const Records& before, const Records& after) {
    if (running_.size() == kMost) wait();
    const std::string directory = directory_ / std::to_string(running_.size());
    okg::test::write_file(directory + "/boost", {reinterpret_cast<const char*>(image.data()), image.size()});
    std::fflush(nullptr);
    const pid_t child = ::fork();
    if (child < 0) throw std::runtime_error("fork");
    if (child == 0) run(directory, before, after);
    running_.push_back(child);
  }

  void wait() {
    for (const pid_t child : running_) {
      int state = 0;
      if (::waitpid(child, &state, 0) != child) throw std::runtime_error("waitpid");
      if (WIFSIGNALED(state) && (WTERMSIG(state) == SIGALRM || WTERMSIG(state) == SIGPROF))
        ++hung;
      else if (WIFEXITED(state) && WEXITSTATUS(state) == kFine)
        ++fine;
      else if (WIFEXITED(state) && WEXITSTATUS(state) == kLost)
        ++lost;
      else
        ++died;
    }
    running_.clear();
  }

  std::size_t started() const { return running_.size() + fine + lost + died + hung; }

  std::size_t fine = 0, lost = 0, died = 0, hung = 0;

 private:
  enum Code { kFine, kLost, kThrew };  // a subject that misses a record stops with kLost's

  [[noreturn]] static void run(const std::string& directory, const Records& before, const Records& after) {
    ::prctl(PR_SET_DUMPABLE, 0);  // no core file of a death that is expected
    // A tenth of a second of work, or waiting for so long that a busy machine is no excuse.
    const itimerval work = {{}, {0, 100'000}}, patience = {{}, {1, 500'000}};
    ::setitimer(ITIMER_PROF, &work, nullptr);
    ::setitimer(ITIMER_REAL, &patience, nullptr);
    try {
      ::_exit(goes_on(directory, before, after) ? kFine : kLost);
    } catch (const std::exception&) {
      ::_exit(kThrew);
    }
  }

  TemporaryDirectory directory_;
  std::vector<pid_t> running_;
};

TEST(HotBoostControl, IsSeenToFail) {
  if (!SteppedChild::is_possible()) GTEST_SKIP() << "ptrace is forbidden here";
  TemporaryDirectory directory;
  const auto subject = open_in(directory.path(), false);
  const bip::file_mapping file((directory / "boost").c_str(), bip::read_only);
  const bip::mapped_region region(file, bip::read_only);
  const std::span memory(static_cast<const std::byte*>(region.get_address()), region.get_size());
  Records records;
  for (std::uint64_t key = 0; key < kKeys / 2; ++key) {
    carry_out({"fill", key, 'o'}, *subject);
    carry_out({"fill", key, 'o'}, records);
  }

  std::size_t failed = 0;
  Successors between;
  std::vector<std::byte> image(memory.begin(), memory.end());
  for (const Change& change : {Change{"insert", kKeys - 1, 'i'}, {"update", 1, 'u'}, {"erase", 2, 0}}) {
    const Records before = records;
    carry_out(change, records);
    Successors within;
    SteppedChild child([&] {
      carry_out(change, *subject);
      return 0;
    });
    child.step_through(memory, image.data(), [&] {
      within.start(image, before, records);
      return true;
    });
    ASSERT_EQ(child.finish(), 0);
    within.wait();
    between.start(image, records, records);
    std::printf("%s: %zu instructions, killed at %zu of them: %zu hung, %zu died, %zu lost, %zu fine\n",
                change.name, child.instructions(), within.started(), within.hung, within.died, within.lost,
                within.fine);
    failed += within.hung + within.died + within.lost;
  }
  between.wait();
  // What fails does so because of the kill.
  EXPECT_EQ(between.fine, between.started());
  EXPECT_GT(failed, 0U);
}

}  // namespace
}  // namespace okg::hot::test
