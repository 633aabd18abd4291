#include "subject.hpp"

#include <cstdio>
#include <cstdlib>
#include <ctime>

namespace okg::benchmarks {

namespace {

std::int64_t clock_ns(clockid_t clock) {
  timespec now{};
  ::clock_gettime(clock, &now);
  return std::int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec;
}

}  // namespace

std::map<std::string, MakeSubject>& subjects() {
  static std::map<std::string, MakeSubject> all;
  return all;
}

std::unique_ptr<Subject> make_subject(const std::string& name, const Place& place) {
  const auto found = subjects().find(name);
  if (found == subjects().end()) stop(name + ": no such subject");
  return found->second(place);
}

void stop(const std::string& why) {
  std::fprintf(stderr, "bench-hot: %s\n", why.c_str());
  std::exit(1);
}

std::int64_t monotonic_ns() {
  return clock_ns(CLOCK_MONOTONIC);
}
std::int64_t processor_ns() {
  return clock_ns(CLOCK_PROCESS_CPUTIME_ID);
}

}  // namespace okg::benchmarks
