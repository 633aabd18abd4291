// `--confirm`: what proves that a payload is in use. A hook's exit code says only that it was told of.
#pragma once

#include <chrono>
#include <functional>
#include <stop_token>
#include <string>
#include <string_view>

#include "base/error.hpp"

namespace okg::supervisor {

struct Confirmation {
  std::string url;   // "": the hook's exit code is enough
  std::string text;  // the body has to hold it; {version} and {digest} stand for the payload's
};

// "exit", or "http:URL" or "http:URL=TEXT": what stands behind the first '='. invalid_argument.
base::Result<Confirmation> parse_confirmation(std::string_view text);

// Asks until the answer is 200 and holds the text. confirm: it was not within `timeout`, and what was
// answered last; or `hopeless`, asked in between, gave a reason. superseded: `stop`.
base::Status confirm(const Confirmation& what, const std::string& version, const std::string& digest,
                     std::chrono::milliseconds timeout, const std::stop_token& stop,
                     const std::function<std::string()>& hopeless);

}  // namespace okg::supervisor
