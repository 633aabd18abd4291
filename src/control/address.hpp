// Addresses as text: of the second listener, of a Host header, of a URL.
#pragma once

#include <sys/socket.h>

#include <optional>
#include <string>
#include <string_view>

#include "base/error.hpp"

namespace okg::control {

struct TcpAddress {
  sockaddr_storage storage{};
  socklen_t size = 0;

  const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&storage); }
  bool loopback() const;
  unsigned short port() const;
};

// An IPv4 or IPv6 literal without brackets.
std::optional<TcpAddress> make_address(std::string_view ip, unsigned short port);
// "ADDRESS:PORT", IPv6 in brackets; invalid_argument says how it is written.
base::Result<TcpAddress> parse_address(std::string_view text);
// Only the IP address, an IPv4 one that came through an IPv6 socket written as IPv4: names a peer.
std::string address_text(const sockaddr_storage& address);

struct HostPort {
  std::string host;  // without brackets
  bool bracketed = false;
  std::optional<unsigned short> port;
};
// "HOST", "HOST:PORT", "[IPv6]", "[IPv6]:PORT".
std::optional<HostPort> split_host(std::string_view text);

// Is a Host header one that only a client on purpose sends: "localhost" or an IP address? A name that a
// foreign DNS can point at us (DNS rebinding) is not.
bool host_is_safe(std::string_view host);

}  // namespace okg::control
