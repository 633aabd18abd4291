// The parts of manifest.hpp that concern components: their order and their digests.
#include <algorithm>
#include <set>
#include <unordered_map>

#include "base/text.hpp"
#include "payload/manifest.hpp"
#include "payload/sha256.hpp"

namespace okg::payload {
namespace {

using base::Code;
using base::Error;
using base::Result;

Error bad(const std::string& why) {
  return Error(Code::bad_manifest, "components: " + why);
}

}  // namespace

Result<std::vector<std::string>> component_order(const std::map<std::string, Component>& components) {
  std::map<std::string, std::set<std::string>> waits_for;
  std::map<std::string, std::vector<std::string>> followers;
  std::set<std::string> ready;
  for (const auto& [name, component] : components) {
    const std::set<std::string> after(component.after.begin(), component.after.end());
    for (const std::string& other : after) {
      if (!components.contains(other))
        return bad(base::quote(name) + " comes after " + base::quote(other) + ", which is no component");
      followers[other].push_back(name);
    }
    if (after.empty()) ready.insert(name);
    waits_for[name] = after;
  }
  std::vector<std::string> order;
  while (!ready.empty()) {
    const std::string name = *ready.begin();
    ready.erase(ready.begin());
    order.push_back(name);
    for (const std::string& follower : followers[name]) {
      auto& open = waits_for[follower];
      open.erase(name);
      if (open.empty()) ready.insert(follower);
    }
  }
  if (order.size() == components.size()) return order;
  for (const auto& [name, open] : waits_for)
    if (!open.empty()) return bad(base::quote(name) + " comes after itself (\"after\" goes in a circle)");
  return bad("\"after\" goes in a circle");
}

Result<std::map<std::string, Digest>> component_digests(const std::map<std::string, Component>& components,
                                                        const FileList& list) {
  std::unordered_map<std::string_view, std::string_view> name_of_path;
  std::unordered_map<std::string_view, Sha256> hashes;
  for (const auto& [name, component] : components) {
    name_of_path.emplace(component.path, name);
    hashes.emplace(name, Sha256());
  }
  for (const ListEntry& entry : list.entries()) {
    const std::string_view path = entry.path;
    auto owner = name_of_path.end();
    for (std::size_t slash = path.rfind('/'); slash != path.npos && owner == name_of_path.end();
         slash = slash == 0 ? path.npos : path.rfind('/', slash - 1))
      owner = name_of_path.find(path.substr(0, slash + 1));
    if (owner == name_of_path.end()) owner = name_of_path.find("");
    if (owner == name_of_path.end()) return bad("file " + base::quote(path) + " belongs to none");
    const std::string line = format_line(entry);
    hashes.at(owner->second).update(line.data(), line.size());
  }
  std::map<std::string, Digest> digests;
  for (auto& [name, hash] : hashes) digests.emplace(name, hash.finish());
  return digests;
}

}  // namespace okg::payload
