#include "support/fake_api_server.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/ssl.h>
#include <signal.h>
#include <sys/socket.h>

#include <algorithm>
#include <cctype>
#include <filesystem>
#include <optional>
#include <stdexcept>

namespace okg::test {
namespace {

constexpr std::chrono::seconds kPatience{20};

// OpenSSL writes without MSG_NOSIGNAL: what that makes stays pending in these threads alone.
void block_sigpipe() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGPIPE);
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
}

bool fits(const std::string& pattern, const std::string& text) {
  if (pattern.ends_with('*')) return text.starts_with(pattern.substr(0, pattern.size() - 1));
  return pattern == text;
}

// The header up to its empty line, and what follows of the body.
FakeRequest parse_head(const std::string& head) {
  FakeRequest out;
  std::size_t at = head.find("\r\n");
  const std::string first = head.substr(0, at);
  const std::size_t one = first.find(' '), two = first.rfind(' ');
  out.method = first.substr(0, one);
  out.target = first.substr(one + 1, two - one - 1);
  const std::size_t question = out.target.find('?');
  out.path = out.target.substr(0, question);
  if (question != out.target.npos) out.query = out.target.substr(question + 1);
  while (at + 2 < head.size()) {
    const std::size_t begin = at + 2;
    at = head.find("\r\n", begin);
    const std::string line = head.substr(begin, at - begin);
    const std::size_t colon = line.find(": ");
    if (colon == line.npos) break;
    std::string name = line.substr(0, colon);
    std::transform(name.begin(), name.end(), name.begin(), [](unsigned char c) { return std::tolower(c); });
    out.headers[name] = line.substr(colon + 2);
  }
  const std::string bearer = "Bearer ";
  if (const auto found = out.headers.find("authorization");
      found != out.headers.end() && found->second.starts_with(bearer))
    out.token = found->second.substr(bearer.size());
  return out;
}

}  // namespace

struct FakeApiServer::Connection {
  Connection(base::UniqueFd socket, std::size_t n) : wire(std::move(socket)), number(n) {}

  // nullopt: there will be none.
  std::optional<FakeRequest> read_request() {
    std::size_t end = 0;
    while ((end = buffer.find("\r\n\r\n")) == buffer.npos)
      if (!read_more()) return std::nullopt;
    FakeRequest request = parse_head(buffer.substr(0, end + 2));
    buffer.erase(0, end + 4);
    const auto length = request.headers.find("content-length");
    const std::size_t size = length == request.headers.end() ? 0 : std::stoul(length->second);
    while (buffer.size() < size)
      if (!read_more()) return std::nullopt;
    request.body = buffer.substr(0, size);
    buffer.erase(0, size);
    return request;
  }

  FakeWire wire;
  const std::size_t number;
  std::string buffer;
  std::atomic<bool> close_when_idle{false};
  bool finished = false;  // with the server's mutex
  std::thread thread;

 private:
  bool read_more() {
    for (;;) {
      if (buffer.empty() && close_when_idle) {
        wire.close();
        return false;
      }
      auto bytes = wire.read_some();
      if (bytes) {
        buffer += *bytes;
        return true;
      }
      if (wire.gone()) return false;
    }
  }
};

FakeApiServer::FakeApiServer()
    : certificate_(ca_->issue({"127.0.0.1", "::1", "localhost"})), ca_text_(ca_->pem()) {
  write_volume();
  start();
}

FakeApiServer::~FakeApiServer() {
  stop();
}

