// Accepts connections from a listening descriptor. Lives on the io thread.
#pragma once

#include <sys/socket.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <functional>
#include <memory>

#include "base/error.hpp"
#include "base/log.hpp"
#include "base/unique_fd.hpp"
#include "control/address.hpp"
#include "control/settings.hpp"

namespace okg::control {

// A listening, non-blocking TCP socket; `port` gets the real one.
base::Result<base::UniqueFd> listen_tcp(const TcpAddress& address, unsigned short* port);

class Listener : public std::enable_shared_from_this<Listener> {
 public:
  using Accepted = std::function<void(base::UniqueFd, const sockaddr_storage&)>;

  Listener(boost::asio::io_context& io, const Settings& settings, base::Log log, Accepted accepted);
  base::Status start(base::UniqueFd listening);
  // After it `accepted` is called no more. Idempotent.
  void stop();

 private:
  void wait();
  void accept();
  void back_off(int error_number);

  boost::asio::posix::stream_descriptor descriptor_;
  boost::asio::steady_timer timer_;
  const std::chrono::milliseconds first_backoff_;
  std::chrono::milliseconds backoff_;
  const base::Log log_;
  Accepted accepted_;
};

}  // namespace okg::control
