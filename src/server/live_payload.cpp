#include "server/live_payload.hpp"

#include <utility>

#include "base/fork.hpp"

namespace okg::server {

LivePayload::LivePayload(payload::VersionDirectory d, payload::VerifiedPayload v)
    : directory(std::move(d)), verified(std::move(v)), digest(verified.digest.text()) {
  for (const auto& [name, component] : verified.manifest.components)
    components[name] = component.digest.text();
  base::close_in_children(directory.fd.get());
}

LivePayload::~LivePayload() {
  // In a child the lock's copy is closed already, and its number may be somebody else's by now.
  if (!base::forget_descriptor(directory.fd.get())) directory.fd.release();
}

reload::ComponentDigests LivePayload::component_digests() const {
  reload::ComponentDigests digests;
  for (const auto& [name, component] : verified.manifest.components) digests[name] = component.digest;
  return digests;
}

}  // namespace okg::server
