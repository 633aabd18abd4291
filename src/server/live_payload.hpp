// A verified payload that somebody may be using, and the lock that keeps its files.
#pragma once

#include <map>
#include <memory>
#include <string>

#include "payload/read.hpp"
#include "payload/verify.hpp"
#include "reload/plan.hpp"

namespace okg::server {

struct LivePayload {
  payload::VersionDirectory directory;  // holds LOCK_SH
  payload::VerifiedPayload verified;
  std::string digest;                             // "sha256:<hex>"
  std::map<std::string, std::string> components;  // digests as text

  LivePayload(payload::VersionDirectory d, payload::VerifiedPayload v);
  ~LivePayload();
  LivePayload(const LivePayload&) = delete;
  LivePayload& operator=(const LivePayload&) = delete;

  const std::string& version() const { return verified.manifest.version; }
  reload::ComponentDigests component_digests() const;
};

using LivePayloadPtr = std::shared_ptr<const LivePayload>;

}  // namespace okg::server
