#include "controller/writer.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

namespace okg::controller {
namespace {

using base::Code;
using base::Error;

constexpr Nanoseconds kSecond = 1'000'000'000;
constexpr double kBurst = 10, kPatchesPerSecond = 0.5;
// The controller's copy of an object is seconds old at most; what comes later was decided by somebody.
constexpr Nanoseconds kStaleFor = 60 * kSecond;
constexpr unsigned kMostAgain = 3;
constexpr Nanoseconds kRefusedFor = 30 * kSecond;  // the first time; twice as long each time after that
constexpr unsigned kMostQuickConflicts = 5;

// What a field holds that nobody has set.
bool is_untouched(const Field& field, const Value& value) {
  if (!value) return true;
  if (field == kOpsStateField) return *value == "None" || value->empty();
  if (field == kUpdatePriorityField || field == kDeletionPriorityField) return *value == "0";
  return false;
}

bool contains(const std::vector<Value>& values, const Value& value) {
  return std::find(values.begin(), values.end(), value) != values.end();
}

bool is(const std::optional<Value>& known, const Value& value) {
  return known && *known == value;
}

std::string shown(const Value& value) {
  return value ? "\"" + *value + "\"" : "nothing";
}

writer_action::Finished superseded(const Wish& wish) {
  return {wish.ticket, Error(Code::superseded, wish.field + ": something newer was set")};
}

void append(WriterActions& actions, WriterActions more) {
  std::move(more.begin(), more.end(), std::back_inserter(actions));
}

}  // namespace

WriterActions Writer::set(Wish wish, Nanoseconds now) {
  WriterActions actions = put(std::move(wish));
  append(actions, go(now));
  return actions;
}

WriterActions Writer::put(Wish wish) {
  WriterActions actions;
  Entry& entry = entries_[wish.field];
  const bool is_unanswered = entry.serial != 0 && entry.phase == Phase::waiting;
  if (is_unanswered) {
    // What the older wish could be based on is still there, unless its patch is under way.
    if (!wish.expect)
      for (const Value& value : entry.wish.known)
        if (!contains(wish.known, value)) wish.known.push_back(value);
    if (is_on_its_way(wish.field, entry))
      wish.known.push_back(entry.wish.value);
    else if (entry.wish.ticket != 0)
      actions.push_back(superseded(entry.wish));
  }
  entry.wish = std::move(wish);
  entry.phase = Phase::waiting;
  entry.serial = ++last_serial_;
  entry.lost.reset();
  entry.written_again = 0;
  entry.not_before = 0;
  return actions;
}

bool Writer::is_on_its_way(const Field& field, const Entry& entry) const {
  const auto sent = sent_.find(field);
  return sent != sent_.end() && sent->second.serial == entry.serial;
}

void Writer::drop(const Field& field) {
  const auto found = entries_.find(field);
  if (found != entries_.end() && found->second.wish.passing && !is_on_its_way(field, found->second))
    entries_.erase(found);
}

// Did the controller write its old copy over ours, and nobody anything since?
bool Writer::is_taken_back(const Entry& entry, const Value& current) const {
  return is(entry.taken_back, current) && object_->written_by_controller(entry.wish.field);
}

Writer::May Writer::may(const Entry& entry, const Value& current) const {
  const Wish& wish = entry.wish;
  if (current == wish.value && (!wish.expect || entry.lost)) return May::nothing_to_do;
  // What it would hold.
  const Value rightful = is_taken_back(entry, current) ? *entry.own : current;
  if (wish.expect && rightful != *wish.expect) return May::conflict;
  if (current == wish.value) return May::nothing_to_do;
  if (wish.ours || wish.expect || contains(wish.known, rightful) || is(entry.own, rightful))
    return May::write;
  return wish.known.empty() && is_untouched(wish.field, rightful) ? May::write : May::conflict;
}

// Sends what waits, as one patch.
WriterActions Writer::go(Nanoseconds now) {
  WriterActions actions;
  if (!connected_ || !object_ || stale_ || in_flight_ || now < pause_until_) return actions;
  Patch patch;
  for (auto at = entries_.begin(); at != entries_.end();) {
    Entry& entry = at->second;
    if (entry.phase != Phase::waiting || entry.not_before > now || (singly_ && !patch.fields.empty())) {
      ++at;
      continue;
    }
    const Value current = object_->get(at->first);
    switch (may(entry, current)) {
      case May::nothing_to_do:
        if (entry.wish.ticket != 0)
          actions.push_back(writer_action::Finished{entry.wish.ticket, std::nullopt});
        entry.wish.ticket = 0;
        entry.phase = Phase::held;
        entry.own = entry.wish.value;
        entry.replaced = std::exchange(entry.lost, std::nullopt);
        entry.taken_back.reset();
        at = entry.wish.passing ? entries_.erase(at) : std::next(at);
        break;
      case May::conflict:
        if (entry.wish.ticket != 0)
          actions.push_back(writer_action::Finished{
              entry.wish.ticket,
              Error(Code::conflict, at->first + ": holds " + shown(current) +
                                        ", which somebody else set: look at it and decide again")});
        at = entries_.erase(at);
        break;
      case May::write:
        patch.fields[at->first] = entry.wish.value;
        sent_[at->first] = Sent{entry.wish, entry.serial, current};
        ++at;
        break;
    }
  }
  if (patch.fields.empty()) return actions;
  if (!may_send(now)) {
    sent_.clear();
    return actions;
  }
  patch.id = ++last_id_;
  patch.resource_version = object_->resource_version;
  in_flight_ = patch.id;
  actions.push_back(writer_action::Send{std::move(patch)});
  return actions;
}

// A bucket of tokens: a game that sets a label every tick must not flood the API server.
bool Writer::may_send(Nanoseconds now) {
  if (refilled_at_ != 0)
    tokens_ =
        std::min(kBurst, tokens_ + static_cast<double>(now - refilled_at_) / kSecond * kPatchesPerSecond);
  refilled_at_ = now;
  if (tokens_ < 1) {
    pause_until_ = now + static_cast<Nanoseconds>((1 - tokens_) / kPatchesPerSecond * kSecond) + 1;
    return false;
  }
  tokens_ -= 1;
  return true;
}

WriterActions Writer::seen(ObjectPtr object, Nanoseconds now) {
  take(std::move(object), now);
  return go(now);
}

void Writer::take(ObjectPtr object, Nanoseconds now) {
  // Versions count on also when a GameServer is deleted and made anew. Where there is none, whoever tells of
  // one knows why its version may be smaller: a backup was restored.
  if (object && object_ && is_older(object->resource_version, newest_))
    return look(false, now);  // an answer that the watch has overtaken tells of what to look at
  const bool is_another = object && !uid_.empty() && object->uid != uid_;
  object_ = std::move(object);
  stale_ = false;
  if (!object_) return;
  uid_ = object_->uid;
  newest_ = object_->resource_version;
  look(is_another, now);
}

void Writer::look(bool is_another, Nanoseconds now) {
  for (auto at = entries_.begin(); at != entries_.end();)
    at = stays(at->second, object_->get(at->first), is_another, now) ? std::next(at) : entries_.erase(at);
}

// What becomes of it, now that the field holds `current`?
bool Writer::stays(Entry& entry, const Value& current, bool is_another, Nanoseconds now) {
  if (is_another) {  // made anew, it holds nothing of what we wrote, and that is to be known
    entry.own.reset();
    entry.replaced.reset();
    entry.taken_back.reset();
  }
  const bool is_back = is(entry.replaced, current) && entry.own && !is(entry.own, current) &&
                       object_->written_by_controller(entry.wish.field) && now - entry.written_at < kStaleFor;
  if (is_back)
    entry.taken_back = current;
  else if (!is_taken_back(entry, current))
    entry.taken_back.reset();
  if (entry.phase == Phase::waiting || current == entry.wish.value) return true;
  if (!entry.wish.ours && (!is_back || entry.written_again >= kMostAgain))
    return false;  // somebody else's by now
  write_again(entry, now);
  return true;
}

void Writer::write_again(Entry& entry, Nanoseconds now) {
  entry.phase = Phase::waiting;
  entry.serial = ++last_serial_;
  entry.wish.expect.reset();
  entry.wish.known = {entry.wish.value};  // not over what it was written over once
  if (now - entry.written_at > 10 * kStaleFor) entry.written_again = 0;
  entry.not_before = entry.written_again == 0 ? now : now + (kSecond << std::min(entry.written_again, 6U));
  ++entry.written_again;
}

WriterActions Writer::patched(PatchId id, const base::Result<ObjectPtr>& result, Nanoseconds now) {
  WriterActions actions = take_answer(id, result, now);
  append(actions, go(now));
  return actions;
}

WriterActions Writer::take_answer(PatchId id, const base::Result<ObjectPtr>& result, Nanoseconds now) {
  WriterActions actions;
  if (in_flight_ != id) return actions;
  in_flight_.reset();
  if (result) {
    conflicts_ = failures_ = 0;
    singly_ = false;
    // Of a GameServer that was deleted meanwhile, and of which there is another by now?
    const bool is_gone = *result && is_older((*result)->resource_version, newest_) &&
                         (!object_ || (*result)->uid != object_->uid);
    for (const auto& [field, sent] : std::exchange(sent_, {})) arrived(sent, is_gone, now, actions);
    if (object_ || !is_gone) take(*result, now);
    return actions;
  }
  switch (const Error& error = result.error(); error.code) {
    case Code::invalid_argument:
    case Code::denied:
    case Code::unsupported:
      refused(error, now, actions);
      break;
    default:
      if (error.code == Code::conflict || error.code == Code::not_found) {
        if (++conflicts_ > kMostQuickConflicts) pause_until_ = now + kSecond;
      } else {
        forget_answer(now);
        if (failures_ > 0) pause_until_ = now + (kSecond << std::min(failures_, 6U));
        ++failures_;
      }
      failed(actions);
      stale_ = true;
      actions.push_back(writer_action::Reread{});
  }
  return actions;
}

void Writer::arrived(const Sent& sent, bool is_gone, Nanoseconds now, WriterActions& actions) {
  const auto found = entries_.find(sent.wish.field);
  const bool is_current = found != entries_.end() && found->second.serial == sent.serial;
  // The entry's ticket is 0 when its deadline has passed meanwhile.
  const Ticket ticket = is_current ? std::exchange(found->second.wish.ticket, 0) : sent.wish.ticket;
  if (ticket != 0) actions.push_back(writer_action::Finished{ticket, std::nullopt});
  if (found == entries_.end()) return;
  if (is_current && (sent.wish.passing || (is_gone && !sent.wish.ours))) entries_.erase(found);
  if (is_gone || (is_current && sent.wish.passing)) return;
  Entry& entry = found->second;
  entry.own = sent.wish.value;
  entry.replaced = sent.previous;
  entry.taken_back.reset();
  entry.written_at = now;
  if (!is_current) return;
  entry.lost.reset();
  entry.phase = Phase::held;
}

// Also after a timeout it may have arrived: the object itself tells.
void Writer::forget_answer(Nanoseconds now) {
  for (const auto& [field, sent] : sent_)
    if (const auto found = entries_.find(field);
        found != entries_.end() && found->second.serial == sent.serial) {
      found->second.lost = sent.previous;
      found->second.written_at = now;
    }
}

// What was on its way when something newer was set has nobody but itself to say that it ended.
void Writer::failed(WriterActions& actions) {
  for (const auto& [field, sent] : std::exchange(sent_, {}))
    if (const auto found = entries_.find(field);
        sent.wish.ticket != 0 && (found == entries_.end() || found->second.serial != sent.serial))
      actions.push_back(superseded(sent.wish));
}

void Writer::refused(const Error& error, Nanoseconds now, WriterActions& actions) {
  if (sent_.size() > 1) {
    singly_ = true;
    return failed(actions);
  }
  const auto sent = std::exchange(sent_, {});
  for (const auto& [field, one] : sent) {
    const auto found = entries_.find(field);
    const bool is_current = found != entries_.end() && found->second.serial == one.serial;
    const Ticket ticket = is_current ? found->second.wish.ticket : one.wish.ticket;
    if (ticket != 0) actions.push_back(writer_action::Finished{ticket, error});
    if (!is_current) continue;
    // Who wants a passing wish says so again at once: the answer must not be the next patch. And who reports
    // says so once: it is tried again.
    if (one.wish.passing || one.wish.ours)
      found->second.not_before = now + (kRefusedFor << std::min(found->second.refused++, 4U));
    else
      entries_.erase(found);
  }
}

WriterActions Writer::connected(bool is_connected, Nanoseconds now) {
  connected_ = is_connected;
  return go(now);
}

void Writer::forget_refusals() {
  for (auto& [field, entry] : entries_)
    if (std::exchange(entry.refused, 0) > 0) entry.not_before = 0;
}

WriterActions Writer::tick(Nanoseconds now) {
  WriterActions actions;
  for (auto at = entries_.begin(); at != entries_.end();) {
    Wish& wish = at->second.wish;
    if (wish.ticket == 0 || wish.deadline == 0 || now < wish.deadline) {
      ++at;
      continue;
    }
    const bool is_over = wish.expect.has_value();
    const char* why = is_over ? ": was not written in time"
                              : ": not written yet; it will be, unless somebody sets something else";
    if (const auto sent = sent_.find(at->first);
        sent != sent_.end() && sent->second.serial == at->second.serial) {
      sent->second.wish.ticket = 0;
      if (is_over) why = ": no answer in time: it may still arrive";
    }
    actions.push_back(
        writer_action::Finished{std::exchange(wish.ticket, 0), Error(Code::timeout, at->first + why)});
    // What was to be compared with the value of then is not written later.
    at = is_over ? entries_.erase(at) : std::next(at);
  }
  append(actions, go(now));
  return actions;
}

WriterActions Writer::stop(const Error& error) {
  WriterActions actions;
  for (auto& [field, sent] : sent_)
    if (const auto found = entries_.find(field);
        sent.wish.ticket != 0 && (found == entries_.end() || found->second.serial != sent.serial))
      actions.push_back(writer_action::Finished{sent.wish.ticket, error});
  for (auto& [field, entry] : entries_)
    if (entry.wish.ticket != 0) actions.push_back(writer_action::Finished{entry.wish.ticket, error});
  entries_.clear();
  sent_.clear();
  in_flight_.reset();
  return actions;
}

std::optional<Nanoseconds> Writer::next_deadline() const {
  std::optional<Nanoseconds> next;
  const auto take = [&](Nanoseconds at) {
    if (!next || at < *next) next = at;
  };
  for (const auto& [field, entry] : entries_) {
    if (entry.wish.ticket != 0 && entry.wish.deadline != 0) take(entry.wish.deadline);
    const bool can_go = connected_ && object_ && !stale_ && !in_flight_;
    if (can_go && entry.phase == Phase::waiting) take(std::max(entry.not_before, pause_until_));
  }
  return next;
}

Value Writer::effective(const Field& field) const {
  const Value current = object_ ? object_->get(field) : std::nullopt;
  const auto found = entries_.find(field);
  return found != entries_.end() && is_taken_back(found->second, current) ? *found->second.own : current;
}

bool Writer::is_wanted(const Field& field, const Value& value) const {
  const auto found = entries_.find(field);
  return found != entries_.end() && found->second.phase == Phase::waiting &&
         found->second.wish.value == value;
}

}  // namespace okg::controller
