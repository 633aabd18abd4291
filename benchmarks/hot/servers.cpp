// Redis and memcached, each by the least client there can be: a Unix socket, one answer for each request. The
// driver starts the servers. What is measured is a round trip to another process; "pipelined": 100 requests
// sent together, then their answers.
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>
#include <string_view>

#include "subject.hpp"

namespace okg::benchmarks {
namespace {

constexpr std::size_t kPipelined = 100;
constexpr int kPatienceMs = 120'000;

// A connection with buffers for both ways.
class Connection {
 public:
  // False: nobody listens (yet).
  bool open(const std::string& path) {
    close();
    fd_ = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (path.size() >= sizeof address.sun_path) stop(path + ": too long for a socket");
    std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
    return ::connect(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
  }
  Connection() = default;
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;
  ~Connection() { close(); }

  void add(std::string_view piece) { out_.append(piece); }
  void send() {
    for (std::size_t at = 0; at < out_.size();) {
      const ssize_t sent = ::send(fd_, out_.data() + at, out_.size() - at, MSG_NOSIGNAL);
      if (sent <= 0) stop("the server is gone");
      at += static_cast<std::size_t>(sent);
    }
    out_.clear();
  }
  // Without its end of line; valid until the next call.
  std::string_view line() {
    for (std::size_t from = at_;;) {
      const std::size_t end = in_.find("\r\n", from);
      if (end != std::string::npos) return take(end - at_, 2);
      from = at_ + std::max<std::size_t>(in_.size() - at_, 1) - 1;
      from -= receive();
    }
  }
  // So many bytes and an end of line.
  std::string_view block(std::size_t size) {
    while (in_.size() - at_ < size + 2) receive();
    return take(size, 2);
  }

 private:
  std::string_view take(std::size_t size, std::size_t end) {
    const std::string_view taken(in_.data() + at_, size);
    at_ += size + end;
    return taken;
  }
  // Returns by how much what was not taken yet has moved towards the beginning.
  std::size_t receive() {
    const std::size_t moved = at_;
    in_.erase(0, at_);
    at_ = 0;
    const std::size_t before = in_.size();
    in_.resize(before + (1 << 16));
    const ssize_t got = ::recv(fd_, in_.data() + before, 1 << 16, 0);
    if (got <= 0) stop("the server is gone");
    in_.resize(before + static_cast<std::size_t>(got));
    return moved;
  }
  void close() {
    if (fd_ >= 0) ::close(fd_);
    fd_ = -1;
  }
  int fd_ = -1;
  std::string out_, in_;
  std::size_t at_ = 0;
};

// What both have in common: requests of which some are still without an answer.
class Server : public Subject {
 public:
  explicit Server(std::size_t together) : together_(together), once_(together) {}
  void put(std::uint64_t key, const char* value, std::size_t size) final {
    request_put(name_of(key), {value, size});
    asked(nullptr, 0);
  }
  void erase(std::uint64_t key) final {
    request_erase(name_of(key));
    asked(nullptr, 0);
  }
  // Pipelined, the value comes later, and whether there is one is only checked then.
  bool get(std::uint64_t key, char* value, std::size_t size) final {
    request_get(name_of(key));
    return asked(value, size);
  }
  void gather(bool on) final {
    finish();
    together_ = on ? kPipelined : once_;
  }
  void finish() final {
    if (waiting_ == 0) return;
    connection_.send();
    for (; waiting_ > 0; --waiting_)
      if (!answer(value_, size_) && together_ > 1) stop("a record is missing");
  }

 protected:
  // Until it answers requests: also one that still reads what it wrote in an earlier life.
  template <typename Ready>
  void connect(const std::string& path, Ready ready) {
    for (int i = 0; i < kPatienceMs * 2; ++i) {
      if (connection_.open(path) && ready()) return;
      ::usleep(500);
    }
    stop(path + ": no server");
  }
  virtual void request_put(std::string_view key, std::string_view value) = 0;
  virtual void request_erase(std::string_view key) = 0;
  virtual void request_get(std::string_view key) = 0;
  // Takes one answer; false: there is no such record. A value is copied, at most `size` of it.
  virtual bool answer(char* value, std::size_t size) = 0;
  Connection connection_;

