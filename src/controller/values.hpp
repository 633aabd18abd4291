// What may be written to a GameServer. Checked before it is sent: a value that is no label value makes the
// controller's patch of the pod fail, and all that is synchronised from GameServer to pod stands still.
#pragma once

#include <string>
#include <string_view>

#include "base/error.hpp"

namespace okg::controller {

// A label value of 1 to 63 characters. What differs from a state that the controller knows only by its case
// is refused with a hint: "kill" would be legal and do nothing.
base::Status check_ops_state(std::string_view value);
// Up to 63 of [A-Za-z0-9._-], beginning and ending with a letter or digit; or empty.
base::Status check_label_value(std::string_view value);
// [prefix/]name: a DNS name of up to 253, and a name of 1 to 63.
base::Status check_key(std::string_view key);
// The name of a pod or a namespace, which stand in paths and selectors: a DNS name of up to 253.
base::Status check_object_name(std::string_view name);
// UTF-8 of up to 64 KiB, the API server's limit for all annotations of an object being 256 KiB.
base::Status check_annotation_value(std::string_view value);
// 0 to 2^31-1: a sign makes no label value, and Kruise compares only the digits at the end.
base::Status check_priority(std::int64_t value);

// The nearest label value: what cannot stand in one becomes '-', and it is cut to 63.
std::string label_safe(std::string_view text);

}  // namespace okg::controller
