// manifest.json, the root of a payload's identity: its SHA-256 is the payload's digest
// (docs/payload-format.md).
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "payload/digest.hpp"
#include "payload/list.hpp"

namespace okg::payload {

struct Component {
  std::string path;  // "scripts/"; "" is what no other component's path covers
  Digest digest;     // SHA-256 of its own lines of the list
  std::vector<std::string> after;
};

enum class Unhandled { fail, accept };

struct Manifest {
  std::string version;
  Digest list;  // of files.list
  std::uint64_t files = 0;
  std::uint64_t bytes = 0;
  std::map<std::string, Component> components;
  std::optional<std::string> requires_server;
  Unhandled unhandled = Unhandled::fail;
  std::map<std::string, std::string> annotations;

  // Hostile input: size, depth, types, names, paths and cycles in `after` are checked; unknown keys are
  // ignored, except below "requires", where what is not understood cannot be met.
  static base::Result<Manifest> parse(std::string_view text);
  // The same manifest always gives the same bytes.
  std::string text() const;
};

// The order in which components are prepared and committed: what `after` names first, else by name.
// bad_manifest when there is a cycle or an unknown name.
base::Result<std::vector<std::string>> component_order(const std::map<std::string, Component>& components);

// A component's own lines: those whose longest matching component path is its path.
// bad_manifest if a file belongs to no component.
base::Result<std::map<std::string, Digest>> component_digests(
    const std::map<std::string, Component>& components, const FileList& list);

// Does the manifest describe this list: count, bytes, component digests?
base::Status check_against_list(const Manifest& manifest, const FileList& list);

}  // namespace okg::payload
