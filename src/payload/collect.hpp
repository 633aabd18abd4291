// Removes version directories that nobody needs. Best effort: what cannot be removed now is left for later.
#pragma once

#include <set>
#include <stop_token>
#include <vector>

#include "base/os.hpp"
#include "payload/layout.hpp"

namespace okg::payload {

struct CollectOptions {
  std::size_t keep = 2;     // the newest digests, of which `current`'s is always one
  std::set<Digest> sacred;  // in use or last-good, as the server says (status, boot.json)
  std::stop_token stop;     // what is being removed then stays in .staging for the next publisher
};

// Call with the volume's lock held (volume.hpp). `current`'s target, sacred digests, the newest `keep` and
// whatever a reader holds LOCK_SH on stay; the rest goes by rename into .staging and is removed there. Never
// waits for anybody. Returns what was removed.
std::vector<VersionName> collect(base::Os& os, int root, const CollectOptions& options);

// Versions are ordered by when they were published, and that is kept as the mtime of the version directory:
// the time of day, but always later than that of every other version, so that a clock that was set back
// changes no order. Called by the publisher right before `current` is moved. Best effort: another uid's
// directory stays as it is.
void stamp_as_newest(base::Os& os, int versions, int directory);

}  // namespace okg::payload
