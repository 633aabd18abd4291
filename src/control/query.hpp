// The small grammars in a request: query strings and the Prefer header.
#pragma once

#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "base/error.hpp"

namespace okg::control {

// "a=1&b=2", decoded. A key that stands twice or a broken %-escape is invalid_argument.
base::Result<std::map<std::string, std::string>> parse_query(std::string_view query);

// "Prefer: wait=30" among other preferences, at most 300 s; nothing without one, or if it makes no sense (RFC
// 7240: such a preference is ignored).
std::optional<std::chrono::seconds> preferred_wait(std::string_view prefer);

}  // namespace okg::control
