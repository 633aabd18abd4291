// What has to be known across the death of a server, written down from the decisions and not from the code:
// design.md section 7 ("Boot guard", "Refusals are remembered") and reference/hot-reload.md C.6.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "model/event.hpp"

namespace okg::model {

enum class Maybe { no, maybe, yes };

inline Maybe either(Maybe a, Maybe b) {
  return a > b ? a : b;
}

struct Refused {
  Target target;
  reload::Stage stage = reload::Stage::verify;
  std::string binary;
  bool passing = false;

  // Those of verify by directory and inode, all others by digest and binary.
  bool same(const Refused& other) const;
};

// Deaths while a payload was being taken into use by a binary, since it was last good or forgiven. `most`:
// also those of which we cannot know whether the attempt had begun, or had ended.
struct Deaths {
  unsigned sure = 0;
  unsigned most = 0;
};

struct Memory {
  std::optional<reload::LastGood> last_good;
  std::optional<reload::Hold> hold;
  std::vector<Refused> refused;
  std::map<std::pair<payload::Digest, std::string>, Deaths> deaths;

  bool last_good_is(const payload::Digest& digest) const {
    return last_good && last_good->name.digest == digest;
  }
  Maybe refuses(const Target& target, const std::string& binary) const;
  void refuse(const Refused& refusal);
  // What stands against a directory falls when another one of that name is found whole.
  void found_well(const payload::VersionName& directory);
  // It failed for good: a rollback to it that was asked for is over.
  void cannot_go_back_to(const payload::Digest& digest);
  // A reload asked for forgets what may pass, a forced one all that stands against the digest.
  void forgive(const Target& target, const std::string& binary, bool force);
  // Everything that is here must be in `guard`, and nothing else: refusals beyond the newest 16 may be
  // missing.
  void compare(const Guard& guard);
};

bool same_target(const Target& a, const Target& b);
// As far as it is saved: what may pass is forgotten at the next start.
bool same_guard(const Guard& a, const Guard& b);

}  // namespace okg::model
