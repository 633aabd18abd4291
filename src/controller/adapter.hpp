// Whom the conversation is with: each adapter brings what it sees of the GameServer and carries patches
// there, in its own way. Everything happens on the io thread.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "controller/conversation.hpp"

namespace okg::controller {

// Never called from inside a call of the adapter's.
struct AdapterSink {
  std::function<void(ObjectPtr)> seen;  // null: there is none
  std::function<void(PatchId, base::Result<ObjectPtr>)> patched;
  // `why`: one line, "" when all is well.
  std::function<void(Link, std::string why)> linked;
};

struct AdapterCounts {
  std::uint64_t requests = 0, errors = 0;
};

class Adapter {
 public:
  virtual ~Adapter() = default;  // as stop()

  virtual const char* name() const = 0;  // "kubernetes" "downward" "local"
  virtual void start(AdapterSink sink) = 0;
  virtual void send(Patch patch) = 0;
  virtual void reread() = 0;
  // About once a second.
  virtual void tick() {}
  // No call of the sink's afterwards.
  virtual void stop() = 0;
  virtual AdapterCounts counts() const { return {}; }
};

}  // namespace okg::controller
