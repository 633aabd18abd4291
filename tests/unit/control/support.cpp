#include "unit/control/support.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/un.h>

#include <algorithm>
#include <boost/asio/post.hpp>
#include <chrono>
#include <cstring>
#include <filesystem>
#include <future>

#include "control/unix_socket.hpp"

namespace okg::control::test {
namespace {

constexpr std::chrono::seconds kPatience{20};

}  // namespace

payload::Digest digest_of(char fill) {
  payload::Digest digest;
  digest.bytes.fill(static_cast<std::uint8_t>(fill));
  return digest;
}

void FakeBackend::change(const std::function<void(State&)>& change) {
  const std::lock_guard lock(mutex_);
  change(state_);
  changed_.notify_all();
}

FakeBackend::State FakeBackend::state() {
  const std::lock_guard lock(mutex_);
  return state_;
}

bool FakeBackend::wait_until(const std::function<bool(const State&)>& done) {
  std::unique_lock lock(mutex_);
  return changed_.wait_for(lock, kPatience, [&] { return done(state_); });
}

Metrics FakeBackend::metrics() {
  return state().metrics;
}
bool FakeBackend::live() {
  return state().live;
}
bool FakeBackend::ready() {
  return state().ready;
}
bool FakeBackend::peer_allowed(uid_t uid) {
  return uid == ::geteuid() && state().allowed;
}
std::optional<payload::Digest> FakeBackend::desired() {
  return state().desired;
}

void FakeBackend::look_now() {
  change([](State& state) {
    ++state.looks;
    if (state.on_look) state.on_look(state);
  });
}

Outcome FakeBackend::outcome(const payload::Digest& digest) {
  Outcome outcome{Verdict::not_found, "no such payload"};
  change([&](State& state) {
    ++state.outcomes_asked;
    if (const auto found = state.outcomes.find(digest); found != state.outcomes.end())
      outcome = found->second;
  });
  return outcome;
}

Outcome FakeBackend::request_reload(const std::optional<payload::Digest>& digest, bool force,
                                    std::optional<payload::Digest>* target) {
  Outcome outcome;
  change([&](State& state) {
    ++state.reloads;
    state.asked_digest = digest;
    state.asked_force = force;
    if (target != nullptr) *target = state.target;
    outcome = state.reload_answer;
  });
  return outcome;
}

Outcome FakeBackend::request_rollback(const std::optional<payload::Digest>& to, bool force,
                                      std::optional<payload::Digest>* target) {
  Outcome outcome;
  change([&](State& state) {
    ++state.rollbacks;
    state.asked_digest = to;
    state.asked_force = force;
    if (target != nullptr) *target = state.target;
    outcome = state.rollback_answer;
  });
  return outcome;
}

base::Result<std::uint64_t> FakeBackend::request_write(const GameServerWish& wish) {
  base::Result<std::uint64_t> answer{0};
  change([&](State& state) {
    state.wishes.push_back(wish);
    answer = state.write_answer;
  });
  return answer;
}

Directory::Directory() {
  char name[] = "/dev/shm/okg-control-XXXXXX";
  if (::mkdtemp(name) == nullptr) std::abort();
  path_ = name;
}

Directory::~Directory() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

Client Client::unix_socket(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  const auto address = socket_address(base::Os::real(), path.substr(0, slash), path.substr(slash + 1));
  base::UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!address || ::connect(fd.get(), address->get(), address->size()) != 0) fd.reset();
  return Client(std::move(fd));
}

