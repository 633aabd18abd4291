#include "payload/manifest.hpp"

#include <set>

#include "base/json.hpp"
#include "base/text.hpp"
#include "payload/layout.hpp"
#include "payload/path.hpp"
#include "payload/requirement.hpp"

namespace okg::payload {
namespace {

using base::Code;
using base::Error;
using base::Json;
using base::Result;
using base::Status;

Error bad(const std::string& why) {
  return Error(Code::bad_manifest, "manifest.json: " + why);
}

Result<Digest> get_digest(const Json& object, const char* key, const std::string& what) {
  const auto text = base::get_string(object, key);
  const auto digest = text ? Digest::from_text(*text) : std::nullopt;
  if (!digest) return bad(what + ": not \"sha256:<64 hex digits>\"");
  return *digest;
}

// Absent and null are the same; anything but `type` is refused, so that a slip of the pen does not pass for
// absence.
Result<const Json*> get_member(const Json& object, const char* key, Json::value_t type,
                               const char* type_name) {
  const auto found = object.find(key);
  if (found == object.end() || found->is_null()) return nullptr;
  if (found->type() != type) return bad(std::string(key) + ": not " + type_name);
  return &*found;
}

Status check_component_path(const std::string& path) {
  if (path.empty()) return {};
  if (path.back() != '/')
    return Error(Code::bad_path, "path " + base::quote(path) + ": does not end in \"/\"");
  return check_path(std::string_view(path).substr(0, path.size() - 1));
}

Result<Component> parse_component(const std::string& name, const Json& object) {
  if (auto good = check_component_name(name); !good) return bad(good.error().text);
  const std::string what = "component " + base::quote(name);
  if (!object.is_object()) return bad(what + ": not an object");
  Component component;
  const auto path = base::get_string(object, "path");
  if (!path) return bad(what + ": no path");
  if (auto good = check_component_path(*path); !good) return bad(what + ": " + good.error().text);
  component.path = *path;
  const auto digest = get_digest(object, "digest", what + ": digest");
  if (!digest) return digest.error();
  component.digest = *digest;
  const auto after = get_member(object, "after", Json::value_t::array, "an array");
  if (!after) return after.error();
  if (*after != nullptr) {
    if ((*after)->size() > kMostComponents) return bad(what + ": after: too many");
    for (const Json& other : **after) {
      if (!other.is_string()) return bad(what + ": after: not names");
      component.after.push_back(other.get_ref<const std::string&>());
    }
  }
  return component;
}

Result<std::map<std::string, Component>> parse_components(const Json& object) {
  const auto members = get_member(object, "components", Json::value_t::object, "an object");
  if (!members) return members.error();
  if (*members == nullptr) return bad("no components");
  if ((*members)->size() > kMostComponents)
    return bad("more than " + std::to_string(kMostComponents) + " components");
  std::map<std::string, Component> components;
  std::set<std::string> paths;
  for (const auto& [name, value] : (*members)->items()) {
    auto component = parse_component(name, value);
    if (!component) return component.error();
    if (!paths.insert(component->path).second)
      return bad("two components have the path " + base::quote(component->path));
    components.emplace(name, std::move(*component));
  }
  if (const auto order = component_order(components); !order) return bad(order.error().text);
  return components;
}

Result<std::optional<std::string>> parse_requires(const Json& object) {
  const auto members = get_member(object, "requires", Json::value_t::object, "an object");
  if (!members) return members.error();
  std::optional<std::string> server;
  if (*members == nullptr) return server;
  for (const auto& [key, value] : (*members)->items()) {
    if (key != "server")
      return Error(Code::requires_unmet, "manifest.json: requires " + base::quote(key) +
                                             ", which this okg does not understand: use a newer okg");
    if (!value.is_string()) return bad("requires: server: not a text");
    server = value.get_ref<const std::string&>();
    if (auto good = check_requirement(*server); !good) return bad("requires: " + good.error().text);
  }
  return server;
}

Result<std::map<std::string, std::string>> parse_annotations(const Json& object) {
  const auto members = get_member(object, "annotations", Json::value_t::object, "an object");
  if (!members) return members.error();
  std::map<std::string, std::string> annotations;
  if (*members == nullptr) return annotations;
  for (const auto& [key, value] : (*members)->items()) {
    if (!value.is_string()) return bad("annotation " + base::quote(key) + ": not a text");
    annotations.emplace(key, value.get_ref<const std::string&>());
  }
  return annotations;
}

Result<Unhandled> parse_unhandled(const Json& object) {
  const auto found = object.find("unhandled");
  if (found == object.end()) return Unhandled::fail;
  const auto text = base::get_string(object, "unhandled");
  if (text == "fail") return Unhandled::fail;
  if (text == "accept") return Unhandled::accept;
  return bad("unhandled: neither \"fail\" nor \"accept\"");
}

// Everything that is a plain value.
Status parse_plain(const Json& object, Manifest* manifest) {
  const auto schema = base::get_string(object, "schema");
  if (!schema) return bad("no schema");
  if (*schema != kManifestSchema)
    return bad("schema " + base::quote(*schema) + ": this okg understands " + kManifestSchema);
  const auto version = base::get_string(object, "version");
  if (!version) return bad("no version");
  if (auto good = check_version(*version); !good) return bad(good.error().text);
  manifest->version = *version;
  const auto list = get_digest(object, "list", "list");
  if (!list) return list.error();
  manifest->list = *list;
  const auto files = base::get_uint(object, "files");
  if (!files || *files > kMostFiles) return bad("files: not a number up to " + std::to_string(kMostFiles));
  manifest->files = *files;
  const auto bytes = base::get_uint(object, "bytes");
  if (!bytes || *bytes > INT64_MAX) return bad("bytes: not a number of bytes");
  manifest->bytes = *bytes;
  return {};
}

}  // namespace

Result<Manifest> Manifest::parse(std::string_view text) {
  if (text.size() > kMostManifestBytes) return bad("larger than " + base::format_size(kMostManifestBytes));
  const auto object = base::parse_json_object(text, kManifest, Code::bad_manifest);
  if (!object) return object.error();
  Manifest manifest;
  if (auto good = parse_plain(*object, &manifest); !good) return good.error();
  auto components = parse_components(*object);
  if (!components) return components.error();
  manifest.components = std::move(*components);
  auto annotations = parse_annotations(*object);
  if (!annotations) return annotations.error();
  manifest.annotations = std::move(*annotations);
  const auto unhandled = parse_unhandled(*object);
  if (!unhandled) return unhandled.error();
  manifest.unhandled = *unhandled;
  // Last: a manifest that is malformed besides is called malformed.
  auto server = parse_requires(*object);
  if (!server) return server.error();
  manifest.requires_server = std::move(*server);
  return manifest;
}

std::string Manifest::text() const {
  base::OrderedJson object;
  object["schema"] = kManifestSchema;
  object["version"] = version;
  object["list"] = list.text();
  object["files"] = files;
  object["bytes"] = bytes;
  object["components"] = base::OrderedJson::object();
  for (const auto& [name, component] : components) {
    base::OrderedJson& member = object["components"][name];
    member["path"] = component.path;
    member["digest"] = component.digest.text();
    member["after"] = component.after;
  }
  object["requires"] = base::OrderedJson::object();
  if (requires_server) object["requires"]["server"] = *requires_server;
  object["unhandled"] = unhandled == Unhandled::fail ? "fail" : "accept";
  object["annotations"] = base::OrderedJson::object();
  for (const auto& [key, value] : annotations) object["annotations"][key] = value;
  return base::dump(object, 2) + "\n";
}

Status check_against_list(const Manifest& manifest, const FileList& list) {
  if (manifest.files != list.entries().size())
    return bad("files: " + std::to_string(manifest.files) + ", but the list has " +
               std::to_string(list.entries().size()));
  if (manifest.bytes != list.bytes())
    return bad("bytes: " + std::to_string(manifest.bytes) + ", but the list has " +
               std::to_string(list.bytes()));
  const auto digests = component_digests(manifest.components, list);
  if (!digests) return bad(digests.error().text);
  for (const auto& [name, component] : manifest.components)
    if (digests->at(name) != component.digest)
      return bad("component " + base::quote(name) + ": its digest is not that of its lines of the list");
  return {};
}

}  // namespace okg::payload
