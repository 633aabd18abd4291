#include "cli/sacred.hpp"

#include <fcntl.h>

#include "base/unique_fd.hpp"
#include "cli/server.hpp"
#include "reload/guard.hpp"

namespace okg::cli {
namespace {

constexpr std::chrono::milliseconds kPatience{500};

// What a server that is down now will go back to.
void add_guarded(base::Os& os, const std::string& run, std::set<payload::Digest>& into) {
  const base::UniqueFd directory(os.open(AT_FDCWD, run.c_str(), O_RDONLY | O_DIRECTORY));
  if (!directory) return;
  const auto guard = reload::load_guard(os, directory.get());
  if (!guard) return;
  if (guard->last_good) into.insert(guard->last_good->name.digest);
  if (guard->hold) into.insert(guard->hold->to.digest);
}

}  // namespace

std::set<payload::Digest> sacred_in(const ServerStatus& status) {
  std::set<payload::Digest> out = status.in_use;
  if (status.active && status.active->digest) out.insert(*status.active->digest);
  if (status.last_good) out.insert(*status.last_good);
  return out;
}

std::set<payload::Digest> sacred_digests(base::Os& os, const std::string& run, const std::stop_token& stop) {
  std::set<payload::Digest> out;
  if (run.empty()) return out;
  if (const auto answer = get_status(run, kPatience, stop)) out = sacred_in(answer->status);
  add_guarded(os, run, out);
  return out;
}

}  // namespace okg::cli
