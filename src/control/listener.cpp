#include "control/listener.hpp"

#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <system_error>
#include <utility>

namespace okg::control {

using base::Result;
using base::Status;
using base::UniqueFd;

namespace {

constexpr int kAcceptsPerTurn = 64;  // then others get their turn
constexpr std::chrono::milliseconds kLongestBackoff{1'000};

}  // namespace

Result<UniqueFd> listen_tcp(const TcpAddress& address, unsigned short* port) {
  const std::string where =
      address_text(address.storage) + " port " + std::to_string(static_cast<unsigned>(address.port()));
  UniqueFd fd(::socket(address.storage.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!fd) return base::error_from_errno(errno, "OKG_HTTP: socket for " + where);
  const int on = 1, off = 0;
  ::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (address.storage.ss_family == AF_INET6)
    ::setsockopt(fd.get(), IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off);  // [::] is every address
  if (::bind(fd.get(), address.get(), address.size) != 0)
    return base::error_from_errno(errno, "OKG_HTTP: bind " + where);
  if (::listen(fd.get(), SOMAXCONN) != 0)
    return base::error_from_errno(errno, "OKG_HTTP: listen on " + where);
  TcpAddress bound;
  bound.size = sizeof bound.storage;
  if (::getsockname(fd.get(), reinterpret_cast<sockaddr*>(&bound.storage), &bound.size) != 0)
    return base::error_from_errno(errno, "OKG_HTTP: port of " + where);
  *port = bound.port();
  return fd;
}

Listener::Listener(boost::asio::io_context& io, const Settings& settings, base::Log log, Accepted accepted)
    : descriptor_(io),
      timer_(io),
      first_backoff_(settings.accept_backoff),
      backoff_(first_backoff_),
      log_(log),
      accepted_(std::move(accepted)) {}

Status Listener::start(UniqueFd listening) {
  boost::system::error_code failed;
  descriptor_.assign(listening.get(), failed);
  if (failed) return base::error_from_errno(failed.value(), "watch a listening socket");
  listening.release();
  wait();
  return {};
}

void Listener::stop() {
  boost::system::error_code ignored;
  descriptor_.close(ignored);
  timer_.cancel();
  accepted_ = nullptr;
}

void Listener::wait() {
  descriptor_.async_wait(boost::asio::posix::descriptor_base::wait_read,
                         [self = shared_from_this()](boost::system::error_code failed) {
                           if (!failed && self->accepted_) self->accept();
                         });
}

void Listener::accept() {
  for (int i = 0; i < kAcceptsPerTurn; ++i) {
    sockaddr_storage peer{};
    socklen_t size = sizeof peer;
    UniqueFd fd(::accept4(descriptor_.native_handle(), reinterpret_cast<sockaddr*>(&peer), &size,
                          SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (!fd) {
      if (errno == EAGAIN || errno == EWOULDBLOCK) break;
      // Only these last; all others are of the one connection that was to be accepted.
      if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM || errno == EINVAL ||
          errno == EBADF)
        return back_off(errno);
      continue;
    }
    backoff_ = first_backoff_;
    try {
      accepted_(std::move(fd), peer);
    } catch (const std::exception& error) {
      log_.error("control", std::string("a connection was dropped: ") + error.what());
    }
    if (!accepted_) return;
  }
  wait();
}

// The connection stays in the kernel's queue, so asking again at once would spin.
void Listener::back_off(int error_number) {
  if (backoff_ == first_backoff_)
    log_.warn("control", "accept: " + std::generic_category().message(error_number) +
                             "; clients have to wait; raise the limit of open files");
  timer_.expires_after(backoff_);
  backoff_ = std::min(backoff_ * 2, kLongestBackoff);
  timer_.async_wait([self = shared_from_this()](boost::system::error_code failed) {
    if (!failed && self->accepted_) self->accept();
  });
}

}  // namespace okg::control
