// What the reloader remembers of payloads: refusals and attempts, in the boot guard.
#include <algorithm>

#include "reload/reloader.hpp"

namespace okg::reload {

using payload::Digest;

// What *verify* refused may be replaced by a good copy, in another directory or under another inode; what a
// handler refused is judged anew by another server binary only.
const Refusal* Reloader::refusal_of(const Target& target) const {
  for (auto it = guard_.refusals.rbegin(); it != guard_.refusals.rend(); ++it) {
    if (it->failure.stage == Stage::verify) {
      const bool same_inode = it->inode == target.inode || it->inode == 0 || target.inode == 0;
      if (it->name == target.name && same_inode) return &*it;
    } else if (it->name.digest == target.digest() && it->binary == options_.binary) {
      return &*it;
    }
  }
  return nullptr;
}

const Refusal* Reloader::refusal(const Digest& digest) const {
  if (desired_ && desired_->digest() == digest) return refusal_of(*desired_);
  for (auto it = guard_.refusals.rbegin(); it != guard_.refusals.rend(); ++it)
    if (it->name.digest == digest && (it->failure.stage == Stage::verify || it->binary == options_.binary))
      return &*it;
  return nullptr;
}

void Reloader::refuse(const Target& target, const std::string& version, const Failure& failure, bool passing,
                      Actions& actions) {
  std::erase_if(guard_.refusals, [&](const Refusal& old) { return old.name == target.name; });
  guard_.refusals.push_back({target.name, target.inode, version, failure, options_.binary, passing});
  while (guard_.refusals.size() > kMostRefusals) guard_.refusals.pop_front();
  actions.push_back(action::SaveGuard{});
}

void Reloader::forgive(const Digest& digest, Actions& actions) {
  std::erase_if(guard_.refusals, [&](const Refusal& old) { return old.name.digest == digest; });
  std::erase_if(guard_.attempts, [&](const Attempt& old) { return old.digest == digest; });
  actions.push_back(action::SaveGuard{});
}

void Reloader::count_attempt(const Digest& digest, Actions& actions) {
  const auto same = [&](const Attempt& attempt) {
    return attempt.digest == digest && attempt.binary == options_.binary;
  };
  const auto found = std::find_if(guard_.attempts.begin(), guard_.attempts.end(), same);
  if (found != guard_.attempts.end()) {
    found->count = std::min(found->count + 1, kMostStarts);
  } else {
    if (guard_.attempts.size() >= kMostAttempts) guard_.attempts.erase(guard_.attempts.begin());
    guard_.attempts.push_back({digest, options_.binary, 1});
  }
  actions.push_back(action::SaveGuard{});
}

void Reloader::clear_attempts(const Digest& digest, Actions& actions) {
  const auto removed = std::erase_if(guard_.attempts, [&](const Attempt& attempt) {
    return attempt.digest == digest && attempt.binary == options_.binary;
  });
  if (removed != 0) actions.push_back(action::SaveGuard{});
}

}  // namespace okg::reload
