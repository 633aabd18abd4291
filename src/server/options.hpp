// What a server runs with: code first, then the environment, then the defaults of docs/interface.md,
// section 3.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "base/environment.hpp"
#include "base/error.hpp"
#include "base/log.hpp"
#include "base/os.hpp"
#include "control/endpoint.hpp"
#include "server/controller_options.hpp"

namespace okg::server {

// As handed in; an empty field asks the environment.
struct GivenOptions {
  std::string name, server_version, payload_directory, run_directory, http, legacy_reload, token_file,
      controller;
  std::optional<std::chrono::nanoseconds> tick_timeout, probation;
  std::int64_t update_timeout_ns = 0;
  std::optional<std::chrono::nanoseconds> quiet_period;  // the volume is written in place, by a plain copy
  std::string identity;  // what else makes it another binary, for which payloads are judged anew
  base::LogSink log = nullptr;
  void* log_user = nullptr;
  std::optional<base::LogLevel> log_level;
};

struct Options {
  std::string name, server_version, identity, payload_directory, hot_directory;
  std::chrono::nanoseconds tick_timeout{}, probation{};
  std::optional<std::chrono::nanoseconds> quiet_period;
  ControllerOptions controller;
  control::EndpointOptions endpoint;  // its run_directory is the server's
  base::Log log;
  std::vector<std::string> own_directories;  // off-cluster defaults: made, 0700, and nobody else's
};

// invalid_argument names the option or variable that cannot be understood.
base::Result<Options> resolve(base::Os& os, const base::Environment& environment, const GivenOptions& given);

}  // namespace okg::server
