// Connects, shows the status and goes: game RUN_DIR PAYLOAD_DIR.
#include <cstdio>
#include <okg/okg.hpp>

int main(int argc, char** argv) {
  if (argc != 3) return 2;
  okg::GameServer server({.name = "consumer", .payload_dir = argv[2], .run_dir = argv[1]});
  server.on_reload("*", [](okg::Payload) { return okg::Result<void>(); });
  if (auto started = server.start(); !started) {
    std::fprintf(stderr, "%s\n", started.error().text.c_str());
    return 1;
  }
  server.poll();
  const std::string status = server.status_json();
  std::printf("%s\n", status.c_str());
  return status.find("okg.status/v1") != std::string::npos ? 0 : 1;
}
