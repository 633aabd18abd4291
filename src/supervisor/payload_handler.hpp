// The handler of everything that is published.
#pragma once

#include <functional>
#include <utility>

#include "server/handler.hpp"

namespace okg::supervisor {

class PayloadHandler final : public server::Handler {
 public:
  struct Calls {
    std::function<base::Status(const server::LivePayload&, const std::stop_token&)> prepare;
    std::function<base::Status(const server::LivePayload&)> commit;
    std::function<bool()> can_commit, is_consistent;
  };
  explicit PayloadHandler(Calls calls) : Handler("*", {}), calls_(std::move(calls)) {}

  base::Status prepare(const server::LivePayloadPtr& payload, const std::stop_token& stop, void**) override {
    return calls_.prepare(*payload, stop);
  }
  base::Status commit(void*, const server::LivePayloadPtr& payload, void**) override {
    return calls_.commit(*payload);
  }
  void discard(void*) override {}
  bool can_commit() override { return calls_.can_commit(); }
  // The link leads to a version, and not to a component.
  bool sees_every_payload() const override { return true; }
  bool is_consistent() const override { return calls_.is_consistent(); }

 private:
  const Calls calls_;
};

}  // namespace okg::supervisor
