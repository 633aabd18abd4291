// What this room has to do about OpenSSL as a whole.
#pragma once

#include <string>

namespace okg::kube {

// Lives as long as anything of OpenSSL's is used. The first one initialises OpenSSL.
//
// The library's own copy of OpenSSL, which nobody else sees, reads no configuration file, for that of another
// OpenSSL could make it load modules, and has no exit handler, which would take it away from an io thread
// that still runs. Instead it is cleaned up when the library is unloaded or the process exits, if none of
// these is left then. An OpenSSL that others may use too is left as it is.
class OpensslUse {
 public:
  OpensslUse() noexcept;
  OpensslUse(const OpensslUse&) noexcept : OpensslUse() {}
  OpensslUse& operator=(const OpensslUse&) = default;
  ~OpensslUse();
};

// The reason of the oldest error in this thread's queue, which is empty then; "no reason given" without one.
std::string take_openssl_error();

}  // namespace okg::kube
