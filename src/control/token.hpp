// The bearer token that a TCP client has to show.
#pragma once

#include <string>
#include <string_view>

#include "base/os.hpp"

namespace okg::control {

// Does the value of an Authorization header hold the token in `path`? The file is read each time (it is
// small, and a token that was changed is to count at once): a regular file, not a link, at most 4 KiB,
// trailing newline dropped. One that is empty or cannot be read lets nobody in; then `*trouble` says what is
// wrong with it, else it is "".
bool token_accepts(base::Os& os, const std::string& path, std::string_view authorization,
                   std::string* trouble);

}  // namespace okg::control
