#include "controller/update_facts.hpp"

#include <algorithm>
#include <chrono>
#include <cstdio>

#include "base/json.hpp"
#include "controller/keys.hpp"

namespace okg::controller {
namespace {

using base::Code;
using base::Json;

constexpr std::int64_t kLongestGrace = 24 * 60 * 60;  // seconds

// Of the API server's own making, but it comes through files and over the network.
std::optional<Json> parse(const std::string* text) {
  if (text == nullptr) return std::nullopt;
  auto parsed = base::parse_json_object(*text, "annotation", Code::io);
  if (!parsed) return std::nullopt;
  return std::move(*parsed);
}

std::optional<Grace> read_grace(const Object& object) {
  const auto json = parse(object.annotation(keys::kGrace));
  if (!json) return std::nullopt;
  Grace grace;
  grace.revision = base::get_string(*json, "revision").value_or("");
  grace.seconds =
      std::clamp<std::int64_t>(base::get_int(*json, "graceSeconds").value_or(0), 0, kLongestGrace);
  if (const auto images = json->find("containerImages"); images != json->end() && images->is_object())
    for (const auto& [name, image] : images->items())
      if (image.is_string()) grace.images[name] = image.get<std::string>();
  return grace;
}

std::optional<UpdateState> read_state(const Object& object) {
  const auto json = parse(object.annotation(keys::kUpdateState));
  if (!json) return std::nullopt;
  UpdateState state;
  state.revision = base::get_string(*json, "revision").value_or("");
  state.updated_at = parse_time(base::get_string(*json, "updateTimestamp").value_or(""));
  const auto batches = json->find("containerBatchesRecord");
  if (batches == json->end() || !batches->is_array()) return state;
  for (const Json& batch : *batches) {
    if (!batch.is_object()) continue;
    const auto names = batch.find("containers");
    if (names == batch.end() || !names->is_array()) continue;
    for (const Json& name : *names)
      if (name.is_string()) state.containers.push_back(name.get<std::string>());
  }
  return state;
}

std::optional<std::vector<std::string>> read_updating(const Object& object) {
  const std::string* text = object.annotation(keys::kUpdatingContainers);
  if (text == nullptr || text->empty()) return std::nullopt;
  std::vector<std::string> names;
  for (std::size_t begin = 0; begin <= text->size();) {
    const std::size_t end = std::min(text->find(',', begin), text->size());
    if (end > begin) names.push_back(text->substr(begin, end - begin));
    begin = end + 1;
  }
  return names;
}

// The pod's own lifecycle tells more than OKG's state, where it is known.
Stage stage_of(const Object& object) {
  const std::string& lifecycle = object.lifecycle;
  if (lifecycle == "PreparingUpdate") return Stage::preparing;
  if (lifecycle == "PreparingDelete") return Stage::preparing_delete;
  if (lifecycle == "Updating") return Stage::updating;
  if (lifecycle == "Updated") return Stage::updated;
  if (!lifecycle.empty()) return Stage::calm;
  if (object.state == "PreUpdate") return Stage::preparing;
  if (object.state == "PreDelete") return Stage::preparing_delete;
  if (object.state == "Updating") return Stage::updating;
  if (object.state == "Ready" || object.state == "NotReady") return Stage::calm;
  return Stage::unknown;  // Creating, Deleting, Crash, Unknown: no time to touch a hook
}

Value hook(const Object& object, const std::string& key) {
  const std::string* value = key.empty() ? nullptr : object.label(key);
  return value == nullptr ? Value() : *value;
}

}  // namespace

UpdateFacts read_update_facts(const Object& object, const std::string& update_hook,
                              const std::string& delete_hook) {
  return {stage_of(object),   hook(object, update_hook), hook(object, delete_hook),
          read_grace(object), read_state(object),        read_updating(object)};
}

std::optional<std::int64_t> parse_time(std::string_view text) {
  int year = 0, month = 0, day = 0, hour = 0, minute = 0, length = 0;
  double second = 0;
  const std::string copy(text);
  if (std::sscanf(copy.c_str(), "%4d-%2d-%2dT%2d:%2d:%lf%n", &year, &month, &day, &hour, &minute, &second,
                  &length) != 6)
    return std::nullopt;
  const std::chrono::year_month_day date{std::chrono::year(year),
                                         std::chrono::month(static_cast<unsigned>(month)),
                                         std::chrono::day(static_cast<unsigned>(day))};
  // Nanoseconds since 1970 end in 2262. A zone west of it has 1969 still.
  if (year < 1969 || year > 2200) return std::nullopt;
  if (!date.ok() || hour < 0 || hour > 23 || minute < 0 || minute > 59 || !(second >= 0 && second < 61))
    return std::nullopt;
  int offset = 0;
  const std::string zone = copy.substr(static_cast<std::size_t>(length));
  if (zone != "Z") {
    int hours = 0, minutes = 0;
    char sign = 0;
    if (std::sscanf(zone.c_str(), "%c%2d:%2d%n", &sign, &hours, &minutes, &length) != 3 ||
        static_cast<std::size_t>(length) != zone.size() || (sign != '+' && sign != '-'))
      return std::nullopt;
    offset = (sign == '-' ? -1 : 1) * (hours * 60 + minutes);
  }
  const auto days = std::chrono::sys_days(date).time_since_epoch();
  const std::int64_t minutes =
      std::chrono::duration_cast<std::chrono::minutes>(days).count() + hour * 60 + minute - offset;
  return minutes * 60'000'000'000 + static_cast<std::int64_t>(second * 1e9);
}

}  // namespace okg::controller
