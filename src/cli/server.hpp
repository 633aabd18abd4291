// Asking the server over <run>/okg.sock.
#pragma once

#include <chrono>
#include <optional>
#include <stop_token>
#include <string>

#include "base/error.hpp"
#include "cli/command.hpp"
#include "cli/server_status.hpp"
#include "control/client.hpp"

namespace okg::cli {

// How long a plain question may take: a probe has to be done within its second or three.
inline constexpr std::chrono::milliseconds kQuestion{2000};

// "<run>/okg.sock".
std::string socket_path(const std::string& run);

base::Result<control::Response> get(const std::string& run, const std::string& target,
                                    std::chrono::milliseconds deadline, const std::stop_token& stop);

struct StatusAnswer {
  std::string body;  // as it came
  ServerStatus status;
};

// GET /v1/status. not_found and timeout: no server answers; denied: it does not talk to this user.
base::Result<StatusAnswer> get_status(const std::string& run, std::chrono::milliseconds deadline,
                                      const std::stop_token& stop);

// Is it that nobody answers?
bool nobody_answers(const base::Error& error);

// "no server answers: " and why.
std::string unanswered(const base::Error& error);

// Says on stderr why there is no answer; the exit code (69, or 75 when interrupted).
int fail_unanswered(const Program& program, const std::string& run, const base::Error& error);

// What went wrong by an answer of neither success nor a known meaning: X-OKG-Error, the body's error text,
// the status.
std::string error_text(const control::Response& response);

}  // namespace okg::cli
