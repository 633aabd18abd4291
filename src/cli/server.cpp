#include "cli/server.hpp"

#include <unistd.h>

#include "base/text.hpp"

namespace okg::cli {

std::string socket_path(const std::string& run) {
  return run + "/okg.sock";
}

base::Result<control::Response> get(const std::string& run, const std::string& target,
                                    std::chrono::milliseconds deadline, const std::stop_token& stop) {
  control::Request request;
  request.target = target;
  return control::ask_socket(run, request, deadline, stop);
}

base::Result<StatusAnswer> get_status(const std::string& run, std::chrono::milliseconds deadline,
                                      const std::stop_token& stop) {
  auto response = get(run, "/v1/status", deadline, stop);
  if (!response) return response.error();
  if (response->status == 403)
    return base::Error(base::Code::denied, "the server does not answer user " + std::to_string(::geteuid()) +
                                               ": use its own, root or the publisher's");
  if (response->status != 200) return base::Error(base::Code::io, "GET /v1/status: " + error_text(*response));
  auto status = parse_status(response->body);
  if (!status) return status.error();
  return StatusAnswer{std::move(response->body), *std::move(status)};
}

bool nobody_answers(const base::Error& error) {
  return error.code == base::Code::not_found || error.code == base::Code::timeout ||
         error.code == base::Code::io;
}

std::string unanswered(const base::Error& error) {
  return "no server answers: " + error.text;
}

int fail_unanswered(const Program& program, const std::string& run, const base::Error& error) {
  if (program.interrupt.requested()) return program.fail(kTryAgain, "interrupted");
  if (!nobody_answers(error)) return program.fail(kFailed, socket_path(run) + ": " + error.text);
  return program.fail(kNoServer, unanswered(error) + ": is it up, and is --run right?");
}

std::string error_text(const control::Response& response) {
  // The header has only ASCII.
  if (auto body = base::parse_json_object(response.body, "answer", base::Code::io)) {
    if (const auto error = body->find("error"); error != body->end()) {
      if (error->is_string()) return base::one_line(error->get_ref<const std::string&>());
      if (error->is_object())
        if (const auto text = base::get_string(*error, "text")) return base::one_line(*text);
    }
  }
  if (const auto found = response.headers.find("x-okg-error"); found != response.headers.end())
    return base::one_line(found->second);
  return "HTTP status " + std::to_string(response.status);
}

}  // namespace okg::cli