void FakeApiServer::listen() {
  listener_.reset(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const int on = 1, buffer = 128 * 1024;
  ::setsockopt(listener_.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  ::setsockopt(listener_.get(), SOL_SOCKET, SO_RCVBUF, &buffer,
               sizeof buffer);  // so that ignore() gets stuck
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(port_);
  socklen_t size = sizeof address;
  auto* const raw = reinterpret_cast<sockaddr*>(&address);
  if (::bind(listener_.get(), raw, size) != 0 || ::listen(listener_.get(), SOMAXCONN) != 0 ||
      ::getsockname(listener_.get(), raw, &size) != 0)
    throw std::runtime_error("fake API server: cannot listen");
  port_ = ntohs(address.sin_port);
}

void FakeApiServer::start() {
  if (acceptor_.joinable()) return;
  listen();
  acceptor_ = std::thread([this] {
    block_sigpipe();
    accept();
  });
}

void FakeApiServer::stop() {
  if (!acceptor_.joinable()) return;
  ::shutdown(listener_.get(), SHUT_RDWR);
  acceptor_.join();
  listener_.reset();
  cut_all();
  std::vector<std::unique_ptr<Connection>> open;
  {
    const std::lock_guard hold(mutex_);
    open = std::move(open_);
    open_.clear();
  }
  for (const auto& connection : open) connection->thread.join();
}

void FakeApiServer::accept() {
  for (;;) {
    base::UniqueFd socket(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
    if (!socket) return;
    const int on = 1;
    ::setsockopt(socket.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    join_finished();
    const std::lock_guard hold(mutex_);
    open_.push_back(std::make_unique<Connection>(std::move(socket), ++accepted_));
    changed_.notify_all();
    Connection& connection = *open_.back();
    connection.thread = std::thread([this, &connection] {
      block_sigpipe();
      serve(connection);
      connection.wire.cut();
      const std::lock_guard done(mutex_);
      connection.finished = true;
      changed_.notify_all();
    });
  }
}

void FakeApiServer::join_finished() {
  const std::lock_guard hold(mutex_);
  std::erase_if(open_, [](const auto& connection) {
    if (!connection->finished) return false;
    connection->thread.join();
    return true;
  });
}

void FakeApiServer::serve(Connection& connection) {
  Welcome how{};
  Certificate certificate;
  {
    const std::lock_guard hold(mutex_);
    how = welcome_;
    certificate = certificate_;
  }
  if (how == Welcome::hang_up) return;
  while (how == Welcome::silence && !connection.wire.gone()) connection.wire.wait(std::chrono::hours(1));
  if (how == Welcome::plain_http) {
    // What it reads is the client's TLS.
    if (connection.wire.read_some())
      connection.wire.write("HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n");
    return;
  }
  const int newest = how == Welcome::tls_1_2 ? TLS1_2_VERSION : how == Welcome::tls_1_1 ? TLS1_1_VERSION : 0;
  if (!connection.wire.accept(certificate, newest)) return;
  while (auto request = connection.read_request()) {
    request->connection = connection.number;
    request->at = std::chrono::steady_clock::now();
    {
      const std::lock_guard hold(mutex_);
      requests_.push_back(*request);
      changed_.notify_all();
    }
    FakeAnswer answer_to(connection.wire);
    answer(*request, answer_to);
    if (answer_to.began_stream()) {
      const std::lock_guard hold(mutex_);
      streams_.push_back(answer_to.began_stream());
      changed_.notify_all();
    }
    if (!answer_to.finish()) return;
  }
}

void FakeApiServer::answer(const FakeRequest& request, FakeAnswer& answer) {
  Handler handler;
  {
    const std::lock_guard hold(mutex_);
    if (!accepted_token_.empty() && request.token != accepted_token_)
      return answer.refuse(401, "Unauthorized", "Unauthorized");
    const auto found = std::find_if(routes_.rbegin(), routes_.rend(), [&](const Route& route) {
      return fits(route.method, request.method) && fits(route.path, request.path);
    });
    if (found != routes_.rend()) handler = found->handler;
  }
  if (!handler) return answer.refuse(404, "NotFound", "the server could not find the requested resource");
  handler(request, answer);
  if (!answer.began()) answer.refuse(500, "InternalError", "the test's handler did not answer");
}

void FakeApiServer::on(const std::string& method, const std::string& path, Handler handler) {
  const std::lock_guard hold(mutex_);
  routes_.push_back({method, path, std::move(handler)});
}

base::Environment FakeApiServer::environment() const {
  return [port = std::to_string(port_),
          directory = directory()](const char* name) -> std::optional<std::string> {
    const std::string wanted = name;
    if (wanted == "KUBERNETES_SERVICE_HOST") return "127.0.0.1";
    if (wanted == "KUBERNETES_SERVICE_PORT" || wanted == "KUBERNETES_SERVICE_PORT_HTTPS") return port;
    if (wanted == "OKG_SERVICE_ACCOUNT_DIR") return directory;
    return std::nullopt;
  };
}

std::vector<FakeRequest> FakeApiServer::requests() const {
  const std::lock_guard hold(mutex_);
  return requests_;
}

std::size_t FakeApiServer::connections() const {
  const std::lock_guard hold(mutex_);
  return accepted_;
}

bool FakeApiServer::wait_requests(std::size_t n) const {
  std::unique_lock hold(mutex_);
  return changed_.wait_for(hold, kPatience, [&] { return requests_.size() >= n; });
}

bool FakeApiServer::wait_connections(std::size_t n) const {
  std::unique_lock hold(mutex_);
  return changed_.wait_for(hold, kPatience, [&] { return accepted_ >= n; });
}

// ..data -> ..<generation>, replaced by one rename; the files are links into it.
void FakeApiServer::write_volume() {
  namespace fs = std::filesystem;
  const std::string version = "..version-" + std::to_string(++generation_);
  write_file(volume_ / (version + "/token"), token_);
  write_file(volume_ / (version + "/ca.crt"), ca_text_);
  write_file(volume_ / (version + "/namespace"), "default");
  const std::string old =
      fs::is_symlink(volume_ / "..data") ? fs::read_symlink(volume_ / "..data") : fs::path();
  fs::create_symlink(version, volume_ / "..data_tmp");
  fs::rename(volume_ / "..data_tmp", volume_ / "..data");
  if (!old.empty()) fs::remove_all(volume_ / old);
  for (const char* name : {"token", "ca.crt", "namespace"})
    if (!fs::is_symlink(volume_ / name)) fs::create_symlink(std::string("..data/") + name, volume_ / name);
}

void FakeApiServer::write_token(const std::string& token) {
  const std::lock_guard hold(mutex_);
  token_ = token;
  write_volume();
}

void FakeApiServer::write_ca(const std::string& pem) {
  const std::lock_guard hold(mutex_);
  ca_text_ = pem;
  write_volume();
}

void FakeApiServer::accept_token(const std::string& token) {
  const std::lock_guard hold(mutex_);
  accepted_token_ = token;
}

void FakeApiServer::use_certificate(const Certificate& certificate) {
  const std::lock_guard hold(mutex_);
  certificate_ = certificate;
}

void FakeApiServer::rotate_ca() {
  auto next = std::make_unique<CertificateAuthority>("another test CA");
  use_certificate(next->issue({"127.0.0.1", "::1", "localhost"}));
  ca_ = std::move(next);
}

void FakeApiServer::welcome(Welcome how) {
  const std::lock_guard hold(mutex_);
  welcome_ = how;
}

void FakeApiServer::close_idle() {
  const std::lock_guard hold(mutex_);
  for (const auto& connection : open_) {
    connection->close_when_idle = true;
    connection->wire.waker()->wake();
  }
}

std::shared_ptr<FakeStream> FakeApiServer::wait_stream(std::size_t n) const {
  std::unique_lock hold(mutex_);
  if (!changed_.wait_for(hold, kPatience, [&] { return streams_.size() >= n; })) return nullptr;
  return streams_[n - 1];
}

// With the mutex.
std::size_t FakeApiServer::count_open() const {
  return static_cast<std::size_t>(std::count_if(
      open_.begin(), open_.end(), [](const auto& connection) { return !connection->finished; }));
}

std::size_t FakeApiServer::open_connections() const {
  const std::lock_guard hold(mutex_);
  return count_open();
}

bool FakeApiServer::wait_open(std::size_t n) const {
  std::unique_lock hold(mutex_);
  return changed_.wait_for(hold, kPatience, [&] { return count_open() == n; });
}

void FakeApiServer::cut_all() {
  const std::lock_guard hold(mutex_);
  for (const auto& connection : open_) connection->wire.interrupt();
}

}  // namespace okg::test
