// The requests of a transport: one at a time over one connection, which is kept for the next.
#pragma once

#include <boost/asio/steady_timer.hpp>
#include <deque>
#include <memory>
#include <optional>
#include <string>

#include "kube/access.hpp"
#include "kube/connection.hpp"
#include "kube/response_reader.hpp"
#include "kube/transport.hpp"

namespace okg::kube {

class RequestLane final : public std::enable_shared_from_this<RequestLane>, private ConnectionUser {
 public:
  RequestLane(boost::asio::io_context& io, std::shared_ptr<Access> access);

  void send(Request request, std::chrono::milliseconds deadline, Transport::Done done);
  void close();

 private:
  struct Task {
    Request request;
    Clock::time_point deadline;
    Transport::Done done;
    std::string token;     // it was sent with
    bool reused = false;   // on a connection that had served others
    bool resent = false;   // because that connection had ended
    bool renewed = false;  // with another token, after a 401
  };

  void connected() override;
  void received(std::string_view bytes) override;
  void ended(Ending ending) override;

  void next_soon();
  void next();
  void begin();
  void write();
  void answered();
  void drop();
  void arm();
  void expired();
  void finish(base::Result<Response> result);
  void tell(const Transport::Done& done, base::Result<Response> result);

  boost::asio::io_context& io_;
  const std::shared_ptr<Access> access_;
  boost::asio::steady_timer timer_;
  bool closed_ = false;
  std::deque<Task> queue_;
  std::optional<Task> current_;
  std::optional<ResponseReader> reader_;  // of the current one's answer
  std::string body_;
  std::unique_ptr<Connection> connection_;
  bool served_ = false;  // the connection carried an answer
  Clock::time_point idle_since_;
};

}  // namespace okg::kube