Client Client::tcp(unsigned short port, const char* to, const char* from) {
  base::UniqueFd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  if (from != nullptr) {
    ::inet_pton(AF_INET, from, &address.sin_addr);
    if (::bind(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) fd.reset();
  }
  ::inet_pton(AF_INET, to, &address.sin_addr);
  address.sin_port = htons(port);
  if (fd && ::connect(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) fd.reset();
  return Client(std::move(fd));
}

bool Client::send(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t put = ::send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (put <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(put));
  }
  return true;
}

bool Client::fill() {
  pollfd readable{fd_.get(), POLLIN, 0};
  if (::poll(&readable, 1, static_cast<int>(std::chrono::milliseconds(kPatience).count())) <= 0) {
    ADD_FAILURE() << "no answer in time";
    return false;
  }
  char piece[16 * 1024];
  const ssize_t got = ::recv(fd_.get(), piece, sizeof piece, 0);
  if (got <= 0) return false;
  buffer_.append(piece, static_cast<std::size_t>(got));
  return true;
}

Answered Client::receive(bool head_only) {
  Answered answer;
  std::size_t end;
  while ((end = buffer_.find("\r\n\r\n")) == buffer_.npos)
    if (!fd_ || !fill()) return {};
  const std::string head = buffer_.substr(0, end + 2);
  buffer_.erase(0, end + 4);
  EXPECT_EQ(head.compare(0, 9, "HTTP/1.1 "), 0) << head;
  answer.status = std::stoi(head.substr(9, 3));
  for (std::size_t at = head.find("\r\n") + 2; at < head.size();) {
    const std::size_t line = head.find("\r\n", at);
    const std::size_t colon = head.find(": ", at);
    std::string name = head.substr(at, colon - at);
    std::transform(name.begin(), name.end(), name.begin(), [](unsigned char c) { return std::tolower(c); });
    EXPECT_EQ(answer.headers.count(name), 0u) << name << " stands twice";
    answer.headers[name] = head.substr(colon + 2, line - colon - 2);
    at = line + 2;
  }
  if (answer.status == 100) return answer;
  const std::size_t length = std::stoul(answer.headers.at("content-length"));
  if (head_only) return answer;
  while (buffer_.size() < length)
    if (!fill()) return {};
  answer.body = buffer_.substr(0, length);
  buffer_.erase(0, length);
  return answer;
}

bool Client::wait_closed() {
  while (fill()) buffer_.clear();
  return !::testing::Test::HasFailure();
}

std::string get(const std::string& target, const std::string& headers) {
  return "GET " + target + " HTTP/1.1\r\nHost: localhost\r\n" + headers + "\r\n";
}

std::string post(const std::string& target, const std::string& body, const std::string& headers) {
  return "POST " + target + " HTTP/1.1\r\nHost: localhost\r\nContent-Length: " + std::to_string(body.size()) +
         "\r\n" + headers + "\r\n" + body;
}

Rig::Rig(EndpointOptions options, const Settings& settings)
    : options_(std::move(options)), work_(io_.get_executor()) {
  if (options_.run_directory.empty()) options_.run_directory = directory_.path();
  endpoint_ = std::make_unique<Endpoint>(io_, backend, options_, base::Os::real(),
                                         base::Log(&Rig::sink, this, base::LogLevel::debug), settings);
  opened = endpoint_->open();
  thread_ = std::thread([this] { io_.run(); });
}

Rig::~Rig() {
  on_io([](Endpoint& endpoint) { endpoint.close(); });
  work_.reset();
  io_.stop();
  thread_.join();
}

void Rig::sink(void* user, base::LogLevel, std::string_view, std::string_view text) {
  auto* rig = static_cast<Rig*>(user);
  const std::lock_guard lock(rig->log_mutex_);
  rig->log_.emplace_back(text);
}

std::vector<std::string> Rig::log() {
  const std::lock_guard lock(log_mutex_);
  return log_;
}

unsigned short Rig::port() {
  unsigned short port = 0;
  on_io([&](Endpoint& endpoint) { port = endpoint.port(); });
  return port;
}

void Rig::on_io(const std::function<void(Endpoint&)>& work) {
  std::promise<void> done;
  boost::asio::post(io_, [&] {
    work(*endpoint_);
    done.set_value();
  });
  done.get_future().wait();
}

void Rig::notify() {
  on_io([](Endpoint& endpoint) { endpoint.notify(); });
}

}  // namespace okg::control::test
