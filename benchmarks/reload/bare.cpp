// The floor of any detection: nothing but a blocking read of an inotify descriptor, and the time when it
// returned. Prints CLOCK_MONOTONIC in nanoseconds for each rename onto `current`.
//
//   bench-reload-bare PAYLOAD
#include <sys/inotify.h>
#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <cstring>
#include <ctime>

int main(int argc, char** argv) {
  const int fd = argc == 2 ? ::inotify_init1(IN_CLOEXEC) : -1;
  if (fd < 0 || ::inotify_add_watch(fd, argv[1], IN_MOVED_TO) < 0) {
    std::fprintf(stderr, "usage: bench-reload-bare PAYLOAD\n");
    return 2;
  }
  std::puts("watching");
  std::fflush(stdout);
  alignas(inotify_event) char buffer[4096];
  for (;;) {
    const ssize_t size = ::read(fd, buffer, sizeof buffer);
    timespec now{};
    ::clock_gettime(CLOCK_MONOTONIC, &now);
    if (size <= 0) return 1;
    for (ssize_t at = 0; at < size;) {
      const auto* event = reinterpret_cast<const inotify_event*>(buffer + at);
      if (event->len > 0 && std::strcmp(event->name, "current") == 0)
        std::printf("%lld\n", static_cast<long long>(std::int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec));
      at += static_cast<ssize_t>(sizeof(inotify_event) + event->len);
    }
    std::fflush(stdout);
  }
}
