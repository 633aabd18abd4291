// A pod with a server that cannot be changed, and `okg run` in front of it.
#pragma once

#include <map>
#include <string>

#include "integration/cli/support.hpp"

namespace okg::test {

using Files = std::map<std::string, std::string>;

class Pod {
 public:
  Pod();

  std::string run() const { return place_.run(); }
  std::string active() const { return run() + "/active"; }
  std::string operator/(std::string_view name) const { return place_ / name; }
  Variables variables() const;

  // A version of these files, and one named `version` with its label in it. Its digest.
  std::string publish(const std::string& version, const Files& files = {}) const;
  std::string pack(const std::string& version, const Files& files = {}) const;
  void publish_packed(const std::string& version) const;
  // Until the server has used it, or not; the exit code.
  int publish_and_wait(const std::string& version, const Files& files = {}) const;
  Finished okg(const Words& words) const;
  // null: nobody answers.
  base::Json status() const;
  // `active` and `last` of the status: "2 active", "1 failed".
  std::string outcome() const;
  std::string read(const std::string& path) const;  // "" if it cannot be
  // Lines of what hooks and servers have written with `>> $LOG`.
  std::vector<std::string> told() const;

 private:
  Place place_;
};

// A server in sh: tells that it runs, and ends with 5 on SIGTERM.
extern const char kServer[];

// `okg run FLAGS -- sh -c SCRIPT`, and its end with this.
class Supervised {
 public:
  Supervised(const Pod& pod, const Words& flags, const std::string& script = kServer);
  Process& process() { return process_; }
  bool is_up();  // a payload is in use
  Finished end();

 private:
  const Pod& pod_;
  Process process_;
};

// On loopback, that nobody has at the moment.
unsigned short free_port();

}  // namespace okg::test
