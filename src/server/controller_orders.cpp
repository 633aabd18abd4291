// What others have written to the GameServer through this server: operators, at its endpoint.
#include <algorithm>

#include "server/controller_driver.hpp"

namespace okg::server {

using base::Code;
using base::Error;

namespace {

// Longer than what goes by `okg probe ops` takes at most, so that its own reason arrives.
constexpr std::int64_t kTimeout = 100'000'000'000;
constexpr std::size_t kMostRemembered = 16;

}  // namespace

base::Result<std::uint64_t> ControllerDriver::order(const controller::Field& field, controller::Value value) {
  const std::lock_guard lock(mutex_);
  if (stopped_) return Error(Code::closed, field + ": the server is closed");
  if (options_.controller.kind == ControllerOptions::Kind::off ||
      conversation_.link() == controller::Link::off)
    return Error(Code::unsupported, field + ": there is no controller (OKG_CONTROLLER=off)");
  const controller::ObjectPtr view = conversation_.view();
  if (!view)
    return Error(Code::busy, field + ": the GameServer has not been heard of yet" +
                                 (why_.empty() ? std::string() : ": " + why_));
  controller::Wish wish;
  wish.field = field;
  wish.value = value;
  wish.expect = view->get(field);
  wish.ticket = ++last_ticket_;
  wish.deadline = os_.monotonic_ns() + kTimeout;
  orders_.push_back({wish.ticket, field, std::move(value), false, {}});
  if (orders_.size() > kMostRemembered) orders_.pop_front();
  const controller::Ticket ticket = wish.ticket;
  take(conversation_.set(std::move(wish), clock()));
  return ticket;
}

void ControllerDriver::end_order(const controller::say::Finished& end) {
  const auto found = std::find_if(orders_.begin(), orders_.end(),
                                  [&](const Order& order) { return order.ticket == end.ticket; });
  if (found == orders_.end()) return;
  found->ended = true;
  found->error = end.error;
}

}  // namespace okg::server
