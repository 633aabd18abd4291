// Hostile bytes as boot.json, which whoever may write to the run directory can put there. What is accepted
// keeps to the limits, and is written in a form that is read as the same.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "base/text.hpp"
#include "reload/guard.hpp"

namespace {

using okg::reload::Guard;

void demand(bool so) {
  if (!so) std::abort();
}

void demand_text(std::string_view text) {
  demand(text.size() <= 1024 && okg::base::is_utf8(text));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto guard = Guard::parse({reinterpret_cast<const char*>(data), size});
  if (!guard) {
    const std::string& said = guard.error().text;
    demand(!said.empty() && said.find('\n') == std::string::npos);
    return 0;
  }
  demand(guard->attempts.size() <= okg::reload::kMostAttempts);
  demand(guard->refusals.size() <= okg::reload::kMostRefusals);
  if (guard->last_good) {
    demand_text(guard->last_good->version);
    demand_text(guard->last_good->binary);
  }
  for (const auto& attempt : guard->attempts) {
    demand(attempt.count <= okg::reload::kMostCounted);
    demand_text(attempt.binary);
  }
  for (const auto& refusal : guard->refusals) {
    demand_text(refusal.version);
    demand_text(refusal.binary);
    demand_text(refusal.failure.component);
    demand_text(refusal.failure.text);
    demand(!refusal.passing);
  }

  const std::string written = guard->text();
  const auto again = Guard::parse(written);
  demand(again.has_value() && again->text() == written);
  demand(again->last_good.has_value() == guard->last_good.has_value());
  demand(again->hold.has_value() == guard->hold.has_value());
  demand(again->attempts.size() == guard->attempts.size());
  demand(again->refusals.size() == guard->refusals.size());
  return 0;
}
