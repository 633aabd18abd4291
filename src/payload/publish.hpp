// Publishing: a payload directory becomes v/<digest> on the volume, and `current` is moved to it in one
// rename. A kill after any system call leaves the old or the new payload in place, and the next publish
// converges (docs/payload-format.md, "Publishing").
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <set>
#include <stop_token>
#include <string>

#include "base/error.hpp"
#include "base/log.hpp"
#include "base/os.hpp"
#include "payload/layout.hpp"
#include "payload/pack.hpp"

namespace okg::payload {

struct PublishProgress {
  std::uint64_t files = 0, of_files = 0;
  std::uint64_t bytes = 0, of_bytes = 0;
};

struct PublishOptions {
  std::string from;                 // payload directory; without a manifest the directory itself is the files
  std::optional<PackOptions> pack;  // for a `from` without manifest: version and so on
  std::string to;                   // the volume's root; must exist
  std::string run;                  // run directory for desired.json; "" or missing: not written
  std::uint64_t budget = 0;  // bytes that v/, .staging/ and bin/ may take together; 0: what the disk has
  std::size_t keep = 2;
  std::set<Digest> sacred;  // see collect.hpp
  bool sync = false;        // syncfs before the commit, fsync after it
  std::string program;      // file to install as bin/okg; "": none
  std::chrono::milliseconds lock_wait{10'000};
  std::stop_token stop;
  std::function<void(const PublishProgress&)> progress;
  base::Log log;
};

struct Published {
  Digest digest;
  std::string version;
  std::uint64_t files = 0;
  std::uint64_t bytes = 0;         // of the payload
  std::uint64_t reused_bytes = 0;  // hard-linked from the version that was current, not copied
  bool already_there = false;      // `current` was this digest, and all of it was sound
  std::chrono::nanoseconds took{0};
};

base::Result<Published> publish(base::Os& os, const PublishOptions& options);

// The digest of a payload directory: SHA-256 of its manifest.json. not_found when it has none.
base::Result<Digest> payload_digest(base::Os& os, const std::string& directory);

// What the publisher left in desired.json: when it moved `current` (CLOCK_MONOTONIC of this boot). nullopt
// when the file is missing, malformed, of another boot or of another digest.
std::optional<std::int64_t> desired_stamp_ns(base::Os& os, int run_directory, const Digest& digest);

}  // namespace okg::payload
