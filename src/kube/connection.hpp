// One TLS connection to the API server. Knows nothing of HTTP.
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <string_view>

#include "base/error.hpp"
#include "kube/config.hpp"

namespace boost::asio {
class io_context;
namespace ssl {
class context;
}
}  // namespace boost::asio

namespace okg::kube {

// Of what was handed to write() last. Where it is not all, its last bytes never left, and nobody can have
// received it whole: a TLS record that lacks its end cannot be deciphered.
enum class Sent { nothing, not_all, all };

struct Ending {
  base::Error error;
  bool orderly = false;  // the peer said so (close_notify), so that what it sent is whole
  Sent sent = Sent::nothing;
};

// Told on the io thread, never from inside a call of the connection's.
class ConnectionUser {
 public:
  virtual void connected() = 0;
  virtual void received(std::string_view bytes) = 0;
  virtual void ended(Ending ending) = 0;  // once, and the last

 protected:
  ~ConnectionUser() = default;
};

class Connection {
 public:
  // Throws what Asio and memory throw.
  Connection(boost::asio::io_context& io, const Config& config,
             const std::shared_ptr<boost::asio::ssl::context>& context, ConnectionUser& user);
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;
  // Closes it; the user is told nothing more. May be done inside any of the user's functions.
  ~Connection();

  // Shares the time until `deadline` out among the addresses of the host. To end it then is up to the user.
  void open(std::chrono::steady_clock::time_point deadline);
  // Once connected, one at a time.
  void write(std::string bytes);
  bool writing() const;
  // For the text of a timeout: "while connecting".
  std::string_view doing() const;

 private:
  struct Link;
  std::shared_ptr<Link> link_;
};

}  // namespace okg::kube
