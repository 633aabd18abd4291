#include "control/address.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <strings.h>

#include <cstring>

#include "base/text.hpp"

namespace okg::control {

using base::Code;
using base::Error;
using base::Result;

std::optional<TcpAddress> make_address(std::string_view ip, unsigned short port) {
  if (ip.size() >= INET6_ADDRSTRLEN || ip.find('\0') != ip.npos) return std::nullopt;
  const std::string text(ip);
  TcpAddress out;
  sockaddr_in four{};
  sockaddr_in6 six{};
  if (::inet_pton(AF_INET, text.c_str(), &four.sin_addr) == 1) {
    four.sin_family = AF_INET;
    four.sin_port = htons(port);
    std::memcpy(&out.storage, &four, sizeof four);
    out.size = sizeof four;
  } else if (::inet_pton(AF_INET6, text.c_str(), &six.sin6_addr) == 1) {
    six.sin6_family = AF_INET6;
    six.sin6_port = htons(port);
    std::memcpy(&out.storage, &six, sizeof six);
    out.size = sizeof six;
  } else {
    return std::nullopt;
  }
  return out;
}

std::optional<HostPort> split_host(std::string_view text) {
  HostPort out;
  std::string_view rest;
  if (!text.empty() && text[0] == '[') {
    const std::size_t close = text.find(']');
    if (close == text.npos) return std::nullopt;
    out.bracketed = true;
    out.host = text.substr(1, close - 1);
    rest = text.substr(close + 1);
  } else {
    const std::size_t colon = text.find(':');
    out.host = text.substr(0, colon);
    if (colon != text.npos) rest = text.substr(colon);
  }
  if (out.host.empty()) return std::nullopt;
  if (rest.empty()) return out;
  if (rest[0] != ':') return std::nullopt;
  const auto port = base::parse_number(rest.substr(1), 65535);
  if (!port) return std::nullopt;
  out.port = static_cast<unsigned short>(*port);
  return out;
}

Result<TcpAddress> parse_address(std::string_view text) {
  const auto split = split_host(text);
  std::optional<TcpAddress> address;
  if (split && split->port) address = make_address(split->host, *split->port);
  if (!address || split->bracketed != (address->storage.ss_family == AF_INET6))
    return Error(Code::invalid_argument,
                 "OKG_HTTP: " + base::quote(text) +
                     ": not an address and a port; write it like 127.0.0.1:3000 or [::1]:3000");
  return *address;
}

bool TcpAddress::loopback() const {
  if (storage.ss_family == AF_INET) {
    sockaddr_in four{};
    std::memcpy(&four, &storage, sizeof four);
    return (ntohl(four.sin_addr.s_addr) >> 24) == 127;
  }
  sockaddr_in6 six{};
  std::memcpy(&six, &storage, sizeof six);
  return IN6_IS_ADDR_LOOPBACK(&six.sin6_addr) ||
         (IN6_IS_ADDR_V4MAPPED(&six.sin6_addr) && six.sin6_addr.s6_addr[12] == 127);
}

unsigned short TcpAddress::port() const {
  if (storage.ss_family == AF_INET) {
    sockaddr_in four{};
    std::memcpy(&four, &storage, sizeof four);
    return ntohs(four.sin_port);
  }
  sockaddr_in6 six{};
  std::memcpy(&six, &storage, sizeof six);
  return ntohs(six.sin6_port);
}

std::string address_text(const sockaddr_storage& address) {
  char text[INET6_ADDRSTRLEN] = "?";
  if (address.ss_family == AF_INET) {
    sockaddr_in four{};
    std::memcpy(&four, &address, sizeof four);
    ::inet_ntop(AF_INET, &four.sin_addr, text, sizeof text);
  } else if (address.ss_family == AF_INET6) {
    sockaddr_in6 six{};
    std::memcpy(&six, &address, sizeof six);
    if (IN6_IS_ADDR_V4MAPPED(&six.sin6_addr)) {
      ::inet_ntop(AF_INET, &six.sin6_addr.s6_addr[12], text, sizeof text);
    } else {
      ::inet_ntop(AF_INET6, &six.sin6_addr, text, sizeof text);
    }
  }
  return text;
}

bool host_is_safe(std::string_view host) {
  const auto split = split_host(host);
  if (!split) return false;
  if (!split->bracketed && ::strcasecmp(split->host.c_str(), "localhost") == 0) return true;
  const auto address = make_address(split->host, 0);
  return address && split->bracketed == (address->storage.ss_family == AF_INET6);
}

}  // namespace okg::control
