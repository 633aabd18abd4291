#include "control/wish.hpp"

#include "base/json.hpp"
#include "base/text.hpp"

namespace okg::control {
namespace {

using base::Json;
using Field = GameServerWish::Field;

constexpr std::pair<const char*, Field> kFields[] = {{"ops_state", Field::ops_state},
                                                     {"update_priority", Field::update_priority},
                                                     {"deletion_priority", Field::deletion_priority},
                                                     {"label", Field::label},
                                                     {"annotation", Field::annotation}};

base::Error bad(const std::string& text) {
  return base::Error(base::Code::invalid_argument, "request body: " + text);
}

// {"key":"k","value":"v"}
base::Status read_entry(const char* name, const Json& entry, GameServerWish& wish) {
  if (!entry.is_object()) return bad(std::string(name) + ": not an object of key and value");
  for (const auto& [key, value] : entry.items())
    if (key != "key" && key != "value")
      return bad(std::string(name) + ": " + base::quote(key) + ": not known here; it takes key and value");
  const auto key = base::get_string(entry, "key");
  if (!key) return bad(std::string(name) + ": key: is needed, a string");
  wish.key = *key;
  const auto value = entry.find("value");
  // Without one it could be a misspelling, and would remove what is there.
  if (value == entry.end())
    return bad(std::string(name) + ": value: is needed, a string, or null to remove it");
  if (value->is_null()) return {};
  if (!value->is_string()) return bad(std::string(name) + ": value: neither a string nor null");
  wish.value = value->get<std::string>();
  return {};
}

}  // namespace

base::Result<GameServerWish> parse_wish(std::string_view body) {
  const auto json = base::parse_json_object(body, "request body", base::Code::invalid_argument);
  if (!json) return json.error();
  GameServerWish wish;
  const char* found = nullptr;
  for (const auto& [name, value] : json->items()) {
    const auto* known = std::find_if(std::begin(kFields), std::end(kFields),
                                     [&, &wanted = name](const auto& one) { return wanted == one.first; });
    if (known == std::end(kFields))
      return bad(base::quote(name) +
                 ": not known here; this route takes ops_state, update_priority, deletion_priority, label or "
                 "annotation");
    if (found != nullptr)
      return bad(std::string(found) + " and " + known->first +
                 ": one at a time, so that each has its own end");
    found = known->first;
    wish.field = known->second;
    if (wish.field == Field::label || wish.field == Field::annotation) {
      if (const auto read = read_entry(found, value, wish); !read) return read.error();
    } else if (wish.field == Field::ops_state) {
      if (!value.is_string()) return bad("ops_state: not a string");
      wish.value = value.get<std::string>();
    } else {
      const auto number = base::get_int(*json, found);
      if (!number) return bad(std::string(found) + ": not a whole number");
      wish.value = std::to_string(*number);
    }
  }
  if (found == nullptr) return bad("is empty: say what is to be set, as {\"ops_state\":\"Allocated\"}");
  return wish;
}

}  // namespace okg::control
