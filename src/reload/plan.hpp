// Which handlers a payload needs, and in which order: pure.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "payload/manifest.hpp"

namespace okg::reload {

// What plan() has to know about a registered handler.
struct HandlerInfo {
  std::string name;  // a component, or "*"
  std::vector<std::string> after;
  bool always = false;  // due also when no component changed
};

// A component's digest in the payload in use; a component that is absent is not in the map.
using ComponentDigests = std::map<std::string, payload::Digest>;

// The handlers (names as registered) to call, in order: components before those that come `after` them, else
// by name,
// "*" last. A component is due when its digest differs from the one in use, or it came or went; `everything`:
// all of them. "*" is due when a component without a handler of its own is. unhandled (the text names the
// component) when a due component of the payload has no handler, there is no "*", and the manifest says fail.
// invalid_argument when `after` makes a cycle.
base::Result<std::vector<std::string>> plan(const payload::Manifest& manifest, const ComponentDigests& in_use,
                                            const std::vector<HandlerInfo>& handlers, bool everything,
                                            std::string* unhandled_component);

}  // namespace okg::reload
