// examples/nginx in a pod, and clients that load its pages.
#pragma once

#include <atomic>
#include <thread>
#include <vector>

#include "integration/run/support.hpp"

namespace okg::test {

class NginxPod {
 public:
  NginxPod();

  const Pod pod;
  const unsigned short port;
  // As examples/nginx/payload.Dockerfile makes it, of examples/2048's version 1 or 2, with `files` put over
  // it.
  std::string pack(const std::string& version, int example, const Files& files = {}) const;
  void publish(const std::string& version, int example, const Files& files = {}) const {
    pack(version, example, files);
    pod.publish_packed(version);
  }
  int publish_and_wait(const std::string& version, int example, const Files& files = {}) const;
  // As examples/nginx/run.sh.
  Words command(const Words& more = {}) const;
  std::string url(const std::string& path) const;
  std::string get(const std::string& path) const;  // its body; "" it was not 200
  int workers(pid_t okg) const;                    // processes of nginx below it, the master included
};

// Loads the page again and again, all of what belongs to it, as four browsers.
class Players {
 public:
  explicit Players(const NginxPod& nginx);
  ~Players();
  std::size_t loaded() const { return loaded_; }
  // What went wrong: requests that failed, and pages of two versions.
  std::vector<std::string> complaints();

 private:
  void play();
  std::string load() const;  // "" or what went wrong

  const NginxPod& nginx_;
  std::atomic<bool> ending_{false};
  std::atomic<std::size_t> loaded_{0};
  std::mutex mutex_;
  std::vector<std::string> complaints_;
  std::vector<std::thread> threads_;
};

}  // namespace okg::test
