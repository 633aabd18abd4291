// The hot states that are open for a server: each tells of itself, for status and metrics.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <vector>

#include "base/json.hpp"
#include "hot/commit_times.hpp"

namespace okg::server {

// They may outlive the server.
class HotStates : public std::enable_shared_from_this<HotStates> {
 public:
  struct Said {
    base::OrderedJson json;  // of the status
    hot::CommitTimes::Counts commits;
  };
  using Say = std::function<Said()>;

  // Until what is returned ends, which waits for a say_all() that is going on.
  std::shared_ptr<void> add(Say say) {
    const std::lock_guard lock(mutex_);
    const std::uint64_t number = ++last_;
    says_.emplace(number, std::move(say));
    return {this, [self = shared_from_this(), number](void*) { self->remove(number); }};
  }
  std::vector<Said> say_all() const {
    std::vector<Said> all;
    const std::lock_guard lock(mutex_);
    all.reserve(says_.size());
    for (const auto& [number, say] : says_) all.push_back(say());
    return all;
  }

 private:
  void remove(std::uint64_t number) {
    const std::lock_guard lock(mutex_);
    says_.erase(number);
  }

  mutable std::mutex mutex_;
  std::map<std::uint64_t, Say> says_;
  std::uint64_t last_ = 0;
};

}  // namespace okg::server
