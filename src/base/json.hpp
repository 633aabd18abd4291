// JSON from outside: parsed without exceptions, with a limit on depth, and refused where a key stands twice
// (two readers could otherwise understand one document differently).
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "base/error.hpp"

namespace okg::base {

using Json = nlohmann::json;
// Keeps the order of keys as written: for what we print.
using OrderedJson = nlohmann::ordered_json;

// `what` names the document in errors, which carry code `code`.
Result<Json> parse_json_object(std::string_view text, std::string_view what, Code code, int most_depth = 16);

// Member access that never throws: nullopt when it is absent, null, or of another type.
std::optional<std::string> get_string(const Json& object, const char* key);
std::optional<std::uint64_t> get_uint(const Json& object, const char* key);
std::optional<std::int64_t> get_int(const Json& object, const char* key);
std::optional<bool> get_bool(const Json& object, const char* key);

// Never throws, whatever bytes a text holds (invalid UTF-8 becomes U+FFFD).
std::string dump(const Json& value, int indent = -1);
std::string dump(const OrderedJson& value, int indent = -1);

}  // namespace okg::base
