#include "controller/handshake.hpp"

#include <algorithm>
#include <utility>

namespace okg::controller {
namespace {

constexpr Nanoseconds kSecond = 1'000'000'000;

// When the grace period ends, on our clock; it counts from a time that the controller wrote down.
std::optional<Nanoseconds> end_of_grace(const UpdateFacts& facts, Handshake::Clock clock) {
  if (!facts.grace) return std::nullopt;
  const Nanoseconds whole = facts.grace->seconds * kSecond;
  const std::int64_t began = facts.state ? facts.state->updated_at.value_or(clock.realtime) : clock.realtime;
  const Nanoseconds left = std::clamp<Nanoseconds>(began + whole - clock.realtime, 0, whole);
  return clock.monotonic + left;
}

}  // namespace

Field Handshake::hook_of(Notice::Kind kind) const {
  return label_field(kind == Notice::Kind::update ? options_.update_hook : options_.delete_hook);
}

HandshakeActions Handshake::seen(const Object& object, Clock clock) {
  HandshakeActions actions;
  UpdateFacts facts = read_update_facts(object, options_.update_hook, options_.delete_hook);
  const bool is_calm = facts.stage == Stage::calm || facts.stage == Stage::updated;
  // What the pod's volume tells may be older than what OKG says: a grace period that is over is not one of
  // the next update. Or newer: what the game was told of is neither over nor asked for as long as its grace
  // period lasts.
  // The same revision may come again, too, at another time.
  if (!facts.grace || facts.grace->revision != over_ ||
      (facts.state && facts.state->updated_at != over_began_))
    over_.clear();
  if (!over_.empty()) facts.grace.reset();
  const bool was_under_way = notice_ && notice_->kind == Notice::Kind::update &&
                             (notice_->phase == Notice::Phase::started || began_updating_);
  if (was_under_way && facts.grace && (is_calm || facts.stage == Stage::preparing))
    facts.stage = Stage::updating;
  switch (facts.stage) {
    case Stage::unknown:
      return actions;
    case Stage::calm:
    case Stage::updated:
      // Once it was let go it may be over, although nobody saw it begin.
      if (notice_) end(notice_->phase == Notice::Phase::started || allowed_, actions);
      earlier_.emplace(facts.state);
      break;
    case Stage::preparing:
    case Stage::preparing_delete: {
      const auto kind = facts.stage == Stage::preparing ? Notice::Kind::update : Notice::Kind::deletion;
      const Value& hook = kind == Notice::Kind::update ? facts.update_hook : facts.delete_hook;
      if (hook == "true" || !earlier_ || !*earlier_) earlier_.emplace(facts.state);
      if (!notice_ || notice_->kind != kind || was_under_way)
        begin(kind, was_under_way, facts, clock, actions);
      else if (!allowed_ && hook != "true")
        allowed_ = true;  // by somebody else
      else if (allowed_ && hook == "true")
        actions.push_back(handshake_action::SetHook{hook_of(kind), false});
      break;
    }
    case Stage::updating:
      started(facts, clock, actions);
      break;
  }
  if (is_calm) arm(facts, actions);
  state_ = facts.state;
  only_updating_ = only_updating_ && facts.stage == Stage::updating && !notice_;
  return actions;
}

// It takes the place of what there was: that is over, or does not happen.
void Handshake::begin(Notice::Kind kind, bool last_happened, const UpdateFacts& facts, Clock clock,
                      HandshakeActions& actions) {
  if (notice_) end(last_happened, actions);
  notice_.emplace();
  notice_->id = ++last_id_;
  notice_->kind = kind;
  notice_->waits = (kind == Notice::Kind::update ? facts.update_hook : facts.delete_hook) == "true" &&
                   facts.stage != Stage::updating;
  allowed_ = !notice_->waits;
  began_updating_ = facts.stage == Stage::updating;
  learn(facts, clock);
  if (notice_->waits) notice_->deadline = clock.monotonic + options_.patience;
  tell(Notice::Phase::coming, actions);
  if (notice_->waits && !somebody_) release(actions);
}

void Handshake::started(const UpdateFacts& facts, Clock clock, HandshakeActions& actions) {
  const bool is_another =
      notice_ && facts.grace && !notice_->revision.empty() && facts.grace->revision != notice_->revision;
  if (!notice_ || is_another || notice_->kind != Notice::Kind::update) {
    // What a process finds going on at its start is no news to it, however often it is seen; only what is
    // still to come.
    const bool was_under_way = notice_ && notice_->phase == Notice::Phase::started;
    if (facts.grace)
      begin(Notice::Kind::update, was_under_way, facts, clock, actions);
    else if (!only_updating_) {
      begin(Notice::Kind::update, was_under_way, facts, clock, actions);
      tell(Notice::Phase::started, actions);
    }
    return;
  }
  const bool comes_unasked = !notice_->waits && notice_->phase == Notice::Phase::coming;
  learn(facts, clock);
  if (comes_unasked && facts.grace) return;  // told already, and not over
  if (notice_->phase == Notice::Phase::coming) {
    allowed_ = true;
    if (!facts.grace) notice_->deadline.reset();
    tell(Notice::Phase::started, actions);
  }
}

// Neither coming nor going on, as far as OKG says: arm the hooks for the next time. A label left released
// would let the next update through unasked, and in `Updated` it holds up the whole rollout.
void Handshake::arm(const UpdateFacts& facts, HandshakeActions& actions) const {
  if (facts.update_hook == "false")
    actions.push_back(handshake_action::SetHook{hook_of(Notice::Kind::update), true});
  if (facts.delete_hook == "false")
    actions.push_back(handshake_action::SetHook{hook_of(Notice::Kind::deletion), true});
}

// Whoever hears of the end of a deletion was not deleted.
void Handshake::end(bool happened, HandshakeActions& actions) {
  const bool is_over = happened && notice_->kind == Notice::Kind::update;
  if (is_over) {
    over_ = notice_->revision;
    over_began_ = std::exchange(began_, std::nullopt);
    earlier_.emplace(state_);
  }
  tell(is_over ? Notice::Phase::finished : Notice::Phase::withdrawn, actions);
  notice_.reset();
  allowed_ = false;
}

// Fills in what is known by now about which containers, and when.
void Handshake::learn(const UpdateFacts& facts, Clock clock) {
  if (notice_->kind == Notice::Kind::deletion) return;
  const bool is_of_this = facts.state && !(earlier_ && *earlier_ && facts.state->is_of_same(**earlier_));
  if (facts.grace && facts.stage == Stage::updating) {
    notice_->revision = facts.grace->revision;
    notice_->containers.emplace(facts.grace->images.begin(), facts.grace->images.end());
    notice_->deadline = end_of_grace(facts, clock);
    began_ = facts.state ? facts.state->updated_at : std::nullopt;
  } else if (!notice_->containers && facts.updating) {
    notice_->containers.emplace();
    for (const std::string& name : *facts.updating) notice_->containers->emplace_back(name, "");
  } else if (!notice_->containers && facts.stage == Stage::updating && is_of_this &&
             !facts.state->containers.empty()) {
    notice_->revision = facts.state->revision;
    notice_->containers.emplace();
    for (const std::string& name : facts.state->containers) notice_->containers->emplace_back(name, "");
  }
}

bool Handshake::allow(std::uint64_t id, HandshakeActions* actions) {
  if (!notice_ || notice_->id != id) return false;
  if (notice_->waits && !allowed_) release(*actions);
  return true;
}

HandshakeActions Handshake::tick(Nanoseconds now) {
  HandshakeActions actions;
  if (const auto deadline = next_deadline(); deadline && now >= *deadline) {
    notice_->allowed_by_deadline = true;
    release(actions);
  }
  return actions;
}

std::optional<Nanoseconds> Handshake::next_deadline() const {
  if (!notice_ || !notice_->waits || allowed_) return std::nullopt;
  return notice_->deadline;
}

void Handshake::release(HandshakeActions& actions) {
  allowed_ = true;
  actions.push_back(handshake_action::SetHook{hook_of(notice_->kind), false});
}

void Handshake::tell(Notice::Phase phase, HandshakeActions& actions) {
  notice_->phase = phase;
  actions.push_back(handshake_action::Tell{*notice_});
}

}  // namespace okg::controller
