// A server in a process of its own, to be killed: child_server PAYLOAD_DIR RUN_DIR DIE_AT [VERSION]
// DIE_AT: prepare | commit | probation | never. It dies by SIGKILL there, but only for a payload whose text
// is "deadly"; prints "in use: TEXT" for everything that comes into use, and "start failed: …".
#include <signal.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstring>
#include <okg/okg.hpp>
#include <string>
#include <thread>

using namespace std::chrono_literals;

int main(int argc, char** argv) {
  if (argc < 4) return 2;
  const std::string die_at = argv[3];
  const auto die = [](const std::string& text) {
    if (text == "deadly") ::kill(::getpid(), SIGKILL);
  };
  okg::Options options;
  options.payload_dir = argv[1];
  options.run_dir = argv[2];
  options.server_version = argc > 4 ? argv[4] : "1.0.0";
  options.probation = 300ms;
  okg::GameServer server(std::move(options));
  std::unique_ptr<std::string> text;
  server.on_reload<std::string>(
      "texts",
      {.prepare = [&](okg::Payload payload, okg::StopToken) -> okg::Result<std::unique_ptr<std::string>> {
         auto read = payload.read("texts/a");
         if (!read) return read.error();
         if (die_at == "prepare") die(*read);
         return std::make_unique<std::string>(*std::move(read));
       },
       .commit =
           [&](std::unique_ptr<std::string> next) {
             if (die_at == "commit") die(*next);
             std::printf("in use: %s\n", next->c_str());
             std::fflush(stdout);
             return std::exchange(text, std::move(next));
           }});
  if (const auto started = server.start({.initial_payload = 10s}); !started) {
    std::printf("start failed: %s\n", started.error().text.c_str());
    return 1;
  }
  if (die_at == "probation") {
    std::this_thread::sleep_for(50ms);
    die(*text);
  }
  for (;;) {
    server.poll();
    std::this_thread::sleep_for(2ms);
    if (die_at == "probation") die(*text);
  }
}
