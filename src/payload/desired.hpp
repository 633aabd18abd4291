// desired.json in the run directory: what the publisher wanted and when it moved `current`, so that a server
// can tell how long it took to notice.
#pragma once

#include <string>

#include "base/error.hpp"
#include "base/os.hpp"
#include "payload/digest.hpp"

namespace okg::payload {

// Stamped with this very moment; call it right before `current` is moved.
base::Status write_desired(base::Os& os, const std::string& run_directory, const Digest& digest,
                           const std::string& version);

// What publishers left that were killed while they wrote it. Only under the volume's lock.
void remove_desired_temporaries(base::Os& os, const std::string& run_directory);

}  // namespace okg::payload
