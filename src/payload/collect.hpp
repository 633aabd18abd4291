// Removes version directories that nobody needs. Best effort: what cannot be removed now is left for later.
#pragma once

#include <set>
#include <vector>

#include "base/os.hpp"
#include "payload/layout.hpp"

namespace okg::payload {

struct CollectOptions {
  std::size_t keep = 2;          // the newest, besides what is sacred
  std::set<Digest> sacred;       // in use or last-good, as the server says (status, boot.json)
};

// Call with the volume's lock held. `current`'s target, sacred digests, the newest `keep` and whatever a reader holds
// LOCK_SH on stay; the rest goes by rename into .staging and is removed there. Returns what was removed.
std::vector<VersionName> collect(base::Os& os, int root, const CollectOptions& options);

}  // namespace okg::payload
