#include "kube/connection.hpp"

#include <netinet/tcp.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <sys/socket.h>

#include <array>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/error.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/write.hpp>
#include <cerrno>
#include <optional>
#include <vector>

#include "kube/message.hpp"
#include "kube/openssl.hpp"

namespace okg::kube {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using base::Code;
using base::Error;
using boost::system::error_code;
using Clock = std::chrono::steady_clock;

constexpr std::size_t kMostAddresses = 8;
constexpr std::size_t kReadSize = 16 * 1024;  // a record's
// A peer that is gone without telling is found after a minute, whoever waits for what.
constexpr int kKeepIdle = 30, kKeepInterval = 10, kKeepCount = 3;  // seconds
constexpr unsigned kUserTimeout = 30'000;                          // ms

void set_options(int fd) {
  const int on = 1;
  ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  ::setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
  ::setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &kKeepIdle, sizeof kKeepIdle);
  ::setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &kKeepInterval, sizeof kKeepInterval);
  ::setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &kKeepCount, sizeof kKeepCount);
  ::setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &kUserTimeout, sizeof kUserTimeout);
}

bool is_address(const std::string& host) {
  error_code failed;
  asio::ip::make_address(host, failed);
  return !failed;
}

// The certificate has to be for this very host: an IP address among its SANs, or a name among them.
bool expect_host(SSL* ssl, const std::string& host) {
  X509_VERIFY_PARAM* const expected = ::SSL_get0_param(ssl);
  if (is_address(host)) return ::X509_VERIFY_PARAM_set1_ip_asc(expected, host.c_str()) == 1;
  ::X509_VERIFY_PARAM_set_hostflags(
      expected, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS | X509_CHECK_FLAG_NEVER_CHECK_SUBJECT);
  return ::X509_VERIFY_PARAM_set1_host(expected, host.c_str(), 0) == 1 &&
         ::SSL_ctrl(ssl, SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name,
                    const_cast<char*>(host.c_str())) == 1;
}

}  // namespace

// Outlives its Connection as long as one of its handlers is pending.
struct Connection::Link : std::enable_shared_from_this<Link> {
  Link(asio::io_context& io_context, const Config& to, asio::ssl::context& context, ConnectionUser& told)
      : io(io_context),
        config(to),
        name(where(to)),
        user(&told),
        timer(io),
        resolver(io),
        stream(io, context),
        piece(kReadSize) {}

  tcp::socket& socket() { return stream.next_layer(); }

  // Nothing may throw into the io loop, which serves more than us.
  template <class Work>
  void guarded(Work work) {
    if (user == nullptr) return;
    try {
      work();
    } catch (const std::exception& thrown) {
      fail(Error(Code::no_memory, name + ": " + thrown.what()));
    }
  }

  void resolve();
  void connect_next(error_code last);
  error_code make_socket(const tcp::endpoint& to);
  void attempted(error_code failed);
  void handshake();
  void shaken(error_code failed);
  void read();
  void got(error_code failed, std::size_t size);
  void write(std::string bytes);
  void written(error_code failed);
  void fail(Error error, bool orderly = false);
  void report();
  void close();

  OpensslUse openssl;
  asio::io_context& io;
  const Config config;
  const std::string name;
  ConnectionUser* user;  // nullptr: nobody listens any more
  asio::steady_timer timer;
  tcp::resolver resolver;
  asio::ssl::stream<tcp::socket> stream;
  std::vector<tcp::endpoint> endpoints;
  std::size_t next = 0;
  unsigned attempt = 0;  // counts beginnings and ends
  Clock::time_point deadline;
  const char* doing = "before it began";
  std::vector<char> piece;
  std::string out;
  bool writing = false, attempt_timed_out = false;
  Sent sent = Sent::nothing;
  std::optional<Ending> ending;
};

void Connection::Link::close() {
  timer.cancel();
  resolver.cancel();
  if (!socket().is_open()) return;
  // A child that a game forked may hold the socket too: the peer shall hear of it all the same.
  ::shutdown(socket().native_handle(), SHUT_RDWR);
  error_code ignored;
  socket().close(ignored);
}

// A write that is under way is waited for: it is closed, so that does not take long, and only then it is
// known whether all was sent.
void Connection::Link::fail(Error error, bool orderly) {
  if (user == nullptr || ending) return;
  ending.emplace(Ending{std::move(error), orderly, sent});
  close();
  if (!writing) report();
}

void Connection::Link::report() {
  ending->sent = sent;
  std::exchange(user, nullptr)->ended(*std::move(ending));
}

void Connection::Link::resolve() {
  error_code none;
  const auto address = asio::ip::make_address(config.host, none);
  if (!none) {
    endpoints.emplace_back(address, config.port);
    return connect_next({});
  }
  doing = "while resolving its name";
  resolver.async_resolve(
      config.host, std::to_string(config.port), tcp::resolver::numeric_service,
      [self = shared_from_this()](error_code failed, const tcp::resolver::results_type& found) {
        self->guarded([&] {
          if (failed)
            return self->fail(Error(Code::io, self->name + ": resolve its name: " + failed.message()));
          for (const auto& entry : found)
            if (self->endpoints.size() < kMostAddresses) self->endpoints.push_back(entry.endpoint());
          self->connect_next({});
        });
      });
}

