// The transport to a real API server: HTTP/1.1 over TLS 1.2 or newer.
#pragma once

#include <chrono>
#include <cstddef>
#include <memory>

#include "base/log.hpp"
#include "base/os.hpp"
#include "kube/config.hpp"
#include "kube/transport.hpp"

namespace boost::asio {
class io_context;
}

namespace okg::kube {

// Other values are for tests.
struct TransportLimits {
  std::size_t answer_bytes = std::size_t{2} << 20;  // of an answer's body, and of a line
  std::size_t waiting = 64;                         // requests
  // An unused connection is closed after so long: before a router on the way forgets it without telling.
  std::chrono::milliseconds idle{60'000};
};

// Two connections, each opened when it is needed: one for requests, kept for the next, and one for each
// stream. The server's certificate and its name are verified, always. The CA is read again for a new
// connection when its file has changed; those that are open go on. The token is looked at once a second at
// most, and at once after a 401. A file that cannot be read, or holds nothing of use, leaves in use what was
// read before.
//
// `io` and `os` have to outlive it. A host that is a name is resolved by a thread of `io`, whose destructor
// waits for the resolver.
std::unique_ptr<Transport> make_tls_transport(boost::asio::io_context& io, base::Os& os, Config config,
                                              base::Log log, TransportLimits limits = {});

}  // namespace okg::kube
