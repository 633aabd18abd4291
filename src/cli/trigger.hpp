// `--trigger URL`: tells a server that has no okg in it to reload, and takes its HTTP status for the outcome.
#pragma once

#include <chrono>
#include <optional>
#include <stop_token>
#include <string>

#include "cli/server_status.hpp"

namespace okg::cli {

struct Trigger {
  std::string url;
  int expect = 200;
  std::string token;  // sent as a bearer token if not empty
  int tries = 10;
};

// So many tries, 0.2 s to 5 s apart. failed (stage confirm) with the last answer when none was as expected;
// none, with the text of the last failure, when `deadline` passed or a stop was requested before.
OutcomeOf pull(const Trigger& trigger, std::optional<std::chrono::steady_clock::time_point> deadline,
               const std::stop_token& stop);

}  // namespace okg::cli
