// A registered reload handler, as the engine sees it. abi/ makes these out of C callbacks. No function
// throws.
#pragma once

#include <stop_token>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "server/live_payload.hpp"

namespace okg::server {

class Handler {
 public:
  Handler(std::string name, std::vector<std::string> after)
      : name_(std::move(name)), after_(std::move(after)) {}
  virtual ~Handler() = default;

  const std::string& name() const { return name_; }
  const std::vector<std::string>& after() const { return after_; }
  // Polling thread. Unsubscribed: takes no object into use any more; what okg holds of it is still discarded.
  bool retired() const { return retired_; }
  void retire() { retired_ = true; }

  // Worker thread. *staged may stay null.
  virtual base::Status prepare(const LivePayloadPtr& payload, const std::stop_token& stop, void** staged) = 0;
  // Polling thread. Takes `staged` over whatever it returns. `payload` is what it belongs to: null when a
  // rollback returns to a time before the first payload.
  virtual base::Status commit(void* staged, const LivePayloadPtr& payload, void** previous) = 0;
  // Polling thread. Never called with null.
  virtual void discard(void* object) = 0;
  virtual bool can_commit() = 0;
  // Is it due for a payload of which no component has changed?
  virtual bool sees_every_payload() const { return false; }
  // Polling thread, after a commit that failed: is the old object in use again, as it has to be?
  virtual bool is_consistent() const { return true; }

 private:
  std::string name_;
  std::vector<std::string> after_;
  bool retired_ = false;
};

using HandlerPtr = std::shared_ptr<Handler>;

// An object of a handler's that okg holds.
struct Held {
  HandlerPtr handler;
  void* object = nullptr;
};

}  // namespace okg::server
