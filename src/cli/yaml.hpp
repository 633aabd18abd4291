// JSON as YAML, for what people read and edit: `okg manifest`.
#pragma once

#include <string>
#include <string_view>

#include "base/json.hpp"

namespace okg::cli {

// A member that is a comment above the next one, or, as the first one, above the object itself.
void comment(base::OrderedJson& object, std::string_view text);

// Without comments: what there is to print as JSON.
base::OrderedJson without_comments(const base::OrderedJson& value);

// An object as a YAML document, without "---". What is short stands in one line, as {a: b}.
std::string to_yaml(const base::OrderedJson& object);

}  // namespace okg::cli