 private:
  // Redis takes any bytes, memcached no spaces and control characters: the same 16 digits for both.
  std::string_view name_of(std::uint64_t key) {
    for (char& digit : name_) {
      digit = "0123456789abcdef"[key & 15];
      key >>= 4;
    }
    return {name_, sizeof name_};
  }
  bool asked(char* value, std::size_t size) {
    value_ = value;
    size_ = size;
    if (++waiting_ < together_) return true;
    if (together_ > 1) {
      finish();
      return true;
    }
    waiting_ = 0;
    connection_.send();
    return answer(value, size);
  }
  std::size_t together_, once_, waiting_ = 0;
  char* value_ = nullptr;
  std::size_t size_ = 0;
  char name_[16] = {};
};

std::size_t number(std::string_view text) {
  return std::strtoul(std::string(text).c_str(), nullptr, 10);
}

class Redis final : public Server {
 public:
  Redis(const Place& place, std::size_t together) : Server(together) {
    connect(place.directory + "/redis.sock", [this] {
      connection_.add("PING\r\n");
      connection_.send();
      return connection_.line() == "+PONG";  // "-LOADING …" otherwise
    });
  }

 private:
  void request_put(std::string_view key, std::string_view value) override { request({"SET", key, value}); }
  void request_erase(std::string_view key) override { request({"DEL", key}); }
  void request_get(std::string_view key) override { request({"GET", key}); }
  void request(std::initializer_list<std::string_view> words) {
    connection_.add("*" + std::to_string(words.size()) + "\r\n");
    for (const std::string_view word : words) {
      connection_.add("$" + std::to_string(word.size()) + "\r\n");
      connection_.add(word);
      connection_.add("\r\n");
    }
  }
  bool answer(char* value, std::size_t size) override {
    const std::string_view line = connection_.line();
    if (line == "+OK" || line == ":1") return true;
    if (line == "$-1" || line == ":0") return false;
    if (!line.starts_with('$')) stop("redis: " + std::string(line));
    const std::string_view found = connection_.block(number(line.substr(1)));
    std::memcpy(value, found.data(), std::min(size, found.size()));
    return true;
  }
};

class Memcached final : public Server {
 public:
  Memcached(const Place& place, std::size_t together) : Server(together) {
    connect(place.directory + "/memcached.sock", [] { return true; });
  }

 private:
  void request_put(std::string_view key, std::string_view value) override {
    connection_.add("set ");
    connection_.add(key);
    connection_.add(" 0 0 " + std::to_string(value.size()) + "\r\n");
    connection_.add(value);
    connection_.add("\r\n");
  }
  void request_erase(std::string_view key) override {
    connection_.add("delete ");
    connection_.add(key);
    connection_.add("\r\n");
  }
  void request_get(std::string_view key) override {
    connection_.add("get ");
    connection_.add(key);
    connection_.add("\r\n");
  }
  bool answer(char* value, std::size_t size) override {
    const std::string_view line = connection_.line();
    if (line == "STORED" || line == "DELETED") return true;
    if (line == "END" || line == "NOT_FOUND") return false;
    if (!line.starts_with("VALUE ")) stop("memcached: " + std::string(line));
    const std::string_view found = connection_.block(number(line.substr(line.rfind(' ') + 1)));
    std::memcpy(value, found.data(), std::min(size, found.size()));
    return connection_.line() == "END";
  }
};

const NamedSubject kRedis("redis", [](const Place& place) { return std::make_unique<Redis>(place, 1); });
const NamedSubject kRedisPipelined("redis_pipelined", [](const Place& place) {
  return std::make_unique<Redis>(place, kPipelined);
});
const NamedSubject kMemcached("memcached",
                              [](const Place& place) { return std::make_unique<Memcached>(place, 1); });
const NamedSubject kMemcachedPipelined("memcached_pipelined", [](const Place& place) {
  return std::make_unique<Memcached>(place, kPipelined);
});

}  // namespace
}  // namespace okg::benchmarks
