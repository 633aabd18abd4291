// One client: reads requests, has them judged, writes answers, keeps the times. Lives on the io thread; alive
// as long as the hub or a pending handler holds it.
#pragma once

#include <sys/types.h>

#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <memory>
#include <optional>
#include <string>

#include "base/unique_fd.hpp"
#include "control/hub.hpp"
#include "control/request_reader.hpp"
#include "control/routes.hpp"

namespace okg::control {

struct Peer {
  Transport transport = Transport::unix_socket;
  std::string name;  // "uid 1000" or an IP address
  uid_t uid = 0;     // Unix socket only
};

class Connection : public std::enable_shared_from_this<Connection> {
 public:
  // `counted`: the peer table knows it; it is told when the connection ends.
  Connection(std::shared_ptr<Hub> hub, Peer peer, bool counted);
  ~Connection();

  // False: the descriptor cannot be watched; drop it.
  bool assign(base::UniqueFd fd);
  void start();
  // Answers without reading anything, and closes.
  void turn_away(int status);
  void judge();
  // For one who waits: is there an outcome now?
  void look_again();
  void drop();

 private:
  enum class Phase { idle, fresh, head, body, judging, waiting, writing, lingering, closed };

  template <class Work>
  void guarded(Work work);
  void proceed();
  void arrived(Incoming request);
  void enter(Phase phase, std::chrono::milliseconds at_most);
  void expired();
  void watch();
  void readable();
  void respond(const Reply& reply);
  void respond_and_close(int status, std::string_view code, std::string_view text);
  void flush();
  void written();

  const std::shared_ptr<Hub> hub_;
  const Peer peer_;
  const bool counted_;
  boost::asio::posix::stream_descriptor descriptor_;
  boost::asio::steady_timer timer_;
  RequestReader reader_;
  Phase phase_ = Phase::fresh;
  bool watching_ = false;
  bool keep_alive_ = true, linger_ = false;
  Incoming request_;
  std::optional<Waiting> waiting_;
  std::string out_;
  std::size_t sent_ = 0;
};

}  // namespace okg::control
