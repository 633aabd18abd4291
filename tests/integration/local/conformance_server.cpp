// The smallest server that does all that docs/conformance.md asks for, in C++. Run it as
//   okg local run --conformance report.json -- conformance_server
#include <csignal>
#include <okg/okg.hpp>
#include <string>
#include <thread>

namespace {

volatile std::sig_atomic_t asked_to_end = 0;

void end(int) {
  asked_to_end = 1;
}

}  // namespace

int main() {
  using namespace std::chrono_literals;
  std::signal(SIGTERM, end);
  std::signal(SIGINT, end);

  okg::GameServer server({.server_version = "1.0.0", .probation = 100ms});
  server.on_reload("*", [](okg::Payload) { return okg::Result<void>(); });
  server.on_ops_state([&](std::string_view state, std::string_view before) {
    if (before.empty()) return;  // what stood there at the start
    // Said back, so that whoever looks sees that it was heard.
    static_cast<void>(server.set_annotation("gs-sync/heard", std::string(state)));
  });
  server.on_kill([](std::string_view) { asked_to_end = 1; });
  server.on_update([&](const okg::UpdateNotice& notice) {
    // A game would save first what is not in hot state.
    if (notice.phase == okg::UpdateNotice::Phase::coming && notice.waits)
      static_cast<void>(server.allow_update(notice.id));
  });
  if (!server.start({.initial_payload = 30s})) return 1;

  bool said = false;
  while (asked_to_end == 0) {
    server.poll();
    // A state of its own, once it has heard that nobody has set another.
    if (!said && server.snapshot().ops_state() == okg::ops_state::none)
      said = server.set_ops_state("Waiting").has_value();
    std::this_thread::sleep_for(5ms);
  }
  server.close();
  return 0;
}
