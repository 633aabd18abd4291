// `okg run`: a server that cannot be changed, and beside it the same reload state machine that a linked
// server has. Its handler is made of commands and a link: `--prepare` tests a payload's files, <run>/active
// moves to them, `--on-reload` tells the server, `--confirm` proves it; and all of it backwards where one of
// these fails. docs/unmodified-servers.md is its contract.
#pragma once

#include <chrono>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "base/environment.hpp"
#include "base/log.hpp"
#include "base/os.hpp"
#include "server/game_server.hpp"
#include "supervisor/active_link.hpp"
#include "supervisor/confirmation.hpp"
#include "supervisor/hook.hpp"
#include "supervisor/processes.hpp"

namespace okg::supervisor {

struct Options {
  std::vector<std::string> server;  // the command and its arguments
  std::string prepare, on_reload;   // for /bin/sh -c; "": none
  Confirmation confirmation;
  std::chrono::milliseconds timeout{30'000};  // for each hook and for the confirmation
  std::chrono::milliseconds wait_payload{60'000};
  std::optional<std::chrono::nanoseconds> quiet_period;  // the volume is written in place, by a plain copy
  std::string run_directory, payload_directory;          // "": as the environment says
  base::LogSink log = nullptr;
  void* log_user = nullptr;
};

class Supervisor {
 public:
  // What run() ended with. The server's code, unless there is an error.
  struct End {
    int code = 0;
    std::optional<base::Error> error;
  };

  Supervisor(base::Os& os, base::Environment environment, Options options);
  ~Supervisor();
  Supervisor(const Supervisor&) = delete;
  Supervisor& operator=(const Supervisor&) = delete;

  // Any thread. `from_terminal`: all of the foreground got it, the server included.
  void signal(int number, bool from_terminal);
  // Once: until the server has ended.
  End run();

 private:
  struct Place {
    std::string files, version, digest;
  };

  base::Status connect();
  // Why there is no server; nullopt: it runs.
  std::optional<End> first_payload();
  void watch_over(const Process& server);

  Place place_of(const server::LivePayload& payload) const;
  std::optional<Place> in_use() const;
  std::map<std::string, std::string> variables_for(const Place& to, const std::optional<Place>& from) const;
  // Worker.
  base::Status prepare(const Place& place, const std::stop_token& stop);
  // Polling thread.
  base::Status commit(const Place& to);
  base::Status begin(const Place& to);
  base::Status tell_server(const Place& to, const std::optional<Place>& from);
  base::Status prove(const Place& to);
  base::Status go_back(const std::optional<Place>& to, const Place& from);
  void end_server();

  ProcessPtr running() const;
  bool is_ending() const { return ending_.stop_requested(); }

  base::Os& os_;
  const base::Environment environment_;
  const Options options_;
  base::Log log_;
  Processes processes_;
  std::unique_ptr<server::GameServer> game_server_;
  std::string run_directory_, payload_directory_;
  std::optional<ActiveLink> link_;
  std::stop_source ending_;

  mutable std::mutex mutex_;
  ProcessPtr server_;
  std::optional<Place> in_use_;
  int ending_signal_ = 0;

  // Polling thread.
  bool consistent_ = true;
  std::optional<End> hopeless_;  // why there is no server, and will not be
};

}  // namespace okg::supervisor
