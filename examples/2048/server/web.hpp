// The network side: one thread that serves the page over HTTP and carries messages over WebSockets. It knows
// nothing of boards; the game loop knows nothing of sockets.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "content.hpp"
#include "game.hpp"
#include "inbox.hpp"

namespace game2048 {

// What is served: the payload in use.
struct Site {
  std::string version;
  Client client;
  Texts texts;
};

class Web {
 public:
  // `inbox` gets what pages send; SIGINT and SIGTERM stop it.
  explicit Web(Inbox& inbox);
  ~Web();
  Web(const Web&) = delete;
  Web& operator=(const Web&) = delete;

  // Binds and starts the thread. Until serve() every request is answered with 503. The error is one line.
  std::optional<std::string> listen(const std::string& address, std::uint16_t port);
  // Of the bound socket, "http://127.0.0.1:8080".
  std::string url() const;

  // Any thread. Null: there is nothing to serve (again).
  void serve(std::shared_ptr<const Site> site);
  void send(std::vector<Outgoing> messages);

  // Closes every connection and joins the thread.
  void stop();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace game2048
