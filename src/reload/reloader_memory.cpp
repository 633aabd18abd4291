// What the reloader remembers of payloads: refusals and attempts, in the boot guard.
#include <algorithm>
#include <utility>

#include "reload/reloader.hpp"

namespace okg::reload {

using payload::Digest;

// What *verify* refused may be replaced by a good copy, in another directory or under another inode; what a
// handler refused is judged anew by another server binary only.
const Refusal* Reloader::refusal_of(const Target& target) const {
  for (auto it = guard_.refusals.rbegin(); it != guard_.refusals.rend(); ++it) {
    if (it->failure.stage == Stage::verify) {
      // Without an inode the target is whatever lies there; a refusal without one found nothing there.
      if (it->name == target.name && (target.inode == 0 || it->inode == target.inode)) return &*it;
    } else if (it->name.digest == target.digest() && it->binary == options_.binary) {
      return &*it;
    }
  }
  return nullptr;
}

const Refusal* Reloader::refusal(const Digest& digest) const {
  if (desired_ && desired_->digest() == digest) return refusal_of(*desired_);
  if (active_ && active_->digest() == digest) return refusal_of(*active_);
  for (auto it = guard_.refusals.rbegin(); it != guard_.refusals.rend(); ++it)
    if (it->name.digest == digest && (it->failure.stage == Stage::verify || it->binary == options_.binary))
      return &*it;
  return nullptr;
}

void Reloader::refuse(const Target& target, const std::string& version, const Failure& failure, bool passing,
                      Actions& actions) {
  // The newest word on a directory, or of a binary on a payload; each stands beside the other.
  std::erase_if(guard_.refusals, [&](const Refusal& old) {
    if ((old.failure.stage == Stage::verify) != (failure.stage == Stage::verify)) return false;
    if (failure.stage == Stage::verify) return old.name == target.name;
    return old.name.digest == target.digest() && old.binary == options_.binary;
  });
  guard_.refusals.push_back({target.name, target.inode, version, failure, options_.binary, passing});
  while (guard_.refusals.size() > kMostRefusals) guard_.refusals.pop_front();
  actions.push_back(action::SaveGuard{});
}

// A directory of a name that was refused is whole: it is another one than that.
void Reloader::found_whole(const payload::VersionName& name, Actions& actions) {
  const auto fallen = std::erase_if(guard_.refusals, [&](const Refusal& old) {
    return old.failure.stage == Stage::verify && old.name == name;
  });
  if (fallen != 0) actions.push_back(action::SaveGuard{});
}

// The retries of this start were used up: somebody asks for one more.
void Reloader::forgive_passing(const Digest& digest, Actions& actions) {
  const auto fallen = std::erase_if(guard_.refusals, [&](const Refusal& old) {
    return old.passing && old.name.digest == digest && old.binary == options_.binary;
  });
  if (fallen != 0) actions.push_back(action::SaveGuard{});
}

void Reloader::forgive(const Digest& digest, Actions& actions) {
  std::erase_if(guard_.refusals, [&](const Refusal& old) { return old.name.digest == digest; });
  std::erase_if(guard_.attempts, [&](const Attempt& old) { return old.digest == digest; });
  if (counted_.contains(digest)) set_attempts(digest, 1);  // it is under way
  actions.push_back(action::SaveGuard{});
}

// ---- Attempts: once a process, however often prepare begins anew

const Attempt* Reloader::attempts_of(const Digest& digest) const {
  for (const Attempt& attempt : guard_.attempts)
    if (attempt.digest == digest && attempt.binary == options_.binary) return &attempt;
  return nullptr;
}

void Reloader::set_attempts(const Digest& digest, unsigned count) {
  std::erase_if(guard_.attempts,
                [&](const Attempt& old) { return old.digest == digest && old.binary == options_.binary; });
  if (count == 0) return;
  if (guard_.attempts.size() >= kMostAttempts) guard_.attempts.erase(guard_.attempts.begin());
  guard_.attempts.push_back({digest, options_.binary, std::min(count, kMostCounted)});
}

void Reloader::count_attempt(const Digest& digest, Actions& actions) {
  if (!counted_.insert(digest).second) return;
  const Attempt* before = attempts_of(digest);
  set_attempts(digest, before == nullptr ? 1 : before->count + 1);
  actions.push_back(action::SaveGuard{});
}

void Reloader::take_back_attempt(const Digest& digest, Actions& actions) {
  if (probation_until_ && active_ && active_->digest() == digest) return;  // it goes on
  if (counted_.erase(digest) == 0) return;
  const Attempt* before = attempts_of(digest);
  if (before == nullptr) return;
  set_attempts(digest, before->count - 1);
  actions.push_back(action::SaveGuard{});
}

Actions Reloader::stop() {
  Actions actions;
  for (const Digest& digest : std::exchange(counted_, {})) {
    if (const Attempt* before = attempts_of(digest)) set_attempts(digest, before->count - 1);
    if (actions.empty()) actions.push_back(action::SaveGuard{});
  }
  return actions;
}

}  // namespace okg::reload
