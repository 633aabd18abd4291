// Stands for a game server that is not linked with okg: loads the set whenever it is told to, and appends a
// line a load to a log: "<began ns> <ended ns> <missing> <generation> <mixed>".
//
//   bench-reload-loader DIR COUNT STEP BYTES all|one LOG          loads once and ends: stands for `nginx -s
//   reload` … --lines                                                    once for each line on stdin: a
//   handler in the game's own process … --http                                                     once for
//   each HTTP request; prints the port
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>

#include "set.hpp"

namespace okg::benchmarks {
namespace {

struct Loader {
  std::string directory;
  Set set;
  int log = -1;

  // Opened each time, as a server does that is given a path.
  void load_and_log() const {
    const int fd = ::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    const Load loaded = load(fd, set);
    if (fd >= 0) ::close(fd);
    char line[128];
    const int size =
        std::snprintf(line, sizeof line, "%lld %lld %u %llu %d\n", static_cast<long long>(loaded.began_ns),
                      static_cast<long long>(loaded.ended_ns), loaded.missing,
                      static_cast<unsigned long long>(loaded.generation), loaded.mixed ? 1 : 0);
    if (::write(log, line, static_cast<std::size_t>(size)) != size) std::perror("bench-reload-loader: log");
  }
};

void serve_lines(const Loader& loader) {
  char* line = nullptr;
  std::size_t capacity = 0;
  while (::getline(&line, &capacity, stdin) > 0) loader.load_and_log();
  std::free(line);
}

// One request after the other; the answer is 200 and empty, as the upstream document's server gives it.
int serve_http(const Loader& loader) {
  const int listener = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  if (listener < 0 || ::bind(listener, reinterpret_cast<sockaddr*>(&address), size) < 0 ||
      ::listen(listener, 64) < 0 ||
      ::getsockname(listener, reinterpret_cast<sockaddr*>(&address), &size) < 0) {
    std::perror("bench-reload-loader: listen");
    return 1;
  }
  std::printf("%d\n", ntohs(address.sin_port));
  std::fflush(stdout);
  for (;;) {
    const int peer = ::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC);
    if (peer < 0) continue;
    std::string request;
    char buffer[4096];
    while (request.find("\r\n\r\n") == request.npos) {
      const ssize_t got = ::read(peer, buffer, sizeof buffer);
      if (got <= 0) break;
      request.append(buffer, static_cast<std::size_t>(got));
    }
    if (request.starts_with("GET /reload ")) {
      loader.load_and_log();
      constexpr char kAnswer[] = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
      if (::write(peer, kAnswer, sizeof kAnswer - 1) < 0) std::perror("bench-reload-loader: answer");
    }
    ::close(peer);
  }
}

int run(int argc, char** argv) {
  Loader loader;
  if (argc < 7 || !parse_change(argv[5], &loader.set.change)) {
    std::fprintf(stderr, "usage: bench-reload-loader DIR COUNT STEP BYTES all|one LOG [--lines|--http]\n");
    return 2;
  }
  loader.directory = argv[1];
  loader.set.count = static_cast<unsigned>(std::strtoul(argv[2], nullptr, 10));
  loader.set.step = static_cast<unsigned>(std::strtoul(argv[3], nullptr, 10));
  loader.set.bytes = std::strtoull(argv[4], nullptr, 10);
  loader.log = ::open(argv[6], O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
  if (loader.log < 0 || loader.set.count == 0 || loader.set.step == 0) {
    std::perror("bench-reload-loader: arguments");
    return 2;
  }
  const std::string mode = argc > 7 ? argv[7] : "";
  if (mode == "--http") return serve_http(loader);
  if (mode == "--lines")
    serve_lines(loader);
  else
    loader.load_and_log();
  return 0;
}

}  // namespace
}  // namespace okg::benchmarks

int main(int argc, char** argv) {
  return okg::benchmarks::run(argc, argv);
}
