// What has to be known of Beast's chunked parser before it is given bytes.
#pragma once

#include <string_view>

namespace okg::base {

// Beast 1.81 asserts when a last chunk is handed over again with less than "0 CRLF CRLF" of it there. What
// begins like one is therefore held back until it can be told; bytes of a chunk's body that look so lose
// nothing, since a last chunk follows them.
inline bool wait_for_more_chunk(std::string_view rest) {
  return rest.size() < 5 && !rest.empty() && (rest[0] == '0' || rest[0] == '\r');
}

}  // namespace okg::base