error_code Connection::Link::make_socket(const tcp::endpoint& to) {
  error_code failed;
  socket().close(failed);
  // Asio's own would be inherited over exec().
  const int fd = ::socket(to.protocol().family(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_TCP);
  if (fd < 0) return {errno, boost::system::system_category()};
  set_options(fd);
  socket().assign(to.protocol(), fd, failed);
  if (failed) ::close(fd);
  return failed;
}

void Connection::Link::connect_next(error_code last) {
  doing = "while connecting";
  while (next < endpoints.size()) {
    const tcp::endpoint& to = endpoints[next++];
    last = make_socket(to);
    if (last) continue;
    attempt_timed_out = false;
    ++attempt;
    if (const std::size_t others = endpoints.size() - next; others > 0) {
      timer.expires_after(std::max<Clock::duration>(deadline - Clock::now(), {}) / (others + 1));
      timer.async_wait([self = shared_from_this(), mine = attempt](error_code stopped) {
        // One that fired just before the connection came about comes here all the same.
        if (stopped || self->user == nullptr || self->attempt != mine) return;
        self->attempt_timed_out = true;
        error_code ignored;
        self->socket().cancel(ignored);
      });
    }
    socket().async_connect(to, [self = shared_from_this()](error_code failed) {
      self->guarded([&] { self->attempted(failed); });
    });
    return;
  }
  if (!last) last = asio::error::host_not_found;
  Error error(last == asio::error::timed_out ? Code::timeout : Code::io,
              name + ": connect: " + last.message());
  fail(std::move(error));
}

void Connection::Link::attempted(error_code failed) {
  if (ending) return;
  timer.cancel();
  ++attempt;
  if (attempt_timed_out) failed = asio::error::timed_out;
  if (failed) return connect_next(failed);
  handshake();
}

void Connection::Link::handshake() {
  doing = "during the TLS handshake";
  if (!expect_host(stream.native_handle(), config.host))
    return fail(Error(Code::internal, name + ": TLS: cannot verify this host: " + take_openssl_error()));
  stream.async_handshake(asio::ssl::stream_base::client, [self = shared_from_this()](error_code failed) {
    self->guarded([&] { self->shaken(failed); });
  });
}

void Connection::Link::shaken(error_code failed) {
  if (ending) return;
  // Nothing but a verified peer comes through the handshake; the result says why another one did not.
  if (const long verdict = ::SSL_get_verify_result(stream.native_handle()); verdict != X509_V_OK)
    return fail(Error(Code::denied,
                      name +
                          ": its certificate is not accepted: " + ::X509_verify_cert_error_string(verdict) +
                          ": compare it with ca.crt, the host's name and this machine's clock"));
  if (failed == asio::error::eof || failed == asio::ssl::error::stream_truncated)
    return fail(Error(Code::io, name + ": TLS handshake: the connection was closed"));
  if (failed)
    return fail(Error(Code::io, name + ": TLS handshake: " + failed.message() + ": is it a port for HTTPS?"));
  doing = "while it was idle";
  read();
  user->connected();
}

void Connection::Link::read() {
  stream.async_read_some(asio::buffer(piece),
                         [self = shared_from_this()](error_code failed, std::size_t size) {
                           self->guarded([&] { self->got(failed, size); });
                         });
}

void Connection::Link::got(error_code failed, std::size_t size) {
  if (ending) return;
  if (size > 0) user->received({piece.data(), size});
  if (user == nullptr || ending) return;
  if (!failed) return read();
  if (failed == asio::error::eof) return fail(Error(Code::io, name + ": closed the connection"), true);
  if (failed == asio::ssl::error::stream_truncated)
    return fail(Error(Code::io, name + ": the connection was cut off"));
  fail(Error(failed == asio::error::timed_out ? Code::timeout : Code::io,
             name + ": receive: " + failed.message()));
}

void Connection::Link::write(std::string bytes) {
  doing = "while sending";
  out = std::move(bytes);
  writing = true;
  sent = Sent::not_all;
  // Asio sends with MSG_NOSIGNAL: a peer that is gone is an error, not a SIGPIPE.
  asio::async_write(stream, asio::buffer(out), [self = shared_from_this()](error_code failed, std::size_t) {
    self->writing = false;
    if (!failed) self->sent = Sent::all;
    self->guarded([&] { self->written(failed); });
  });
}

void Connection::Link::written(error_code failed) {
  doing = "while waiting for the answer";
  if (ending) return report();
  if (failed)
    fail(Error(failed == asio::error::timed_out ? Code::timeout : Code::io,
               name + ": send: " + failed.message()));
}

Connection::Connection(asio::io_context& io, const Config& config,
                       const std::shared_ptr<asio::ssl::context>& context, ConnectionUser& user)
    : link_(std::make_shared<Link>(io, config, *context, user)) {}

Connection::~Connection() {
  link_->user = nullptr;
  link_->close();
}

void Connection::open(Clock::time_point deadline) {
  link_->deadline = deadline;
  asio::post(link_->io, [link = link_] { link->guarded([&] { link->resolve(); }); });
}

void Connection::write(std::string bytes) {
  link_->write(std::move(bytes));
}

bool Connection::writing() const {
  return link_->writing;
}

std::string_view Connection::doing() const {
  return link_->doing;
}

}  // namespace okg::kube
