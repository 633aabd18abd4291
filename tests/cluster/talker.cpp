// Game servers that do nothing but talk to their controller, many in one process, for the suites of the
// adapter and its benchmark. Orders come as lines of JSON on stdin, what is heard goes out as such on stdout:
//
//   {"do":"start","name":"g-0","uid":"…","account":DIR,"run":DIR}   a server of that pod; its token lies in
//   DIR
//   {"do":"set","name":"g-0","state":"Allocated","expect":"None","timeout_ms":1000}   the last two may be
//   missing
//   {"do":"status","name":"g-0"}
//
//   {"event":"connection","name":"g-0","at":NS,"state":"connected"}   at: CLOCK_MONOTONIC, when the game was
//   told
//   {"event":"ops_state",…,"state":"Kill","before":"None"}
//   {"event":"written",…,"state":"Allocated","code":0,"text":"","us":1234}   since it was set
//   {"event":"log",…,"level":2,"text":"…"}
//   {"event":"status",…,"status":{…}}
//
// The end of stdin ends it.
#include <poll.h>
#include <time.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <iostream>
#include <map>
#include <memory>
#include <mutex>
#include <nlohmann/json.hpp>
#include <okg/okg.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace {

using nlohmann::json;

std::int64_t now_ns() {
  timespec time{};
  clock_gettime(CLOCK_MONOTONIC, &time);
  return std::int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec;
}

void say(const std::string& event, const std::string& name, json more) {
  more["event"] = event;
  more["name"] = name;
  more["at"] = now_ns();
  const std::string line = more.dump(-1, ' ', false, json::error_handler_t::replace) + "\n";
  static std::mutex one_at_a_time;  // the log speaks on any thread
  const std::lock_guard lock(one_at_a_time);
  std::cout << line << std::flush;
}

const char* word(okg::Connection connection) {
  switch (connection) {
    case okg::Connection::off:
      return "off";
    case okg::Connection::connecting:
      return "connecting";
    case okg::Connection::connected:
      return "connected";
    case okg::Connection::limited:
      return "limited";
  }
  return "?";
}

okg::Options options_of(const json& order, const std::string& name) {
  okg::Options options;
  options.name = name;
  options.run_dir = order.at("run");
  options.payload_dir = options.run_dir;
  options.controller = "kubernetes";
  options.log_level = okg::LogLevel::info;
  options.log = [name](okg::LogLevel level, std::string_view category, std::string_view text) {
    if (category == "controller" || category == "kube")
      say("log", name, {{"level", static_cast<int>(level)}, {"text", text}});
  };
  return options;
}

class Server {
 public:
  Server(const json& order, std::string name) : name_(std::move(name)), okg_(options_of(order, name_)) {
    okg_.on_connection([this](okg::Connection to) { say("connection", name_, {{"state", word(to)}}); });
    okg_.on_ops_state([this](std::string_view state, std::string_view before) {
      say("ops_state", name_, {{"state", state}, {"before", before}});
    });
    okg_.on_kill([this](std::string_view why) { say("kill", name_, {{"why", why}}); });
    const auto started = okg_.start();
    say("started", name_, {{"text", started ? "" : started.error().text}});
  }

  int fd() { return okg_.poll_fd(); }
  void poll() { okg_.poll(); }

  void set(const json& order) {
    const std::string state = order.at("state");
    const std::int64_t begin = now_ns();
    const auto tell = [this, state, begin](const okg::Result<void>& done) {
      say("written", name_,
          {{"state", state},
           {"code", done ? 0 : static_cast<int>(done.error().code)},
           {"text", done ? "" : done.error().text},
           {"us", (now_ns() - begin) / 1000}});
    };
    okg::WriteOptions options;
    options.timeout = std::chrono::milliseconds(order.value("timeout_ms", 120'000));
    if (order.contains("expect")) options.expect = order.at("expect").get<std::string>();
    options.written = tell;
    if (const auto taken = okg_.set_ops_state(state, std::move(options)); !taken) tell(taken);
  }

  void tell_status() { say("status", name_, {{"status", json::parse(okg_.status_json(), nullptr, false)}}); }

 private:
  const std::string name_;
  okg::GameServer okg_;
};

class Talker {
 public:
  // False: it is over.
  bool turn() {
    std::vector<pollfd> waited{{STDIN_FILENO, POLLIN, 0}};
    for (const auto& [name, server] : servers_) waited.push_back({server->fd(), POLLIN, 0});
    ::poll(waited.data(), waited.size(), 1000);
    auto place = waited.begin();
    const bool asked = place->revents != 0;
    for (const auto& [name, server] : servers_)
      if ((++place)->revents != 0) server->poll();
    return !asked || read();
  }

 private:
  bool read() {
    char piece[65536];
    const ssize_t size = ::read(STDIN_FILENO, piece, sizeof piece);
    if (size <= 0) return false;
    rest_.append(piece, static_cast<std::size_t>(size));
    for (std::size_t end; (end = rest_.find('\n')) != std::string::npos; rest_.erase(0, end + 1))
      obey(json::parse(rest_.substr(0, end)));
    return true;
  }

  void obey(const json& order) {
    const std::string what = order.at("do"), name = order.at("name");
    if (what == "start") {
      // As a pod's environment has it. okg reads it when the server is made.
      ::setenv("OKG_POD_NAME", name.c_str(), 1);
      ::setenv("OKG_POD_UID", order.at("uid").get<std::string>().c_str(), 1);
      ::setenv("OKG_SERVICE_ACCOUNT_DIR", order.at("account").get<std::string>().c_str(), 1);
      servers_[name] = std::make_unique<Server>(order, name);
      return;
    }
    Server& server = *servers_.at(name);
    what == "set" ? server.set(order) : server.tell_status();
  }

  std::map<std::string, std::unique_ptr<Server>> servers_;
  std::string rest_;
};

}  // namespace

int main() {
  Talker talker;
  try {
    while (talker.turn()) {
    }
  } catch (const std::exception& thrown) {
    std::cerr << "talker: " << thrown.what() << "\n";
    return 2;
  }
  return 0;
}
