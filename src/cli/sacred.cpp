#include "cli/sacred.hpp"

#include <fcntl.h>

#include "base/files.hpp"
#include "base/json.hpp"
#include "cli/server.hpp"

namespace okg::cli {
namespace {

constexpr std::size_t kMostBootBytes = 256 << 10;
constexpr std::chrono::milliseconds kPatience{500};

void add_last_good_of_boot(base::Os& os, const std::string& run, std::set<payload::Digest>& into) {
  const int directory = os.open(AT_FDCWD, run.c_str(), O_RDONLY | O_DIRECTORY);
  if (directory < 0) return;
  const base::UniqueFd owner(directory);
  const auto text = base::read_small_file(os, directory, "boot.json", kMostBootBytes, "boot.json");
  if (!text) return;
  const auto boot = base::parse_json_object(*text, "boot.json", base::Code::bad_manifest);
  if (!boot) return;
  const auto last_good = boot->find("last_good");
  if (last_good == boot->end() || !last_good->is_object()) return;
  const auto digest = base::get_string(*last_good, "digest");
  if (const auto parsed = digest ? payload::Digest::from_text(*digest) : std::nullopt) into.insert(*parsed);
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
  add_last_good_of_boot(os, run, out);
  return out;
}

}  // namespace okg::cli
