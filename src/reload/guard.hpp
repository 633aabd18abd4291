// The boot guard: what a server has to remember about payloads across its own death, in <run>/boot.json
// (docs/reload-protocol.md, "Boot guard").
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "base/os.hpp"
#include "payload/layout.hpp"
#include "reload/failure.hpp"

namespace okg::reload {

inline constexpr char kGuardFile[] = "boot.json";
inline constexpr std::size_t kMostRefusals = 16;
inline constexpr std::size_t kMostAttempts = 16;
// The third start that ends while it takes a payload into use is the last one: reference/hot-reload.md C.6.
inline constexpr unsigned kMostStarts = 3;
// Counted no further: one more, so that the attempt under way can be taken back.
inline constexpr unsigned kMostCounted = kMostStarts + 1;

struct Refusal {
  payload::VersionName name;
  std::uint64_t inode = 0;
  std::string version;
  Failure failure;
  std::string binary;    // the server that refused it
  bool passing = false;  // retries were used up: forgotten at the next start
};

struct Attempt {
  payload::Digest digest;
  std::string binary;
  unsigned count = 0;
};

struct LastGood {
  payload::VersionName name;
  std::string version;
  std::string binary;  // the server it was good under
};

// A rollback on request: while `desired` stays the desired digest, `to` is what is to be in use.
struct Hold {
  payload::Digest desired;
  payload::VersionName to;
};

struct Guard {
  std::optional<LastGood> last_good;
  std::optional<Hold> hold;
  std::vector<Attempt> attempts;
  std::deque<Refusal> refusals;  // oldest first

  std::string text() const;
  // Anything malformed is an error; the caller then begins with an empty guard and says so.
  static base::Result<Guard> parse(std::string_view text);
};

// not_found when there is none.
base::Result<Guard> load_guard(base::Os& os, int run_directory);
base::Status save_guard(base::Os& os, int run_directory, const Guard& guard);

}  // namespace okg::reload
