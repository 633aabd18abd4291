// Which versions a publisher must not remove: what the server has in use or would go back to.
#pragma once

#include <set>
#include <stop_token>
#include <string>

#include "base/os.hpp"
#include "cli/server_status.hpp"
#include "payload/digest.hpp"

namespace okg::cli {

// What `status` names as active, last good or in use.
std::set<payload::Digest> sacred_in(const ServerStatus& status);

// The above if a server answers at once, and what run/boot.json says is last-good, for the time without one.
// Both are hostile: what is malformed says nothing.
std::set<payload::Digest> sacred_digests(base::Os& os, const std::string& run, const std::stop_token& stop);

}  // namespace okg::cli
