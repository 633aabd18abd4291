// The stream of a transport, over a connection of its own.
#pragma once

#include <boost/asio/steady_timer.hpp>
#include <memory>
#include <string>

#include "kube/access.hpp"
#include "kube/connection.hpp"
#include "kube/lines.hpp"
#include "kube/response_reader.hpp"
#include "kube/transport.hpp"

namespace okg::kube {

class StreamLane final : public std::enable_shared_from_this<StreamLane>, private ConnectionUser {
 public:
  StreamLane(boost::asio::io_context& io, std::shared_ptr<Access> access);

  void stream(Request request, std::chrono::milliseconds open_deadline, std::chrono::milliseconds silence,
              StreamHandlers handlers);
  void stop();
  void close();

 private:
  struct Watch {
    Request request;
    std::chrono::milliseconds silence;
    StreamHandlers handlers;
    Clock::time_point deadline;  // of the header, later of the next byte
    std::string token;           // it was asked with
    bool renewed = false;        // asked again with another token, after a 401
    bool open = false;
    std::unique_ptr<ResponseReader> reader;
    std::unique_ptr<Lines> lines;
    std::string refusal;
  };
  using WatchPtr = std::shared_ptr<Watch>;  // so that it lives through its callbacks

  void connected() override;
  void received(std::string_view bytes) override;
  void ended(Ending ending) override;

  void begin(const WatchPtr& watch);
  bool take_lines(const WatchPtr& watch, std::string_view bytes);
  void complete(const WatchPtr& watch);
  void refused(const WatchPtr& watch);
  void arm();
  void expired();
  void end(base::Error error);

  boost::asio::io_context& io_;
  const std::shared_ptr<Access> access_;
  boost::asio::steady_timer timer_;
  bool closed_ = false;
  WatchPtr watch_;
  std::unique_ptr<Connection> connection_;
};

}  // namespace okg::kube
