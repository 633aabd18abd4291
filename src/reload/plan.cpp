#include "reload/plan.hpp"

#include <algorithm>
#include <set>

#include "base/text.hpp"

namespace okg::reload {

using base::Code;
using base::Error;

base::Result<std::vector<std::string>> plan(const payload::Manifest& manifest, const ComponentDigests& in_use,
                                            const std::vector<HandlerInfo>& handlers, bool everything,
                                            std::string* unhandled_component) {
  std::set<std::string> changed;
  for (const auto& [name, component] : manifest.components) {
    const auto found = in_use.find(name);
    if (everything || found == in_use.end() || found->second != component.digest) changed.insert(name);
  }
  for (const auto& [name, digest] : in_use)
    if (!manifest.components.contains(name)) changed.insert(name);

  std::map<std::string, const HandlerInfo*> registered;
  for (const HandlerInfo& handler : handlers) registered.emplace(handler.name, &handler);
  const bool catch_all = registered.contains("*");

  std::set<std::string> due;
  for (const std::string& name : changed) {
    if (registered.contains(name)) {
      due.insert(name);
    } else if (catch_all) {
      due.insert("*");
    } else if (manifest.unhandled == payload::Unhandled::fail && manifest.components.contains(name)) {
      *unhandled_component = name;
      return Error(Code::unhandled,
                   "component " + base::quote(name) +
                       " changed and this server has no handler for it: register one, or pack with "
                       "--unhandled accept");
    }
  }

  for (const HandlerInfo& handler : handlers)
    if (handler.always) due.insert(handler.name);

  // Kahn's algorithm over what is due, always taking the smallest name; "*" sorts last by not being taken
  // while anything else is left. What is not due passes on whom it waits for.
  const auto waits_for = [&](const std::string& name) {
    std::vector<std::string> names;
    if (const auto found = registered.find(name); found != registered.end()) names = found->second->after;
    if (const auto found = manifest.components.find(name); found != manifest.components.end())
      names.insert(names.end(), found->second.after.begin(), found->second.after.end());
    return names;
  };
  std::map<std::string, std::set<std::string>> waits;
  for (const std::string& name : due) {
    std::set<std::string>& before = waits[name];
    std::set<std::string> seen;
    for (std::vector<std::string> next = waits_for(name); !next.empty();) {
      const std::string other = std::move(next.back());
      next.pop_back();
      if (!seen.insert(other).second) continue;
      if (due.contains(other)) {
        before.insert(other);
      } else {
        const auto further = waits_for(other);
        next.insert(next.end(), further.begin(), further.end());
      }
    }
  }
  std::vector<std::string> order;
  while (!waits.empty()) {
    auto next = std::find_if(waits.begin(), waits.end(), [&](const auto& entry) {
      return entry.second.empty() && (entry.first != "*" || waits.size() == 1);
    });
    if (next == waits.end())
      next = std::find_if(waits.begin(), waits.end(), [](const auto& entry) { return entry.second.empty(); });
    if (next == waits.end())
      return Error(Code::invalid_argument, "components wait for each other: look at `after` of " +
                                               base::quote(waits.begin()->first) +
                                               " in manifest and handlers");
    const std::string name = next->first;
    waits.erase(next);
    for (auto& [other, before] : waits) before.erase(name);
    order.push_back(name);
  }
  return order;
}

}  // namespace okg::reload
