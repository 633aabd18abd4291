#include "reload/guard.hpp"

#include <algorithm>

#include "base/files.hpp"
#include "base/json.hpp"

namespace okg::reload {
namespace {

using base::Code;
using base::Json;

constexpr char kSchema[] = "okg.boot/v1";
constexpr std::size_t kMostGuardBytes = 512 * 1024;  // more than text() can make of the most of everything
constexpr std::size_t kMostTextBytes = 1024;

base::Error bad(const std::string& what) {
  return {Code::io, std::string(kGuardFile) + ": " + what};
}

std::optional<payload::VersionName> get_name(const Json& object, const char* key) {
  const auto text = base::get_string(object, key);
  return text ? payload::VersionName::parse(*text) : std::nullopt;
}

// Cut, but not within a character: it could not be written back as it is.
std::string shortened(const std::string& text) {
  std::size_t end = std::min(text.size(), kMostTextBytes);
  while (end > 0 && end < text.size() && (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80) --end;
  return text.substr(0, end);
}

std::optional<std::string> get_short(const Json& object, const char* key) {
  const auto text = base::get_string(object, key);
  return text ? std::optional(shortened(*text)) : std::nullopt;
}

std::optional<Refusal> parse_refusal(const Json& entry) {
  const auto name = get_name(entry, "directory");
  const auto stage = base::get_string(entry, "stage");
  const auto code = base::get_int(entry, "code");
  if (!name || !stage || !parse_stage(*stage) || !code) return std::nullopt;
  Refusal refusal;
  refusal.name = *name;
  refusal.inode = base::get_uint(entry, "inode").value_or(0);
  refusal.version = get_short(entry, "version").value_or("");
  refusal.failure.stage = *parse_stage(*stage);
  refusal.failure.component = get_short(entry, "component").value_or("");
  // A number that is no code of ours reads as "internal" wherever it is shown.
  refusal.failure.code = static_cast<Code>(static_cast<std::int32_t>(*code));
  refusal.failure.text = get_short(entry, "text").value_or("");
  refusal.binary = get_short(entry, "binary").value_or("");
  return refusal;
}

}  // namespace

std::string Guard::text() const {
  base::OrderedJson out;
  out["schema"] = kSchema;
  if (last_good)
    out["last_good"] = {{"digest", last_good->name.digest.text()},
                        {"directory", last_good->name.text()},
                        {"version", shortened(last_good->version)},
                        {"binary", last_good->binary}};
  if (hold) out["hold"] = {{"desired", hold->desired.text()}, {"to", hold->to.text()}};
  out["attempts"] = base::OrderedJson::array();
  for (const Attempt& attempt : attempts)
    out["attempts"].push_back(
        {{"digest", attempt.digest.text()}, {"binary", attempt.binary}, {"count", attempt.count}});
  out["refused"] = base::OrderedJson::array();
  for (const Refusal& refusal : refusals) {
    if (refusal.passing) continue;
    out["refused"].push_back({{"directory", refusal.name.text()},
                              {"inode", refusal.inode},
                              {"version", shortened(refusal.version)},
                              {"stage", stage_name(refusal.failure.stage)},
                              {"component", shortened(refusal.failure.component)},
                              {"code", static_cast<std::int32_t>(refusal.failure.code)},
                              {"text", shortened(refusal.failure.text)},
                              {"binary", refusal.binary}});
  }
  return base::dump(out, 1) + "\n";
}

base::Result<Guard> Guard::parse(std::string_view text) {
  auto parsed = base::parse_json_object(text, kGuardFile, Code::io);
  if (!parsed) return parsed.error();
  const Json& json = *parsed;
  if (base::get_string(json, "schema") != kSchema) return bad("not of schema " + std::string(kSchema));
  Guard guard;
  if (const auto found = json.find("last_good"); found != json.end() && !found->is_null()) {
    const auto name = get_name(*found, "directory");
    if (!name) return bad("last_good has no directory");
    guard.last_good =
        LastGood{*name, get_short(*found, "version").value_or(""), get_short(*found, "binary").value_or("")};
  }
  if (const auto found = json.find("hold"); found != json.end() && !found->is_null()) {
    const auto desired = payload::Digest::from_text(base::get_string(*found, "desired").value_or(""));
    const auto to = get_name(*found, "to");
    if (!desired || !to) return bad("hold is malformed");
    guard.hold = Hold{*desired, *to};
  }
  if (const auto found = json.find("attempts"); found != json.end()) {
    if (!found->is_array() || found->size() > kMostAttempts) return bad("attempts is not a short array");
    for (const Json& entry : *found) {
      const auto digest = payload::Digest::from_text(base::get_string(entry, "digest").value_or(""));
      const auto count = base::get_uint(entry, "count");
      if (!digest || !count) return bad("an attempt is malformed");
      guard.attempts.push_back({*digest, get_short(entry, "binary").value_or(""),
                                static_cast<unsigned>(std::min<std::uint64_t>(*count, kMostCounted))});
    }
  }
  if (const auto found = json.find("refused"); found != json.end()) {
    if (!found->is_array() || found->size() > kMostRefusals) return bad("refused is not a short array");
    for (const Json& entry : *found) {
      auto refusal = parse_refusal(entry);
      if (!refusal) return bad("a refusal is malformed");
      guard.refusals.push_back(std::move(*refusal));
    }
  }
  return guard;
}

base::Result<Guard> load_guard(base::Os& os, int run_directory) {
  auto text = base::read_small_file(os, run_directory, kGuardFile, kMostGuardBytes, kGuardFile);
  if (!text) return text.error();
  return Guard::parse(*text);
}

base::Status save_guard(base::Os& os, int run_directory, const Guard& guard) {
  return base::replace_file(os, run_directory, kGuardFile, guard.text(), 0644);
}

}  // namespace okg::reload
