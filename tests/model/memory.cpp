#include "model/memory.hpp"

#include <algorithm>

namespace okg::model {

namespace {

Refused known(const reload::Refusal& refusal) {
  return {{refusal.name, refusal.inode}, refusal.failure.stage, refusal.binary, refusal.passing};
}

bool same_refusal(const reload::Refusal& a, const reload::Refusal& b) {
  return a.name == b.name && a.inode == b.inode && a.failure.stage == b.failure.stage &&
         a.failure.code == b.failure.code && a.binary == b.binary && a.version == b.version;
}

bool same_refusals(const Guard& a, const Guard& b) {
  auto theirs = b.refusals.begin();
  const auto skip = [&] {
    while (theirs != b.refusals.end() && theirs->passing) ++theirs;
  };
  for (const reload::Refusal& ours : a.refusals) {
    if (ours.passing) continue;
    skip();
    if (theirs == b.refusals.end() || !same_refusal(ours, *theirs++)) return false;
  }
  skip();
  return theirs == b.refusals.end();
}

}  // namespace

bool same_target(const Target& a, const Target& b) {
  return a.name == b.name && a.inode == b.inode;
}

bool Refused::same(const Refused& other) const {
  if ((stage == reload::Stage::verify) != (other.stage == reload::Stage::verify)) return false;
  if (stage == reload::Stage::verify) return same_target(target, other.target);
  return target.digest() == other.target.digest() && binary == other.binary;
}

Maybe Memory::refuses(const Target& target, const std::string& binary) const {
  Maybe answer = Maybe::no;
  for (const Refused& one : refused) {
    if (one.stage != reload::Stage::verify) {
      if (one.target.digest() == target.digest() && one.binary == binary) return Maybe::yes;
    } else if (one.target.name == target.name) {
      if (one.target.inode == target.inode) return Maybe::yes;
      if (one.target.inode == 0 || target.inode == 0) answer = Maybe::maybe;  // nobody can know
    }
  }
  return answer;
}

void Memory::refuse(const Refused& refusal) {
  const bool directory = refusal.stage == reload::Stage::verify;
  std::erase_if(refused, [&](const Refused& old) {
    const bool replaced =
        directory && old.stage == reload::Stage::verify && old.target.name == refusal.target.name;
    return old.same(refusal) || replaced;
  });
  refused.push_back(refusal);
  if (refused.size() > reload::kMostRefusals) refused.erase(refused.begin());
}

void Memory::found_well(const payload::VersionName& directory) {
  std::erase_if(refused, [&](const Refused& one) {
    return one.stage == reload::Stage::verify && one.target.name == directory;
  });
}

void Memory::cannot_go_back_to(const payload::Digest& digest) {
  if (hold && hold->to.digest == digest) hold.reset();
}

void Memory::forgive(const Target& target, const std::string& binary, bool force) {
  if (force) {
    std::erase_if(refused, [&](const Refused& one) { return one.target.digest() == target.digest(); });
    std::erase_if(deaths, [&](const auto& one) { return one.first.first == target.digest(); });
    return;
  }
  std::erase_if(refused, [&](const Refused& one) {
    return one.passing && one.target.digest() == target.digest() && one.binary == binary;
  });
}

void Memory::compare(const Guard& guard) {
  require(guard.refusals.size() <= reload::kMostRefusals, "more than 16 refusals are remembered");
  require(guard.attempts.size() <= reload::kMostAttempts, "more than 16 attempts are remembered");
  for (const reload::Refusal& theirs : guard.refusals)
    require(std::any_of(refused.begin(), refused.end(),
                        [&](const Refused& ours) {
                          return ours.same(known(theirs)) && ours.passing == theirs.passing;
                        }),
            "a refusal is remembered that was not, or is forgiven");
  const auto forgotten = [&](const Refused& ours) {
    return std::none_of(guard.refusals.begin(), guard.refusals.end(),
                        [&](const reload::Refusal& theirs) { return ours.same(known(theirs)); });
  };
  require(std::none_of(refused.begin(), refused.end(), forgotten), "a refusal is forgotten");
  if (guard.attempts.size() == reload::kMostAttempts)
    for (auto& [key, count] : deaths)
      if (std::none_of(guard.attempts.begin(), guard.attempts.end(), [&](const reload::Attempt& one) {
            return one.digest == key.first && one.binary == key.second;
          }))
        count.sure = 0;  // beyond the newest 16
  require(guard.hold.has_value() == hold.has_value(), "a hold is forgotten, or stands without a reason");
  if (hold)
    require(guard.hold->desired == hold->desired && guard.hold->to == hold->to,
            "a hold is not the one asked for");
}

bool same_guard(const Guard& a, const Guard& b) {
  if (a.last_good.has_value() != b.last_good.has_value() || a.hold.has_value() != b.hold.has_value())
    return false;
  if (a.last_good && (a.last_good->name != b.last_good->name || a.last_good->binary != b.last_good->binary ||
                      a.last_good->version != b.last_good->version))
    return false;
  if (a.hold && (a.hold->desired != b.hold->desired || a.hold->to != b.hold->to)) return false;
  return std::equal(a.attempts.begin(), a.attempts.end(), b.attempts.begin(), b.attempts.end(),
                    [](const reload::Attempt& x, const reload::Attempt& y) {
                      return x.digest == y.digest && x.binary == y.binary && x.count == y.count;
                    }) &&
         same_refusals(a, b);
}

}  // namespace okg::model
