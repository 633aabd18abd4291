// The hot states that are open for a server: each says itself in its status.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>

#include "base/json.hpp"

namespace okg::server {

// They may outlive the server.
class HotStates : public std::enable_shared_from_this<HotStates> {
 public:
  using Say = std::function<base::OrderedJson()>;

  // Until what is returned ends, which waits for a say_all() that is going on.
  std::shared_ptr<void> add(Say say) {
    const std::lock_guard lock(mutex_);
    const std::uint64_t number = ++last_;
    says_.emplace(number, std::move(say));
    return {this, [self = shared_from_this(), number](void*) { self->remove(number); }};
  }
  base::OrderedJson say_all() const {
    base::OrderedJson all = base::OrderedJson::array();
    const std::lock_guard lock(mutex_);
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
