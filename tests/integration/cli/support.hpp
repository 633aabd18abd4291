// The real program as a child process, and a server that answers what a test tells it to.
#pragma once

#include <sys/types.h>

#include <atomic>
#include <chrono>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "base/json.hpp"
#include "base/unique_fd.hpp"
#include "support/temporary_directory.hpp"

namespace okg::test {

using Variables = std::map<std::string, std::string>;
using Words = std::vector<std::string>;

// Nothing in these tests takes as long unless something is broken.
inline constexpr std::chrono::seconds kPatience{60};

// Until it holds, for as long as nothing takes unless it is broken.
bool eventually(const std::function<bool()>& holds);

struct Finished {
  int code = -1;    // -1: killed
  int signal = 0;   // by which signal
  std::string out;  // stdout
  std::string err;  // stderr

  // Lines of stdout as JSON.
  std::vector<base::Json> events() const;
};

// A running okg. Nothing of the test's environment reaches it but what is given.
class Process {
 public:
  struct Surroundings {
    Variables variables;
    std::string program;        // instead of the built one
    std::string root;           // chroot
    std::string directory;      // working directory
    bool first_of_all = false;  // PID 1 of its own PID namespace; exec_failed() when that is not permitted
    std::optional<uid_t> user;
    bool terminal = false;  // stdout is one
    std::string output;     // stdout is this file
  };
  Process(const Words& arguments, const Surroundings& surroundings);
  Process(const Words& arguments, const Variables& variables = {})
      : Process(arguments, Surroundings{variables}) {}
  ~Process();
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;

  pid_t pid() const { return pid_; }
  void signal(int number) const;
  // Waits until stdout or stderr holds `text`; false when the process ended or time ran out before.
  bool says(const std::string& text);
  // Waits for the end, kills what does not end.
  Finished finish();
  // Nobody reads its output any more.
  void hang_up();
  // How long the end took, from finish() on.
  std::chrono::milliseconds took() const { return took_; }

 private:
  bool read_more(int timeout_ms);

  pid_t pid_ = -1;
  base::UniqueFd out_, err_;
  Finished finished_;
  bool reaped_ = false;
  std::chrono::milliseconds took_{0};
};

// Runs okg to its end.
Finished okg(const Words& arguments, const Variables& variables = {});

// Do the two files hold the same?
bool same_content(const std::string& one, const std::string& other);

// May this process make PID namespaces, change its root?
bool may_unshare();
bool is_root();

struct Asked {
  std::string method, target, head, body;
};
struct Reply {
  int status = 200;
  std::string body;
  std::string headers;  // "Name: value\r\n"…
};

// HTTP over <run>/okg.sock or, without a run directory, over TCP on loopback. A thread a connection.
class FakeServer {
 public:
  using Handler = std::function<Reply(const Asked&)>;
  explicit FakeServer(const std::string& run_directory, Handler handler);
  ~FakeServer();
  FakeServer(const FakeServer&) = delete;
  FakeServer& operator=(const FakeServer&) = delete;

  std::string url() const;  // TCP only
  void answer(Handler handler);
  std::vector<Asked> asked() const;
  // For handlers that let their caller wait: true once the server is to end.
  bool closing() const { return closing_; }

 private:
  void accept_all();
  void serve(base::UniqueFd connection);

  mutable std::mutex mutex_;
  Handler handler_;
  std::vector<Asked> asked_;
  std::vector<std::thread> connections_;
  std::atomic<bool> closing_{false};
  base::UniqueFd listener_;
  unsigned short port_ = 0;
  std::thread thread_;
};

// A status of schema okg.status/v1 with `changes` put over it.
std::string status_json(const base::Json& changes);

// A payload directory at `path`, packed by the program; its digest ("sha256:…").
std::string make_payload(const std::string& path, const std::string& version,
                         const std::string& content = "hello");

// A volume, a run directory and an image, below one temporary directory.
class Place {
 public:
  explicit Place(const std::string& below = "/dev/shm");
  std::string payload() const { return directory_ / "payload"; }
  std::string run() const { return directory_ / "run"; }
  std::string image() const { return directory_ / "image"; }
  std::string operator/(std::string_view name) const { return directory_ / name; }
  // OKG_PAYLOAD_DIR and OKG_RUN_DIR.
  Variables variables() const;

 private:
  TemporaryDirectory directory_;
};

}  // namespace okg::test
