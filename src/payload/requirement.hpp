// "requires": {"server": ">=2.4 <2.5"}: conditions that must all hold, separated by blanks or commas.
#pragma once

#include <string_view>

#include "base/error.hpp"

namespace okg::payload {

// A condition is an operator (>= > <= < = ==, none means =) and a version; versions are dotted numbers, a
// missing part is 0, and a suffix from "-" on is a pre-release, older than the version itself; "+build" is
// ignored.
base::Status check_requirement(std::string_view requirement);

// requires_unmet with a text that names both, when `version` does not satisfy it or is empty.
base::Status require_server(std::string_view requirement, std::string_view version);

}  // namespace okg::payload
