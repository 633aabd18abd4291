// A server that does not do all that is asked of it: moody_server MOOD…
//   silent    sets no opsState
//   stubborn  allows no update and no deletion
//   deaf      does not hear of Kill, nor SIGTERM
//   amnesiac  forgets at its start that there was one before
//   crashing  ends with 3 at once
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <okg/okg.hpp>
#include <set>
#include <string>
#include <thread>

namespace {

volatile std::sig_atomic_t asked_to_end = 0;

void end(int) {
  asked_to_end = 1;
}

}  // namespace

int main(int argc, char** argv) {
  using namespace std::chrono_literals;
  const std::set<std::string> moods(argv + 1, argv + argc);
  if (moods.count("crashing") != 0) return 3;
  const bool deaf = moods.count("deaf") != 0;
  std::signal(SIGTERM, deaf ? SIG_IGN : end);
  if (moods.count("amnesiac") != 0)
    ::unlink((std::string(std::getenv("OKG_RUN_DIR")) + "/instance.json").c_str());

  okg::GameServer server({.server_version = "1.0.0", .probation = 100ms, .update_timeout = 1h});
  server.on_reload("*", [](okg::Payload) { return okg::Result<void>(); });
  server.on_kill([&](std::string_view) { asked_to_end = deaf ? 0 : 1; });
  if (moods.count("stubborn") != 0) server.on_update([](const okg::UpdateNotice&) {});
  if (!server.start()) return 1;
  bool said = moods.count("silent") != 0;
  while (asked_to_end == 0) {
    server.poll();
    if (!said && server.snapshot().ops_state() == okg::ops_state::none)
      said = server.set_ops_state("Waiting").has_value();
    std::this_thread::sleep_for(5ms);
  }
  return 0;
}
