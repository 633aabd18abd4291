#include "base/json.hpp"

#include <set>
#include <vector>

#include "base/text.hpp"

namespace okg::base {

Result<Json> parse_json_object(std::string_view text, std::string_view what, Code code, int most_depth) {
  std::vector<std::set<std::string>> keys;
  std::string trouble;
  const auto check = [&](int depth, Json::parse_event_t event, Json& value) {
    switch (event) {
      case Json::parse_event_t::object_start:
      case Json::parse_event_t::array_start:
        if (depth >= most_depth && trouble.empty()) trouble = "nested too deep";
        if (trouble.empty()) keys.emplace_back();
        return trouble.empty();
      case Json::parse_event_t::object_end:
      case Json::parse_event_t::array_end:
        if (!keys.empty()) keys.pop_back();
        return true;
      case Json::parse_event_t::key:
        if (!keys.empty() && trouble.empty() &&
            !keys.back().insert(value.get_ref<const std::string&>()).second)
          trouble = "key " + quote(value.get_ref<const std::string&>()) + " stands twice";
        return true;
      case Json::parse_event_t::value:
        return true;
    }
    return true;
  };
  Json parsed = Json::parse(text, check, false);
  if (!trouble.empty()) return Error(code, std::string(what) + ": " + trouble);
  if (parsed.is_discarded()) {
    // The second pass is only for the message; it stops at the first error and builds nothing.
    struct Locator : nlohmann::json_sax<Json> {
      std::size_t at = 0;
      bool null() override { return true; }
      bool boolean(bool) override { return true; }
      bool number_integer(number_integer_t) override { return true; }
      bool number_unsigned(number_unsigned_t) override { return true; }
      bool number_float(number_float_t, const string_t&) override { return true; }
      bool string(string_t&) override { return true; }
      bool binary(binary_t&) override { return true; }
      bool start_object(std::size_t) override { return true; }
      bool key(string_t&) override { return true; }
      bool end_object() override { return true; }
      bool start_array(std::size_t) override { return true; }
      bool end_array() override { return true; }
      bool parse_error(std::size_t position, const std::string&,
                       const nlohmann::detail::exception&) override {
        at = position;
        return false;
      }
    } locator;
    Json::sax_parse(text, &locator);
    return Error(code, std::string(what) + ": not JSON (at byte " + std::to_string(locator.at) + ")");
  }
  if (!parsed.is_object()) return Error(code, std::string(what) + ": not a JSON object");
  return parsed;
}

namespace {
const Json* member(const Json& object, const char* key) {
  if (!object.is_object()) return nullptr;
  const auto found = object.find(key);
  return found == object.end() ? nullptr : &*found;
}
}  // namespace

std::optional<std::string> get_string(const Json& object, const char* key) {
  const Json* value = member(object, key);
  if (value == nullptr || !value->is_string()) return std::nullopt;
  return value->get_ref<const std::string&>();
}

std::optional<std::uint64_t> get_uint(const Json& object, const char* key) {
  const Json* value = member(object, key);
  if (value == nullptr || !value->is_number_unsigned()) return std::nullopt;
  return value->get<std::uint64_t>();
}

std::optional<std::int64_t> get_int(const Json& object, const char* key) {
  const Json* value = member(object, key);
  if (value == nullptr || !value->is_number_integer()) return std::nullopt;
  if (value->is_number_unsigned() && value->get<std::uint64_t>() > INT64_MAX) return std::nullopt;
  return value->get<std::int64_t>();
}

std::optional<bool> get_bool(const Json& object, const char* key) {
  const Json* value = member(object, key);
  if (value == nullptr || !value->is_boolean()) return std::nullopt;
  return value->get<bool>();
}

std::string dump(const Json& value, int indent) {
  return value.dump(indent, ' ', false, Json::error_handler_t::replace);
}
std::string dump(const OrderedJson& value, int indent) {
  return value.dump(indent, ' ', false, OrderedJson::error_handler_t::replace);
}

}  // namespace okg::base
