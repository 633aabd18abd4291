// A command of the user's that tests a payload or tells the server of it: `--prepare`, `--on-reload`. It may
// hang, fork, flood its output and ignore SIGTERM: it is over after `timeout` in any case.
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <stop_token>
#include <string>

#include "base/error.hpp"
#include "base/log.hpp"
#include "supervisor/processes.hpp"

namespace okg::supervisor {

struct Hook {
  std::string name;     // the flag: in errors and in the log
  std::string command;  // for /bin/sh -c
  std::chrono::milliseconds timeout{};
  std::function<void()> meanwhile = {};  // called at least once a second
};

// Exit code 0: ok. 75: busy, which is tried again. Else rejected, and timeout (not tried again) after
// `timeout`; the text has the last two lines that it wrote. Each of its lines goes to the log, up to 16 KiB
// of them. superseded: `stop`.
base::Status run(Processes& processes, const Hook& hook, const std::map<std::string, std::string>& variables,
                 const std::stop_token& stop, const base::Log& log);

}  // namespace okg::supervisor
