// Names and limits of what lies on a payload volume (docs/payload-format.md).
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "payload/digest.hpp"

namespace okg::payload {

inline constexpr char kCurrent[] = "current";  // symlink to v/<digest hex>[.N]; moving it is publishing
inline constexpr char kVersions[] = "v";       // immutable version directories
inline constexpr char kStaging[] =
    ".staging";                           // in progress or being deleted; owned by whoever holds the lock
inline constexpr char kLock[] = ".lock";  // flock(LOCK_EX) while publishing
inline constexpr char kProgramDirectory[] = "bin";  // bin/okg: the publisher's own program
inline constexpr char kProgram[] = "okg";
inline constexpr char kFiles[] = "files";
inline constexpr char kList[] = "files.list";
inline constexpr char kManifest[] = "manifest.json";
inline constexpr char kDesired[] = "desired.json";  // in the run directory

inline constexpr char kManifestSchema[] = "okg.payload/v1";
inline constexpr char kRootComponent[] = "root";

inline constexpr std::size_t kMostManifestBytes = 1 << 20;
inline constexpr std::size_t kMostListBytes = 64 << 20;
inline constexpr std::uint64_t kMostFiles = 200'000;
inline constexpr std::size_t kMostPathBytes = 4096;
inline constexpr std::size_t kMostSegmentBytes = 255;
inline constexpr std::size_t kMostDepth = 64;
inline constexpr std::size_t kMostVersionBytes = 128;
inline constexpr std::size_t kMostComponents = 1000;

// A version directory's name below v/: the digest, and a number where a damaged copy was in the way.
struct VersionName {
  Digest digest;
  unsigned copy = 0;

  std::string text() const;  // "<hex>" or "<hex>.N"
  bool operator==(const VersionName&) const = default;
  static std::optional<VersionName> parse(std::string_view text);
  // A target of `current`: "v/<hex>[.N]", nothing else.
  static std::optional<VersionName> parse_target(std::string_view target);
  std::string target() const { return std::string(kVersions) + "/" + text(); }
};

}  // namespace okg::payload
