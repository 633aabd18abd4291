// The bearer token that a TCP client has to show, as the server and `okg publish --trigger` read it.
#pragma once

#include <string>
#include <string_view>

#include "base/error.hpp"
#include "base/os.hpp"

namespace okg::control {

// The token in `path`: a regular file of at most 4 KiB, or a link to one, as a Secret is mounted. Blanks,
// tabs and line ends behind it are cut; one that is empty, or holds a blank or a control character, is an
// error "OKG_TOKEN_FILE: PATH: why".
base::Result<std::string> read_token(base::Os& os, const std::string& path);

// Does the value of an Authorization header hold the token in `path`? The file is read each time: it is
// small, and a token that was changed is to count at once. One that cannot be used lets nobody in; then
// `*trouble` says what is wrong with it, else it is "".
bool token_accepts(base::Os& os, const std::string& path, std::string_view authorization,
                   std::string* trouble);

}  // namespace okg::control
