// A running endpoint with a backend that does what the test says, and clients that speak raw bytes.
#pragma once

#include <gtest/gtest.h>
#include <sys/socket.h>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "base/unique_fd.hpp"
#include "control/client.hpp"
#include "control/endpoint.hpp"
#include "control/settings.hpp"

namespace okg::control::test {

payload::Digest digest_of(char fill);  // 32 bytes of `fill`

class FakeBackend : public Backend {
 public:
  // What the endpoint is told; set through change().
  struct State {
    std::map<payload::Digest, Outcome> outcomes;  // others are not found
    std::optional<payload::Digest> desired;
    Outcome reload_answer{Verdict::pending, ""}, rollback_answer{Verdict::pending, ""};
    std::optional<payload::Digest> target;
    bool live = true, ready = true, allowed = true;
    Metrics metrics;
    std::function<void(State&)> on_look;
    // What the endpoint asked.
    std::vector<GameServerWish> wishes;
    base::Result<std::uint64_t> write_answer{7};
    int looks = 0, outcomes_asked = 0, reloads = 0, rollbacks = 0;
    std::optional<payload::Digest> asked_digest;
    bool asked_force = false;
  };

  std::string status_json() override { return R"({"schema":"okg.status/v1"})"; }
  Metrics metrics() override;
  bool live() override;
  bool ready() override;
  bool peer_allowed(uid_t uid) override;
  void look_now() override;
  std::optional<payload::Digest> desired() override;
  Outcome outcome(const payload::Digest& digest) override;
  Outcome request_reload(const std::optional<payload::Digest>& digest, bool force,
                         std::optional<payload::Digest>* target) override;
  Outcome request_rollback(const std::optional<payload::Digest>& to, bool force,
                           std::optional<payload::Digest>* target) override;
  base::Result<std::uint64_t> request_write(const GameServerWish& wish) override;

  void change(const std::function<void(State&)>& change);
  State state();
  // Until `done` holds of the state; false after 20 s.
  bool wait_until(const std::function<bool(const State&)>& done);

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  State state_;
};

// A directory on tmpfs, removed at the end.
class Directory {
 public:
  Directory();
  ~Directory();
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

struct Answered {
  int status = 0;                              // 0: the connection ended instead
  std::map<std::string, std::string> headers;  // lower case
  std::string body;
};

// One connection that speaks raw bytes. Nothing here waits longer than 20 s.
class Client {
 public:
  explicit Client(base::UniqueFd fd) : fd_(std::move(fd)) {}
  static Client unix_socket(const std::string& path);
  static Client tcp(unsigned short port, const char* to = "127.0.0.1", const char* from = nullptr);

  bool connected() const { return static_cast<bool>(fd_); }
  int fd() const { return fd_.get(); }
  bool send(std::string_view bytes);  // false: the other side is gone
  Answered receive(bool head_only = false);
  Answered ask(const std::string& request) {
    send(request);
    return receive();
  }
  // True when the other side has closed; what came until then is dropped.
  bool wait_closed();
  void close() { fd_.reset(); }

 private:
  bool fill();
  base::UniqueFd fd_;
  std::string buffer_;
};

std::string get(const std::string& target, const std::string& headers = "");
std::string post(const std::string& target, const std::string& body, const std::string& headers = "");

// An endpoint on its own io thread.
class Rig {
 public:
  explicit Rig(EndpointOptions options = {}, const Settings& settings = {});
  ~Rig();

  FakeBackend backend;
  std::vector<std::string> log();
  const std::string& run() const { return options_.run_directory; }
  std::string socket_path() const { return run() + "/okg.sock"; }
  unsigned short port();
  Client unix_socket() { return Client::unix_socket(socket_path()); }
  Client tcp(const char* from = nullptr) { return Client::tcp(port(), "127.0.0.1", from); }
  Answered ask(const std::string& request) { return unix_socket().ask(request); }
  Answered ask_tcp(const std::string& request) { return tcp().ask(request); }

  void on_io(const std::function<void(Endpoint&)>& work);  // runs it on the io thread and waits
  void notify();
  base::Status opened = {};

 private:
  static void sink(void* user, base::LogLevel level, std::string_view category, std::string_view text);
  Directory directory_;
  EndpointOptions options_;
  std::mutex log_mutex_;
  std::vector<std::string> log_;
  boost::asio::io_context io_;
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work_;
  std::unique_ptr<Endpoint> endpoint_;
  std::thread thread_;
};

}  // namespace okg::control::test
