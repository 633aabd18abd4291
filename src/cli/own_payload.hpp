// The payload in this image: what `--from DIR` names.
#pragma once

#include <optional>
#include <string>

#include "base/error.hpp"
#include "base/os.hpp"
#include "payload/manifest.hpp"

namespace okg::cli {

struct OwnPayload {
  std::optional<payload::Manifest> manifest;  // nullopt: a plain directory
  payload::Digest digest;                     // of the manifest, if there is one
};

// Reads DIR's own manifest, nothing else. not_found and invalid_argument: there is no such directory;
// bad_manifest and the like: what is there is no manifest.
base::Result<OwnPayload> read_own_payload(base::Os& os, const std::string& directory);

}  // namespace okg::cli
