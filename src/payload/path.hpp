// Which paths a payload may hold.
#pragma once

#include <string_view>

#include "base/error.hpp"

namespace okg::payload {

// Relative, UTF-8, no empty, "." or ".." segment, no control character (newline, NUL, DEL),
// within the limits of layout.hpp. The error text says what is wrong; the code is bad_path.
base::Status check_path(std::string_view path);

// Letters, digits, "-", "_" and "."; 1 to 63 bytes; starts with a letter or digit. What a component may be
// called.
base::Status check_component_name(std::string_view name);

// 1 to kMostVersionBytes bytes of UTF-8 without control characters or leading and trailing blanks.
base::Status check_version(std::string_view version);

}  // namespace okg::payload
