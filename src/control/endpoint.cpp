#include "control/endpoint.hpp"

#include <netinet/in.h>
#include <netinet/tcp.h>

#include <optional>

#include "base/text.hpp"
#include "control/address.hpp"
#include "control/hub.hpp"
#include "control/listener.hpp"
#include "control/unix_socket.hpp"

namespace okg::control {

using base::Code;
using base::Error;
using base::Status;

class Endpoint::Implementation {
 public:
  Implementation(boost::asio::io_context& io, Backend& backend, EndpointOptions options, base::Os& os,
                 base::Log log, const Settings& settings)
      : options_(std::move(options)),
        os_(os),
        log_(log),
        hub_(std::make_shared<Hub>(
            io, backend, Router::Options{options_.legacy_reload, options_.token_file, settings.legacy_wait},
            settings, os, log)),
        unix_listener_(std::make_shared<Listener>(
            io, settings, log,
            [hub = hub_](base::UniqueFd fd, const sockaddr_storage&) { hub->admit_unix(std::move(fd)); })),
        tcp_listener_(std::make_shared<Listener>(
            io, settings, log, [hub = hub_](base::UniqueFd fd, const sockaddr_storage& peer) {
              const int on = 1;
              ::setsockopt(fd.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
              hub->admit_tcp(std::move(fd), address_text(peer));
            })) {}

  Status open() {
    if (auto checked = check_endpoint_options(options_); !checked) return checked;
    if (!hub_->open()) return Error(Code::closed, "the control endpoint is closed");
    if (opened_) return Error(Code::invalid_argument, "the control endpoint is open already");
    opened_ = true;
    const Status socket = open_unix();
    const Status tcp = open_tcp();
    if (!socket && !tcp) return Error(socket.error().code, socket.error().text + "; " + tcp.error().text);
    return socket ? tcp : socket;
  }

  void close() {
    unix_listener_->stop();
    tcp_listener_->stop();
    hub_->close();
    if (socket_) remove_unix(os_, *socket_);
    socket_.reset();
    port_ = 0;
  }

  void notify() { hub_->notify(); }
  unsigned short port() const { return port_; }

 private:
  Status open_unix() {
    auto made = listen_unix(os_, options_.run_directory);
    if (!made) return made.error();
    socket_ = std::move(*made);
    if (!socket_->warning.empty()) log_.warn("control", socket_->warning);
    return unix_listener_->start(std::move(socket_->socket));
  }

  Status open_tcp() {
    if (options_.http.empty()) return {};
    const auto address = parse_address(options_.http);
    if (!address) return address.error();
    auto made = listen_tcp(*address, &port_);
    if (!made) return made.error();
    return tcp_listener_->start(std::move(*made));
  }

  const EndpointOptions options_;
  base::Os& os_;
  const base::Log log_;
  const std::shared_ptr<Hub> hub_;
  const std::shared_ptr<Listener> unix_listener_, tcp_listener_;
  std::optional<UnixListener> socket_;
  unsigned short port_ = 0;
  bool opened_ = false;
};

Endpoint::Endpoint(boost::asio::io_context& io, Backend& backend, EndpointOptions options, base::Os& os,
                   base::Log log)
    : Endpoint(io, backend, std::move(options), os, log, Settings{}) {}

Endpoint::Endpoint(boost::asio::io_context& io, Backend& backend, EndpointOptions options, base::Os& os,
                   base::Log log, const Settings& settings)
    : implementation_(std::make_shared<Implementation>(io, backend, std::move(options), os, log, settings)) {}

Endpoint::~Endpoint() {
  implementation_->close();
}

Status Endpoint::open() {
  return implementation_->open();
}
void Endpoint::close() {
  implementation_->close();
}
void Endpoint::notify() {
  implementation_->notify();
}
unsigned short Endpoint::port() const {
  return implementation_->port();
}

Status check_endpoint_options(const EndpointOptions& options) {
  const auto bad = [](const std::string& text) { return Error(Code::invalid_argument, text); };
  if (options.run_directory.empty()) return bad("OKG_RUN_DIR: empty; name a directory");
  const std::string& route = options.legacy_reload;
  if (!route.empty()) {
    const std::string name = "OKG_LEGACY_RELOAD: " + base::quote(route);
    if (route[0] != '/') return bad(name + ": has to start with /");
    if (route.size() > 256) return bad(name + ": longer than 256 bytes");
    for (const char c : route)
      if (c <= ' ' || c >= 0x7f || c == '?' || c == '#')
        return bad(name + ": has to be printable ASCII without blanks, ? and #");
    if (route == "/livez" || route == "/readyz" || route == "/metrics" || route == "/v1" ||
        route.starts_with("/v1/"))
      return bad(name + ": is a route of okg's own; choose another, such as /reload");
  }
  if (options.http.empty()) return {};
  const auto address = parse_address(options.http);
  if (!address) return address.error();
  if (route.empty() || !options.token_file.empty()) return {};
  if (!address->loopback())
    return bad("OKG_HTTP: " + base::quote(options.http) +
               ": others reach this address, so OKG_LEGACY_RELOAD needs OKG_TOKEN_FILE");
  if (options.host_network)
    return bad("OKG_HTTP: " + base::quote(options.http) +
               ": with OKG_HOST_NETWORK=1 loopback is the node's, so OKG_LEGACY_RELOAD needs OKG_TOKEN_FILE");
  return {};
}

}  // namespace okg::control
