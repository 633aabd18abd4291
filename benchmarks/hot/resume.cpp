// A process that is killed under load, and the one after it.
//
//   bench-hot-resume load SUBJECT VALUE_BYTES KEYS FROM DIRECTORY
//     FROM 0: fills a new table first. Then updates random records for ever; writes to stdout, as 8 bytes,
//     the number of each update that has returned (0: filled).
//   bench-hot-resume open SUBJECT VALUE_BYTES KEYS LAST DIRECTORY [all]
//     Opens what was left, reads, and holds it against the updates up to LAST: of every record, or only of
//     those that were updated. Then updates some. Prints lines of a name and a number, each as soon as it is
//     known: what is missing is what it hung or died at.
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string_view>
#include <vector>

#include "subject.hpp"

namespace okg::benchmarks {
namespace {

constexpr std::size_t kGets = 20'000, kUpdates = 1000;

struct Task {
  std::string subject;
  std::size_t value_bytes = 0, keys = 0;
  std::uint64_t number = 0;
  std::string directory;

  Place place(bool is_there) const {
    const std::uint64_t bytes = keys * (value_bytes * 5 / 4 + 192) + (256ULL << 20);
    return {.directory = directory,
            .bytes = bytes / 4096 * 4096,
            .keys = keys,
            .value_bytes = value_bytes,
            .is_there = is_there,
            .grows = true};
  }
  // Which record the update of that number changes.
  std::size_t index(std::uint64_t update) const { return scramble(scramble(update) + 1) % keys; }
};

// Tells what update it was by its first 8 bytes, and whether it is whole by the others.
void write_value(std::string* value, std::uint64_t update) {
  std::fill(value->begin(), value->end(), static_cast<char>('a' + update % 26));
  std::memcpy(value->data(), &update, sizeof update);
}

void acknowledge(std::uint64_t update) {
  if (::write(STDOUT_FILENO, &update, sizeof update) != sizeof update) stop("nobody listens");
}

[[noreturn]] void load(const Task& task) {
  const auto subject = make_subject(task.subject, task.place(task.number > 0));
  std::string value(task.value_bytes, '\0');
  std::uint64_t update = std::max<std::uint64_t>(task.number, 1);
  if (task.number == 0) {
    write_value(&value, 0);
    subject->gather(true);
    for (std::uint64_t i = 0; i < task.keys; ++i) subject->put(scramble(i), value.data(), value.size());
    subject->gather(false);
  }
  for (acknowledge(update - 1);; ++update) {
    write_value(&value, update);
    subject->put(scramble(task.index(update)), value.data(), value.size());
    acknowledge(update);
  }
}

void print(const char* name, std::int64_t number) {
  std::printf("%s %lld\n", name, static_cast<long long>(number));
  std::fflush(stdout);
}

struct Found {
  std::int64_t checked = 0, lost = 0, wrong = 0;
};

Found check(Subject& subject, const Task& task, const std::vector<std::uint64_t>& last, bool all) {
  // The one that was under way may have happened.
  const std::size_t under_way = task.index(task.number + 1);
  std::string value(task.value_bytes, '\0'), expected(task.value_bytes, '\0');
  Found found;
  for (std::size_t index = 0; index < task.keys; ++index) {
    if (!all && last[index] == 0) continue;
    ++found.checked;
    if (!subject.get(scramble(index), value.data(), value.size())) {
      ++found.lost;
      continue;
    }
    std::uint64_t update = 0;
    std::memcpy(&update, value.data(), sizeof update);
    write_value(&expected, update);
    if (value != expected || update > task.number + 1) {
      ++found.wrong;
    } else if (update != last[index] && !(index == under_way && update == task.number + 1)) {
      ++found.lost;
    }
  }
  return found;
}

void open(const Task& task, bool all) {
  std::string value(task.value_bytes, '\0');
  const std::int64_t begin = monotonic_ns();
  auto subject = make_subject(task.subject, task.place(true));
  const std::int64_t opened = monotonic_ns();
  const bool is_there = subject->get(scramble(0), value.data(), value.size());
  const std::int64_t got = monotonic_ns();
  print("opened_at", opened);
  print("got_at", got);
  print("open_ns", opened - begin);
  print("open_and_get_ns", got - begin);

  std::int64_t from = monotonic_ns();
  std::size_t there = is_there ? 1 : 0;
  for (std::size_t i = 0; i < kGets; ++i)
    if (subject->get(scramble(scramble(i) % task.keys), value.data(), value.size())) ++there;
  print("gets_ns", monotonic_ns() - from);
  from = monotonic_ns();
  while (subject->work()) continue;
  print("work_ns", monotonic_ns() - from);
  if (there == 0) {  // a cache that begins anew; nothing more to be learnt
    print("lost", static_cast<std::int64_t>(task.keys));
    print("done", 1);
    return;
  }

  std::vector<std::uint64_t> last(task.keys, 0);
  for (std::uint64_t update = 1; update <= task.number; ++update) last[task.index(update)] = update;
  const Found found = check(*subject, task, last, all);
  print("checked", found.checked);
  print("lost", found.lost);
  print("wrong", found.wrong);
  // It has to be a table that one can work with: these change nothing, but write.
  for (std::uint64_t update = task.number - std::min(task.number, kUpdates) + 1; update <= task.number;
       ++update) {
    const std::size_t index = task.index(update);
    write_value(&value, last[index]);
    subject->put(scramble(index), value.data(), value.size());
  }
  // Once more, where no page of the program is met for the first time.
  subject.reset();
  from = monotonic_ns();
  subject = make_subject(task.subject, task.place(true));
  if (!subject->get(scramble(0), value.data(), value.size())) stop("a record is missing");
  print("open_again_and_get_ns", monotonic_ns() - from);
  print("done", 1);
}

}  // namespace
}  // namespace okg::benchmarks

int main(int argc, char** argv) {
  using namespace okg::benchmarks;
  const std::string_view what = argc > 1 ? argv[1] : "";
  const bool all = argc == 8 && what == "open" && std::string_view(argv[7]) == "all";
  if (argc != 7 && !all) stop("load|open SUBJECT VALUE_BYTES KEYS FROM|LAST DIRECTORY [all]");
  const Task task = {.subject = argv[2],
                     .value_bytes = std::strtoul(argv[3], nullptr, 10),
                     .keys = std::strtoul(argv[4], nullptr, 10),
                     .number = std::strtoul(argv[5], nullptr, 10),
                     .directory = argv[6]};
  if (task.keys == 0 || task.value_bytes < sizeof(std::uint64_t)) stop("more keys, or larger values");
  if (what == "load") load(task);
  if (what != "open") stop("load or open");
  open(task, all);
  return 0;
}
