// What a put, an update, a get and an erase of one record cost. One subject, one size per run.
//
//   bench-hot-table SUBJECT OPERATIONS VALUE_BYTES KEYS COUNT DIRECTORY [THREADS]
//   OPERATIONS: of put, update, get and erase, in this order, with commas
//   COUNT: of each, but of put and erase at most half the keys
//   bench-hot-table --subjects
//
// Prints for each operation 25 lines: its name, and the nanoseconds of the clock and of the processor per
// operation in that chunk. Keys are scrambled 64-bit numbers in random order; every operation is a commit of
// its own. With threads, they share the keys out among them, and times are the clock's, shared among the
// operations of all.
#include <algorithm>
#include <barrier>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <numeric>
#include <random>
#include <string_view>
#include <thread>
#include <vector>

#include "subject.hpp"

namespace okg::benchmarks {
namespace {

constexpr std::size_t kChunks = 25;

struct Task {
  std::size_t value_bytes = 0, keys = 0, count = 0, threads = 1;
  std::size_t in_chunk(std::size_t all) const { return all / kChunks / threads; }  // of a thread
};

// The same stream of random indexes for all subjects; those of a thread are the thread's alone.
std::size_t random_index(const Task& task, std::uint64_t number, std::size_t thread) {
  const std::size_t mine = task.keys / task.threads;
  return scramble(number * task.threads + thread + 1) % mine * task.threads + thread;
}

class Value {
 public:
  explicit Value(std::size_t size) : bytes_(size, 'v') {}
  const char* stamped(std::uint64_t stamp) {
    std::memcpy(bytes_.data(), &stamp, std::min(bytes_.size(), sizeof stamp));
    return bytes_.data();
  }
  char* bytes() { return bytes_.data(); }

 private:
  std::string bytes_;
};

// Runs `one(number, thread, value)` for `all` numbers in chunks, shared out among the threads, and prints
// what each chunk took.
template <typename One>
void measure(std::string_view name, Subject& subject, const Task& task, std::size_t all, One one) {
  std::barrier gate(static_cast<std::ptrdiff_t>(task.threads));
  struct Took {
    double clock, processor;
  };
  std::vector<Took> took;
  const auto run = [&](std::size_t thread) {
    Value value(task.value_bytes);
    const std::size_t each = task.in_chunk(all);
    for (std::size_t chunk = 0; chunk < kChunks; ++chunk) {
      const std::int64_t clock = monotonic_ns(), processor = processor_ns();
      if (task.threads > 1) gate.arrive_and_wait();
      for (std::size_t i = 0; i < each; ++i) one(chunk * each + i, thread, value);
      if (thread == 0) subject.finish();
      if (task.threads > 1) gate.arrive_and_wait();
      const auto operations = static_cast<double>(each * task.threads);
      if (thread == 0)
        took.push_back({static_cast<double>(monotonic_ns() - clock) / operations,
                        static_cast<double>(processor_ns() - processor) / operations});
    }
  };
  {
    std::vector<std::jthread> others;
    for (std::size_t thread = 1; thread < task.threads; ++thread) others.emplace_back(run, thread);
    run(0);
  }
  for (const Took& chunk : took)
    std::printf("%.*s %.2f %.2f\n", static_cast<int>(name.size()), name.data(), chunk.clock, chunk.processor);
}

void fill(Subject& subject, const Task& task, std::size_t keys) {
  Value value(task.value_bytes);
  subject.gather(true);
  for (std::uint64_t i = 0; i < keys; ++i) subject.put(scramble(i), value.stamped(i), task.value_bytes);
  subject.gather(false);
  while (subject.work()) continue;
}

void run(Subject& subject, const Task& task, std::string_view operations) {
  const auto wanted = [&](std::string_view name) { return operations.find(name) != std::string_view::npos; };
  const std::size_t once = std::min(task.count, task.keys / 2);  // what can be done once with each key
  if (wanted("put")) {
    const std::size_t there = task.keys - task.in_chunk(once) * kChunks * task.threads;
    fill(subject, task, there);
    measure("put", subject, task, once, [&](std::uint64_t number, std::size_t thread, Value& value) {
      const std::uint64_t index = there + number * task.threads + thread;
      subject.put(scramble(index), value.stamped(index), task.value_bytes);
    });
  } else {
    fill(subject, task, task.keys);
  }
  // Pages that were never touched are the kernel's time, not the table's: a second pass has them there.
  if (wanted("update")) {
    fill(subject, task, task.keys);
    measure("update", subject, task, task.count, [&](std::uint64_t number, std::size_t thread, Value& value) {
      subject.put(scramble(random_index(task, number, thread)), value.stamped(number), task.value_bytes);
    });
  }
  if (wanted("get"))
    measure("get", subject, task, task.count, [&](std::uint64_t number, std::size_t thread, Value& value) {
      if (!subject.get(scramble(random_index(task, number, thread)), value.bytes(), task.value_bytes))
        stop("a record is missing");
    });
  if (wanted("erase")) {
    if (task.threads > 1) stop("one thread erases");
    // In no order, neither of their keys nor of when they came.
    std::vector<std::uint32_t> order(task.keys);
    std::iota(order.begin(), order.end(), 0U);
    std::shuffle(order.begin(), order.end(), std::mt19937_64(2048));  // NOLINT: the same order every time
    measure("erase", subject, task, once,
            [&](std::uint64_t number, std::size_t, Value&) { subject.erase(scramble(order[number])); });
  }
}

std::uint64_t bytes_for(const Task& task) {
  return (task.keys * (task.value_bytes * 9 / 4 + 256) + (256ULL << 20)) / 4096 * 4096;
}

}  // namespace
}  // namespace okg::benchmarks

int main(int argc, char** argv) {
  using namespace okg::benchmarks;
  if (argc == 2 && std::string_view(argv[1]) == "--subjects") {
    for (const auto& [name, make] : subjects()) std::puts(name.c_str());
    return 0;
  }
  if (argc != 7 && argc != 8) stop("SUBJECT OPERATIONS VALUE_BYTES KEYS COUNT DIRECTORY [THREADS]");
  Task task;
  task.value_bytes = std::strtoul(argv[3], nullptr, 10);
  task.keys = std::strtoul(argv[4], nullptr, 10);
  task.count = std::strtoul(argv[5], nullptr, 10);
  if (argc == 8) task.threads = std::strtoul(argv[7], nullptr, 10);
  if (task.value_bytes == 0 || task.keys == 0 || task.threads == 0 ||
      task.in_chunk(std::min(task.count, task.keys / 2)) == 0)
    stop("sizes and numbers are not 0");
  const auto subject = make_subject(
      argv[1],
      {.directory = argv[6], .bytes = bytes_for(task), .keys = task.keys, .value_bytes = task.value_bytes});
  if (task.threads > 1 && !subject->is_for_threads()) stop("one thread only");
  run(*subject, task, argv[2]);
  return 0;
}
