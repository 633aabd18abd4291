// Everything in a state that decides how it goes on. It takes whole classes apart, so that a member more in
// one of them is a binding too few here, and does not compile.
#include <algorithm>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <variant>
#include <vector>

#include "base/error.hpp"
// The headers of the standard library come before, and know nothing of it.
#define private public
#include "controller/conversation.hpp"
#undef private
#include "model/controller/process.hpp"
#include "model/controller/world.hpp"

namespace okg::controller_model {
namespace {

using controller::Conversation;
using controller::Notice;
using controller::Value;

void add(const Value& value, Digest& digest) {
  digest.add(value ? *value : std::string_view("\1"));
}

void add(const controller::Object* object, Digest& digest) {
  digest.add(object != nullptr ? 1 : 0);
  if (object == nullptr) return;
  const Known& of = static_cast<const Sighting*>(object)->of;
  digest.add(std::uint64_t{of.gameserver.has_value()} << 1 | std::uint64_t{of.pod.has_value()});
  if (of.gameserver) add(*of.gameserver, digest);
  if (of.pod) add(*of.pod, digest);
}

void add(const controller::Wish& wish, Digest& digest) {
  const auto& [field, value, expect, known, ours, passing, ticket, deadline] = wish;
  digest.add(field);
  add(value, digest);
  digest.add(expect.has_value());
  if (expect) add(*expect, digest);
  std::vector<Value> sorted = known;  // it is a set
  std::sort(sorted.begin(), sorted.end());
  sorted.erase(std::unique(sorted.begin(), sorted.end()), sorted.end());
  for (const Value& one : sorted) add(one, digest);
  digest.add(std::uint64_t{ours} << 1 | std::uint64_t{passing} << 2 | std::uint64_t{ticket != 0});
  if (ticket != 0 && deadline != 0) digest.time(deadline);
}

void add(const controller::Writer& writer, Digest& digest) {
  const auto& [entries, in_flight, sent, object, uid, newest, connected, stale, singly, conflicts, failures,
               last_serial, last_id, tokens, refilled_at, pause_until] = writer;
  for (const auto& [field, entry] : entries) {
    const auto& [wish, phase, serial, own, replaced, taken_back, lost, written_at, written_again, refused,
                 not_before] = entry;
    add(wish, digest);
    const auto under_way = sent.find(field);
    digest.add(static_cast<std::uint64_t>(phase) | std::uint64_t{std::min(written_again, 7U)} << 8 |
               std::uint64_t{std::min(refused, 5U)} << 16 |
               std::uint64_t{under_way != sent.end() && under_way->second.serial == serial} << 3);
    for (const auto* value : {&own, &replaced, &taken_back, &lost}) {
      digest.add(value->has_value());
      if (*value) add(**value, digest);
    }
    if (replaced || lost || written_again != 0) digest.time(written_at);
    if (not_before > 0) digest.time(not_before);
  }
  for (const auto& [field, one] : sent) {
    const auto& [wish, serial, previous] = one;
    add(wish, digest);
    add(previous, digest);
  }
  add(object.get(), digest);
  digest.add(uid);
  if (!newest.empty()) digest.version(static_cast<std::uint32_t>(std::stoul(newest)));
  digest.add(std::uint64_t{in_flight.has_value()} | std::uint64_t{connected} << 1 |
             std::uint64_t{stale} << 2 | std::uint64_t{singly} << 3 |
             std::uint64_t{std::min(conflicts, 6U)} << 8 | std::uint64_t{std::min(failures, 7U)} << 16);
  (void)last_serial;
  (void)last_id;
  // Ten patches may go out at once: as long as there are some left it makes no difference how many.
  if (tokens < 4) {
    digest.add(static_cast<std::uint64_t>(tokens * 100));
    digest.time(refilled_at);
  }
  if (pause_until != 0) digest.time(pause_until);
}

void add(const controller::Handshake& handshake, Digest& digest) {
  const auto& [options, somebody, only_updating, notice, allowed, began_updating, earlier, state, over, began,
               over_began, last_id] = handshake;
  (void)options;
  (void)last_id;
  digest.add(std::uint64_t{somebody} | std::uint64_t{only_updating} << 1 | std::uint64_t{allowed} << 2 |
             std::uint64_t{began_updating} << 4 | std::uint64_t{notice.has_value()} << 3);
  digest.add(over);
  if (began) digest.time(*began);
  if (!over.empty() && over_began) digest.time(*over_began);
  digest.add(std::uint64_t{earlier.has_value()} << 1 | std::uint64_t{earlier && *earlier});
  if (earlier && *earlier) {
    digest.add((*earlier)->revision);
    if ((*earlier)->updated_at) digest.time(*(*earlier)->updated_at);
  }
  digest.add(state.has_value());
  if (state) {
    digest.add(state->revision);
    if (state->updated_at) digest.time(*state->updated_at);
  }
  if (!notice) return;
  const auto& [id, kind, phase, waits, deadline, containers, revision, by_deadline] = *notice;
  (void)id;  // the newest there is
  digest.add(static_cast<std::uint64_t>(kind) | static_cast<std::uint64_t>(phase) << 2 |
             std::uint64_t{waits} << 4 | std::uint64_t{by_deadline} << 5 |
             std::uint64_t{containers.has_value()} << 6);
  if (deadline) digest.time(*deadline);
  if (containers)
    for (const auto& [name, image] : *containers) {
      digest.add(name);
      digest.add(image);
    }
  digest.add(revision);
}

}  // namespace

void add(const Conversation& conversation, Digest& digest) {
  const auto& [options, writer, handshake, link, view, shown, last_reload, last_rollback] = conversation;
  (void)options;
  (void)last_reload;  // nobody orders here
  (void)last_rollback;
  add(writer, digest);
  add(handshake, digest);
  digest.add(static_cast<std::uint64_t>(link));
  digest.add(shown == nullptr ? 0 : shown == writer.object() ? 1 : 2);  // another object is shown again
  if (view != nullptr) add(view->ops_state, digest);
}

void add(const GameServer& gameserver, Digest& digest) {
  const auto& [version, uid, owner, state, hooks, hook_writers, ops_state, ops_writer, episode, parts] =
      gameserver;
  digest.version(version);
  digest.add(uid | std::uint64_t{owner} << 16 | std::uint64_t{ops_state} << 32 |
             std::uint64_t{episode} << 48);
  digest.add(static_cast<std::uint64_t>(state) | static_cast<std::uint64_t>(hooks[0]) << 4 |
             static_cast<std::uint64_t>(hooks[1]) << 8 | static_cast<std::uint64_t>(hook_writers[0]) << 12 |
             static_cast<std::uint64_t>(hook_writers[1]) << 16 |
             static_cast<std::uint64_t>(ops_writer) << 20 | std::uint64_t{parts} << 24);
}

void add(const Revision& revision, Digest& digest) {
  const auto& [number, sidecar, game] = revision;
  digest.add(number | std::uint64_t{sidecar} << 16 | std::uint64_t{game} << 32);
}

void add(const Pod& pod, Digest& digest) {
  const auto& [number, life, hooks, state, state_episode, state_parts, revision, spec, running, grace,
               was_updated, updated_at, updated_parts, updated_episode, names_updating, episode, parts] = pod;
  digest.add(number | std::uint64_t{state_episode} << 16 | std::uint64_t{episode} << 32 |
             std::uint64_t{updated_episode} << 48);
  digest.add(static_cast<std::uint64_t>(life) | static_cast<std::uint64_t>(hooks[0]) << 4 |
             static_cast<std::uint64_t>(hooks[1]) << 8 | static_cast<std::uint64_t>(state) << 12 |
             std::uint64_t{state_parts} << 16 | std::uint64_t{was_updated} << 20 |
             std::uint64_t{updated_parts} << 24 | std::uint64_t{names_updating} << 28 |
             std::uint64_t{parts} << 32 | std::uint64_t{grace.has_value()} << 36);
  add(revision, digest);
  add(spec, digest);
  add(running, digest);
  if (grace) add(*grace, digest);
  if (was_updated) digest.time(updated_at);
}

void add(const Cluster& cluster, Digest& digest) {
  const auto& [setting, now, has_gameserver, gameserver, cache, pod, wanted, before, revisions,
               ops_state_before, condemned, is_game_up, version, episodes] = cluster;
  (void)setting;
  (void)now;
  digest.version(version);
  add(gameserver, digest);
  add(cache, digest);
  add(pod, digest);
  add(wanted, digest);
  add(before, digest);
  digest.add(std::uint64_t{has_gameserver} | std::uint64_t{condemned} << 1 | std::uint64_t{is_game_up} << 2 |
             std::uint64_t{revisions} << 8 | std::uint64_t{ops_state_before} << 24 |
             std::uint64_t{episodes} << 40);
}

namespace {

void add(const Mail& mail, Digest& digest) {
  digest.add(static_cast<std::uint64_t>(mail.where) | static_cast<std::uint64_t>(mail.code) << 4 |
             std::uint64_t{mail.write.hooks[0].has_value()} << 16 |
             std::uint64_t{mail.write.hooks[0].value_or(false)} << 17 |
             std::uint64_t{mail.write.hooks[1].has_value()} << 18 |
             std::uint64_t{mail.write.hooks[1].value_or(false)} << 19 |
             std::uint64_t{mail.write.ops_state.value_or(99)} << 20);
  if (!mail.write.based_on.empty())
    digest.version(static_cast<std::uint32_t>(std::stoul(mail.write.based_on)));
  digest.add(mail.answer.has_value());
  if (mail.answer) add(*mail.answer, digest);
}

}  // namespace

void Process::add_to(Digest& digest) const {
  digest.add(is_alive());
  if (is_alive()) {
    add(*conversation_, digest);
    judge_.add_to(digest);
  }
  digest.add(std::uint64_t{linked_} | std::uint64_t{wants_read_} << 1 |
             std::uint64_t{event_.has_value()} << 2 | std::uint64_t{mail_.has_value()} << 3 |
             std::uint64_t{late_.has_value()} << 4 | std::uint64_t{asked_.has_value()} << 5 |
             std::uint64_t{known_.pod.has_value()} << 6 | std::uint64_t{known_.gameserver.has_value()} << 7 |
             std::uint64_t{event_ && event_->has_value()} << 8);
  if (event_ && *event_) add(**event_, digest);
  digest.version(taken_);
  digest.version(newest_);
  if (known_.pod) add(*known_.pod, digest);
  if (known_.gameserver) add(*known_.gameserver, digest);
  if (mail_) add(*mail_, digest);
  if (late_) add(*late_, digest);
  digest.add(unheard_.value_or(99) | std::uint64_t{heard_.value_or(99)} << 16 |
             std::uint64_t{belief_.value_or(99)} << 32);
}

std::uint64_t World::digest() const {
  Digest digest(cluster_.now);
  add(cluster_, digest);
  process_.add_to(digest);
  digest.add(budget_.updates | std::uint64_t{budget_.faults} << 8 | std::uint64_t{budget_.sets} << 16 |
             std::uint64_t{budget_.others} << 24);
  return digest.end();
}

}  // namespace okg::controller_model
