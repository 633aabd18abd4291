// A payload volume, a run directory and the real publisher, for tests of a linked server through the public
// API.
#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <nlohmann/json.hpp>
#include <okg/okg.hpp>
#include <string>
#include <vector>

#include "support/temporary_directory.hpp"

namespace okg::test {

using namespace std::chrono_literals;

// path below files/ -> content
using Files = std::map<std::string, std::string>;

struct Ran {
  int exit_code = -1;
  std::string out, err;
};

// Runs the okg program to its end.
Ran run_okg(const std::vector<std::string>& arguments);

class Scene {
 public:
  Scene();

  // Publishes these files as `version`, and returns the digest ("sha256:…").
  std::string publish(const std::string& version, const Files& files,
                      const std::vector<std::string>& pack_flags = {});
  // Moves `current` back to what was published before, as an older sidecar image would.
  std::string republish(const std::string& version);

  okg::Options options() const;
  std::string payload_dir() const { return root_ / "payload"; }
  std::string run_dir() const { return root_ / "run"; }
  std::string path(const std::string& name) const { return root_ / name; }
  std::string log() const;

 private:
  TemporaryDirectory root_;
  std::shared_ptr<std::pair<std::mutex, std::string>> log_;
};

// Polls `server` until `done` holds; false after `patience`.
bool poll_until(okg::GameServer& server, const std::function<bool()>& done,
                std::chrono::seconds patience = 10s);
nlohmann::json status(const okg::GameServer& server);
// status.last.result of `digest` is there and no retry is pending.
bool settled(const okg::GameServer& server, const std::string& digest);

// An object of a handler's, counted while it lives.
struct Tracked {
  explicit Tracked(std::string t) : text(std::move(t)) { ++alive; }
  ~Tracked() { --alive; }
  Tracked(const Tracked&) = delete;
  std::string text;
  static inline std::atomic<int> alive{0};
};

// What prepare asks on the worker, and a test changes between two payloads.
class Check {
 public:
  using Function = std::function<Result<void>(const std::string& text, StopToken stop)>;
  Check& operator=(Function function) {
    const std::lock_guard lock(mutex_);
    function_ = std::move(function);
    return *this;
  }
  Result<void> operator()(const std::string& text, StopToken stop) const {
    Function function;
    {
      const std::lock_guard lock(mutex_);
      function = function_;
    }
    return function ? function(text, stop) : Result<void>();
  }

 private:
  mutable std::mutex mutex_;
  Function function_;
};

// A component's handler that reads one file, and what it saw.
struct Component {
  std::string file;
  std::unique_ptr<Tracked> in_use;
  std::vector<std::string> commits;  // texts in the order they came into use
  std::atomic<int> prepares{0};
  Check check;  // may refuse
  std::function<bool()> can_commit;
  std::function<void()> on_commit;
  bool throw_in_commit = false;
  std::vector<std::string> after;

  explicit Component(std::string f) : file(std::move(f)) {}
  okg::Subscription attach(okg::GameServer& server, const std::string& name);
  std::string text() const { return in_use ? in_use->text : ""; }
};

}  // namespace okg::test
