// Is a version directory really the payload that its name says? Everything is read and hashed.
#pragma once

#include <stop_token>

#include "base/error.hpp"
#include "base/os.hpp"
#include "payload/list.hpp"
#include "payload/manifest.hpp"
#include "payload/read.hpp"

namespace okg::payload {

struct VerifiedPayload {
  Digest digest;
  Manifest manifest;
  FileList list;
  base::UniqueFd files;  // the directory files/
};

// Manifest against `digest`, list against manifest, every file's type, size, mode and hash against the list,
// and nothing there that the list does not name. Checks `stop` at least every MiB and every few files: code
// superseded. What is missing is io (retriable: it may still be coming), what is wrong is digest_mismatch,
// bad_manifest, bad_list, bad_path or, for a requirement that this okg does not know, requires_unmet.
base::Result<VerifiedPayload> verify(base::Os& os, int directory, const Digest& digest,
                                     std::stop_token stop = {});

// Manifest and list only (no file is read): for what has been verified in this process or by the caller.
base::Result<VerifiedPayload> open_unverified(base::Os& os, int directory, const Digest& digest);

}  // namespace okg::payload
