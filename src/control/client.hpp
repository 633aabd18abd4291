// A small HTTP client for the program: one request over <run>/okg.sock or TCP, with a deadline and a way to
// stop.
#pragma once

#include <chrono>
#include <map>
#include <stop_token>
#include <string>

#include "base/error.hpp"

namespace okg::control {

struct Request {
  std::string method = "GET";
  std::string target = "/";
  std::map<std::string, std::string> headers;
  std::string body;
};

struct Response {
  int status = 0;
  std::map<std::string, std::string> headers;  // names in lower case
  std::string body;                            // at most 1 MiB
};

// not_found: no such socket, or nobody listens; timeout; io. `stop` ends the wait within 50 ms with code
// superseded.
base::Result<Response> ask_socket(const std::string& run_directory, const Request& request,
                                  std::chrono::milliseconds deadline, std::stop_token stop = {});

// http://HOST[:PORT]/PATH where HOST is an IP address or localhost: the program is static and may run in an
// empty root, so it resolves no other names. invalid_argument says so.
base::Result<Response> ask_url(const std::string& url, const Request& request,
                               std::chrono::milliseconds deadline, std::stop_token stop = {});

}  // namespace okg::control
