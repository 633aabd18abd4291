#include "controller/conversation.hpp"

#include <algorithm>
#include <utility>

#include "controller/keys.hpp"

namespace okg::controller {
namespace {

// With fields that are being written over again as they will be.
ObjectPtr with_effective(const ObjectPtr& object, const Writer& writer) {
  const Value ops_state = writer.effective(kOpsStateField);
  if (!object || ops_state == object->ops_state) return object;
  auto changed = std::make_shared<Object>(*object);
  changed->ops_state = ops_state;
  return changed;
}

}  // namespace

void Conversation::add(WriterActions actions, Sayings& sayings) {
  for (WriterAction& action : actions) {
    if (auto* send = std::get_if<writer_action::Send>(&action))
      sayings.emplace_back(say::Send{std::move(send->patch)});
    if (std::holds_alternative<writer_action::Reread>(action)) sayings.emplace_back(say::Reread{});
    if (auto* end = std::get_if<writer_action::Finished>(&action))
      sayings.emplace_back(say::Finished{end->ticket, std::move(end->error)});
  }
}

void Conversation::add(HandshakeActions actions, Sayings& sayings) {
  for (HandshakeAction& action : actions) {
    if (auto* tell = std::get_if<handshake_action::Tell>(&action))
      sayings.emplace_back(say::Tell{std::move(tell->notice)});
    if (const auto* hook = std::get_if<handshake_action::SetHook>(&action)) {
      Wish wish;
      wish.field = hook->field;
      wish.value = hook->armed ? "true" : "false";
      // Over the other value only: the label may be gone, or mean something else to somebody.
      wish.known = {Value(hook->armed ? "false" : "true")};
      wish.passing = true;
      if (!writer_.is_wanted(wish.field, wish.value)) add(writer_.put(std::move(wish)), sayings);
    }
  }
}

Sayings Conversation::seen(ObjectPtr object, Clock clock) {
  Sayings sayings;
  // A GameServer of the pod before ours, which is yet to be collected (facts 1.6): ours is still to come.
  if (object && !options_.pod_uid.empty() && !object->owner_pod_uid.empty() &&
      object->owner_pod_uid != options_.pod_uid)
    object.reset();
  writer_.take(std::move(object), clock.monotonic);
  look(clock, sayings);
  return sayings;
}

Sayings Conversation::patched(PatchId id, const base::Result<ObjectPtr>& result, Clock clock) {
  Sayings sayings;
  add(writer_.take_answer(id, result, clock.monotonic), sayings);
  look(clock, sayings);
  return sayings;
}

// What the newest version of the object means; only then something is written to it.
void Conversation::look(Clock clock, Sayings& sayings) {
  const ObjectPtr& object = writer_.object();
  if (!object) return;
  HandshakeActions actions = handshake_.seen(*object, clock);
  // A hook that was to be armed or released as things stood before.
  for (const std::string& hook : {options_.handshake.update_hook, options_.handshake.delete_hook}) {
    const Field field = label_field(hook);
    const bool is_wanted = std::any_of(actions.begin(), actions.end(), [&](const HandshakeAction& action) {
      const auto* set = std::get_if<handshake_action::SetHook>(&action);
      return set != nullptr && set->field == field;
    });
    if (!is_wanted) writer_.drop(field);
  }
  add(std::move(actions), sayings);
  add(writer_.go(clock.monotonic), sayings);
  look_for_orders(*object, sayings);
  show(sayings);
}

// Also a wish that begins or ends changes what the game is to see.
void Conversation::show(Sayings& sayings) {
  const ObjectPtr& object = writer_.object();
  if (!object) return;
  if (shown_ == object && view_->ops_state == writer_.effective(kOpsStateField)) return;
  ObjectPtr view = with_effective(object, writer_);
  shown_ = object;
  view_ = std::move(view);
  sayings.emplace_back(say::View{view_});
}

void Conversation::look_for_orders(const Object& object, Sayings& sayings) {
  const auto order = [&](const char* key, bool rollback, std::string& last) {
    const std::string* text = object.annotation(key);
    if (text == nullptr || *text == last) return;
    last = *text;
    const std::size_t mark = text->find('#');
    if (mark == text->npos || mark == 0 || mark + 1 == text->size()) return;  // no order without a nonce
    sayings.emplace_back(say::Ask{rollback, text->substr(0, mark), text->substr(mark + 1)});
  };
  order(keys::kReload, false, last_reload_);
  order(keys::kRollback, true, last_rollback_);
}

Sayings Conversation::linked(Link link, Clock clock) {
  Sayings sayings;
  if (link == Link::connected && link_ != Link::connected) writer_.forget_refusals();
  link_ = link;
  add(writer_.connected(link == Link::connected || link == Link::limited, clock.monotonic), sayings);
  show(sayings);
  return sayings;
}

Sayings Conversation::set(Wish wish, Clock clock) {
  Sayings sayings;
  add(writer_.set(std::move(wish), clock.monotonic), sayings);
  show(sayings);
  return sayings;
}

bool Conversation::allow(std::uint64_t notice, Clock clock, Sayings* sayings) {
  HandshakeActions actions;
  const bool known = handshake_.allow(notice, &actions);
  add(std::move(actions), *sayings);
  add(writer_.go(clock.monotonic), *sayings);
  show(*sayings);
  return known;
}

Sayings Conversation::tick(Clock clock) {
  Sayings sayings;
  add(handshake_.tick(clock.monotonic), sayings);
  add(writer_.tick(clock.monotonic), sayings);
  show(sayings);
  return sayings;
}

Sayings Conversation::stop(const base::Error& error) {
  Sayings sayings;
  add(writer_.stop(error), sayings);
  return sayings;
}

std::optional<Nanoseconds> Conversation::next_deadline() const {
  const auto one = writer_.next_deadline(), other = handshake_.next_deadline();
  if (!one || !other) return one ? one : other;
  return std::min(*one, *other);
}

}  // namespace okg::controller
