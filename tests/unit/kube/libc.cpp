#include "unit/kube/libc.hpp"

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <charconv>
#include <cstdlib>
#include <cstring>
#include <string_view>

namespace {

struct Entry {
  addrinfo info;
  sockaddr_in address;
};

addrinfo* make_entry(in_addr_t ip, std::uint16_t port, addrinfo* next) {
  auto* const entry = static_cast<Entry*>(std::calloc(1, sizeof(Entry)));
  entry->address.sin_family = AF_INET;
  entry->address.sin_addr.s_addr = htonl(ip);
  entry->address.sin_port = htons(port);
  entry->info.ai_family = AF_INET;
  entry->info.ai_socktype = SOCK_STREAM;
  entry->info.ai_addrlen = sizeof entry->address;
  entry->info.ai_addr = reinterpret_cast<sockaddr*>(&entry->address);
  entry->info.ai_next = next;
  return &entry->info;
}

std::atomic<unsigned> all_sends{0}, loud_sends{0};

void count(int flags) {
  ++all_sends;
  if ((flags & MSG_NOSIGNAL) == 0) ++loud_sends;
}

}  // namespace

unsigned okg::kube::test::sends() {
  return all_sends;
}
unsigned okg::kube::test::sends_with_signal() {
  return loud_sends;
}

extern "C" ssize_t send(int fd, const void* data, std::size_t size, int flags) {
  count(flags);
  return ::syscall(SYS_sendto, fd, data, size, flags, nullptr, 0);
}

extern "C" ssize_t sendmsg(int fd, const msghdr* message, int flags) {
  count(flags);
  return ::syscall(SYS_sendmsg, fd, message, flags);
}

// Those of libc are not called in this program.
extern "C" int getaddrinfo(const char* node, const char* service, const addrinfo*, addrinfo** result) {
  using namespace okg::kube::test;
  const std::string_view name = node == nullptr ? "" : node;
  const std::string_view port_text = service == nullptr ? "" : service;
  std::uint16_t port = 0;
  std::from_chars(port_text.data(), port_text.data() + port_text.size(), port);
  if (name != kLoopback && name != kDeafAndLoopback) return EAI_NONAME;
  *result = make_entry(INADDR_LOOPBACK, port, nullptr);
  if (name == kDeafAndLoopback) *result = make_entry(INADDR_LOOPBACK + 1, port, *result);
  return 0;
}

extern "C" void freeaddrinfo(addrinfo* all) {
  while (all != nullptr) {
    addrinfo* const next = all->ai_next;
    std::free(all);
    all = next;
  }
}
