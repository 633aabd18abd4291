// An API server on 127.0.0.1 that does what a test says: real TLS, with a CA, certificates and a projected
// volume of its own, and none of okg's code for any of it.
//
//   FakeApiServer server;
//   server.on("GET", "/version", [](const FakeRequest&, FakeAnswer& answer) { answer.json(200, "{}"); });
//   … in_cluster_config(os, server.environment()) …
//   EXPECT_EQ(server.requests().size(), 1);
//
// All functions may be called from any thread. Handlers run on threads of their connections.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "base/environment.hpp"
#include "base/unique_fd.hpp"
#include "support/certificates.hpp"
#include "support/fake_answer.hpp"
#include "support/temporary_directory.hpp"

namespace okg::test {

class FakeApiServer {
 public:
  using Handler = std::function<void(const FakeRequest& request, FakeAnswer& answer)>;

  FakeApiServer();
  ~FakeApiServer();  // cuts what is open
  FakeApiServer(const FakeApiServer&) = delete;
  FakeApiServer& operator=(const FakeApiServer&) = delete;

  // For requests with this method and path ("*" is any method, and at the end of a path anything). The one
  // said last wins; without one it is 404. A handler that answers nothing is a 500.
  void on(const std::string& method, const std::string& path, Handler handler);

  // Where it is, as a pod is told: KUBERNETES_SERVICE_HOST, …_PORT and OKG_SERVICE_ACCOUNT_DIR.
  base::Environment environment() const;
  std::uint16_t port() const { return port_; }
  std::string directory() const { return volume_.path(); }  // token, ca.crt, namespace; behind ..data

  // What happened so far.
  std::vector<FakeRequest> requests() const;
  std::size_t connections() const;  // that were accepted
  std::size_t open_connections() const;
  bool wait_requests(std::size_t n) const;  // until there were so many, or 20 s
  bool wait_connections(std::size_t n) const;
  bool wait_open(std::size_t n) const;  // until exactly so many are open, or 20 s
  // The n-th stream that a handler began, from 1, as soon as it did; nullptr after 20 s.
  std::shared_ptr<FakeStream> wait_stream(std::size_t n) const;

  // The volume, swapped as a whole as the kubelet does it.
  void write_token(const std::string& token);
  void write_ca(const std::string& pem);
  // What is accepted: others get 401 before any handler. "" is any; it begins with what is in the file.
  void accept_token(const std::string& token);
  void rotate_token(const std::string& token) {
    accept_token(token);
    write_token(token);
  }

  // Of new connections. It begins with one for 127.0.0.1, ::1 and localhost.
  void use_certificate(const Certificate& certificate);
  CertificateAuthority& ca() { return *ca_; }
  // Another CA, and a certificate of it for new connections. The volume's ca.crt is the test's to write.
  void rotate_ca();

  // What a new connection meets.
  enum class Welcome { tls, tls_1_2, tls_1_1, plain_http, silence, hang_up };
  void welcome(Welcome how);

  // What open connections meet.
  void close_idle();  // each as soon as it is between two requests: in order
  void cut_all();     // in the middle of anything

  // As if the machine's API server was gone: nobody listens, nothing is open. The port stays the same.
  void stop();
  void start();

 private:
  struct Connection;
  struct Route {
    std::string method, path;
    Handler handler;
  };

  void listen();
  void accept();
  void serve(Connection& connection);
  void answer(const FakeRequest& request, FakeAnswer& answer);
  void write_volume();
  void join_finished();
  std::size_t count_open() const;

  TemporaryDirectory volume_;
  std::unique_ptr<CertificateAuthority> ca_ = std::make_unique<CertificateAuthority>();
  mutable std::mutex mutex_;
  mutable std::condition_variable changed_;
  std::vector<Route> routes_;
  std::vector<FakeRequest> requests_;
  std::vector<std::shared_ptr<FakeStream>> streams_;
  std::vector<std::unique_ptr<Connection>> open_;
  std::size_t accepted_ = 0;
  Certificate certificate_;
  std::string token_ = "first-token", accepted_token_ = token_, ca_text_;
  unsigned generation_ = 0;  // of the volume
  Welcome welcome_ = Welcome::tls;
  std::uint16_t port_ = 0;
  base::UniqueFd listener_;
  std::thread acceptor_;
};

}  // namespace okg::test
