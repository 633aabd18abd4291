// The control endpoint: HTTP/1.1 on <run>/okg.sock, and by choice a second listener over TCP
// (docs/interface.md, section 6). Lives on the io thread; only open(), close() and notify() are called from
// outside, on that thread.
#pragma once

#include <boost/asio/io_context.hpp>
#include <memory>
#include <string>

#include "base/error.hpp"
#include "base/log.hpp"
#include "base/os.hpp"
#include "control/backend.hpp"

namespace okg::control {

struct Settings;

struct EndpointOptions {
  std::string run_directory;  // okg.sock is made here
  std::string http;           // "ADDRESS:PORT" (IPv6 in brackets; port 0 = any), "": no second listener
  std::string legacy_reload;  // "/reload", "": no such route
  std::string token_file;     // "": none
  bool host_network = false;  // OKG_HOST_NETWORK=1: loopback is the node's, so it does not protect
};

class Endpoint {
 public:
  Endpoint(boost::asio::io_context& io, Backend& backend, EndpointOptions options, base::Os& os,
           base::Log log);
  // With other limits and times: for tests.
  Endpoint(boost::asio::io_context& io, Backend& backend, EndpointOptions options, base::Os& os,
           base::Log log, const Settings& settings);
  // Closes. Handlers that are still queued in `io` may run or be destroyed later; they touch neither backend
  // nor os.
  ~Endpoint();

  // Opens what can be opened. An address or path that cannot be used is the error (both are tried, and the
  // one that was opened stays open).
  base::Status open();
  // Closes listeners and connections and removes the socket if it is ours. Idempotent.
  void close();
  // Something may have changed: those who wait for an outcome look again.
  void notify();
  // The TCP port, 0 without a second listener.
  unsigned short port() const;

 private:
  class Implementation;
  std::shared_ptr<Implementation> implementation_;
};

// Options that contradict each other: a token is mandatory for the legacy route where TCP is not loopback or
// loopback is the node's; the route has to be a plain path that is not one of ours; the address has to be an
// address.
base::Status check_endpoint_options(const EndpointOptions& options);

}  // namespace okg::control
