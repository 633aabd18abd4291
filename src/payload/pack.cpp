#include "payload/pack.hpp"

#include <dirent.h>
#include <fcntl.h>

#include <algorithm>
#include <set>

#include "base/files.hpp"
#include "base/text.hpp"
#include "payload/hash_file.hpp"
#include "payload/layout.hpp"
#include "payload/path.hpp"
#include "payload/requirement.hpp"
#include "payload/sha256.hpp"
#include "payload/tree.hpp"

namespace okg::payload {
namespace {

using base::Code;
using base::Error;
using base::Os;
using base::Result;
using base::Status;
using base::UniqueFd;

Error misuse(const std::string& why) {
  return Error(Code::invalid_argument, "pack: " + why);
}

// Whose fault a malformed name is depends on where it comes from: here it is a flag.
Status as_flag(const Status& checked) {
  if (checked) return {};
  return misuse(checked.error().text);
}

// "scripts", "scripts/" -> "scripts/"; "." -> "".
Result<std::string> component_path(const std::string& name, std::string path) {
  if (path == "." || path == "./") return std::string();
  while (!path.empty() && path.back() == '/') path.pop_back();
  if (auto good = check_path(path); !good) return misuse("--component " + name + ": " + good.error().text);
  return path + "/";
}

// NAME -> path, of the components the user named.
Result<std::map<std::string, std::string>> named_components(const PackOptions& options) {
  std::map<std::string, std::string> components;
  std::set<std::string> paths;
  for (const auto& [name, directory] : options.components) {
    if (auto good = as_flag(check_component_name(name)); !good) return good.error();
    const auto path = component_path(name, directory);
    if (!path) return path.error();
    if (!paths.insert(*path).second)
      return misuse("--component " + name + ": another component has the same directory");
    components.emplace(name, *path);
  }
  return components;
}

// The longest of `paths` that `file` lies below; nullptr when there is none.
const std::string* longest_match(const std::set<std::string>& paths, const std::string& file) {
  for (std::size_t length = file.size(); length > 0;) {
    const std::size_t slash = file.rfind('/', length - 1);
    const auto found = paths.find(slash == file.npos ? std::string() : file.substr(0, slash + 1));
    if (found != paths.end()) return &*found;
    if (slash == file.npos) break;
    length = slash;
  }
  const auto rest = paths.find("");
  return rest == paths.end() ? nullptr : &*rest;
}

// A default component for each top-level directory with files that no component of the user's covers as
// closely.
Result<std::map<std::string, Component>> make_components(const FileList& list, const PackOptions& options) {
  const auto named = named_components(options);
  if (!named) return named.error();
  std::set<std::string> named_paths;
  for (const auto& [name, path] : *named) named_paths.insert(path);
  std::set<std::string> used;
  std::map<std::string, Component> components;
  for (const ListEntry& entry : list.entries()) {
    const std::string top =
        entry.path.substr(0, entry.path.find('/') == entry.path.npos ? 0 : entry.path.find('/') + 1);
    const std::string* match = longest_match(named_paths, entry.path);
    if (match != nullptr && match->size() >= top.size()) {
      used.insert(*match);
      continue;
    }
    const std::string name = top.empty() ? kRootComponent : top.substr(0, top.size() - 1);
    const auto known = components.find(name);
    if (known != components.end() && known->second.path == top) continue;
    if (!check_component_name(name))
      return misuse("directory " + base::quote(name) +
                    " cannot be the name of a component: use --component NAME=" + name);
    if (known != components.end() || named->contains(name))
      return misuse("two components would be called " + base::quote(name) +
                    ": rename one with --component NAME=" + (top.empty() ? "." : name));
    components.emplace(name, Component{top, {}, {}});
  }
  for (const auto& [name, path] : *named) {
    if (!used.contains(path)) return misuse("--component " + name + ": no files in its directory");
    components.emplace(name, Component{path, {}, {}});
  }
  for (const auto& [name, other] : options.after) {
    const auto component = components.find(name);
    if (component == components.end())
      return misuse("--after " + name + "=" + other + ": no component " + name);
    component->second.after.push_back(other);
  }
  // The order of flags must not show in the digest.
  for (auto& [name, component] : components) {
    auto& after = component.after;
    std::sort(after.begin(), after.end());
    after.erase(std::unique(after.begin(), after.end()), after.end());
  }
  if (const auto order = component_order(components); !order) return misuse("--after: " + order.error().text);
  const auto digests = component_digests(components, list);
  if (!digests) return digests.error();
  for (auto& [name, component] : components) component.digest = digests->at(name);
  return components;
}

Result<ListEntry> scan_file(Os& os, int directory, const std::string& path, Buffer& buffer,
                            const std::stop_token& stop, const ByteProgress& progress) {
  const std::string leaf(leaf_of(path));
  const auto file = open_regular(os, directory, leaf.c_str(), path);
  if (!file) return file.error();
  ListEntry entry;
  entry.path = path;
  entry.executable = (file->info.st_mode & S_IXUSR) != 0;
  entry.size = static_cast<std::uint64_t>(file->info.st_size);
  const auto digest =
      hash_file(os, file->fd.get(), entry.size, buffer, stop, path, [&](std::string_view piece) {
        if (progress) progress(piece.size());
        return Status();
      });
  if (!digest && digest.error().code == Code::digest_mismatch)
    return Error(Code::io, base::quote(path) + ": changed while it was read: try again");
  if (!digest) return digest.error();
  entry.digest = *digest;
  return entry;
}

Result<UniqueFd> open_directory(Os& os, int parent, const std::string& path, int flags) {
  const int fd = os.open(parent, path.c_str(), O_RDONLY | O_DIRECTORY | flags);
  if (fd == -ENOTDIR) return Error(Code::bad_path, base::quote(path) + ": not a directory");
  if (fd < 0) return base::error_from_errno(-fd, "open directory " + path);
  return UniqueFd(fd);
}

}  // namespace

Result<FileList> scan_files(Os& os, int files, std::stop_token stop, const ByteProgress& progress) {
  std::vector<std::string> paths;
  const auto walked = walk_tree(os, files, [&](const TreeEntry& found) -> Status {
    if (stop.stop_requested()) return interrupted();
    if (found.type == DT_DIR) return {};
    if (found.type != DT_REG)
      return Error(
          Code::bad_path,
          base::quote(found.path) + ": neither a regular file nor a directory: a payload holds nothing else");
    if (auto good = check_path(found.path); !good) return good;
    if (paths.size() >= kMostFiles)
      return Error(Code::bad_list,
                   "more than " + std::to_string(kMostFiles) + " files: a payload holds no more");
    paths.push_back(found.path);
    return {};
  });
  if (!walked) return walked.error();
  // By directory and not as the disk has them, so that each directory is opened once.
  std::sort(paths.begin(), paths.end());
  std::vector<ListEntry> entries;
  entries.reserve(paths.size());
  Buffer buffer = make_buffer();
  DirectoryStack directories(os, files, DirectoryStack::Mode::read);
  for (const std::string& path : paths) {
    const auto directory = directories.parent_of(path);
    if (!directory) return directory.error();
    auto entry = scan_file(os, *directory, path, buffer, stop, progress);
    if (!entry) return entry.error();
    entries.push_back(std::move(*entry));
  }
  return FileList::make(std::move(entries));
}

Result<Packed> pack_files(Os& os, int files, const PackOptions& options, std::stop_token stop,
                          const ByteProgress& progress) {
  Packed packed;
  Manifest& manifest = packed.manifest;
  // What is wrong with the flags is said before gigabytes are read.
  if (auto good = as_flag(check_version(options.version)); !good) return good.error();
  manifest.version = options.version;
  if (options.requires_server) {
    if (auto good = as_flag(check_requirement(*options.requires_server)); !good) return good.error();
    manifest.requires_server = options.requires_server;
  }
  if (options.source_date_epoch) {
    constexpr std::uint64_t kEndOfYear9999 = 253'402'300'799;
    const auto seconds = base::parse_number(*options.source_date_epoch, kEndOfYear9999);
    if (!seconds) return misuse("SOURCE_DATE_EPOCH: " + seconds.error().text);
    manifest.annotations["created"] = base::format_time(static_cast<std::int64_t>(*seconds) * 1'000'000'000);
  }
  manifest.unhandled = options.unhandled;
  auto list = scan_files(os, files, std::move(stop), progress);
  if (!list) return list.error();
  packed.list = std::move(*list);
  packed.list_text = packed.list.text();
  manifest.list = sha256(packed.list_text);
  manifest.files = packed.list.entries().size();
  manifest.bytes = packed.list.bytes();
  auto components = make_components(packed.list, options);
  if (!components) return components.error();
  if (components->size() > kMostComponents)
    return misuse("more than " + std::to_string(kMostComponents) +
                  " components: gather them with --component");
  manifest.components = std::move(*components);
  packed.manifest_text = manifest.text();
  if (packed.manifest_text.size() > kMostManifestBytes)
    return misuse("manifest.json would be larger than " + base::format_size(kMostManifestBytes));
  packed.digest = sha256(packed.manifest_text);
  return packed;
}

Result<Packed> pack_directory(Os& os, const std::string& directory, const PackOptions& options,
                              std::stop_token stop, const ByteProgress& progress) {
  const auto top = open_directory(os, AT_FDCWD, directory, 0);
  if (!top) return top.error();
  const auto files = open_directory(os, top->get(), kFiles, O_NOFOLLOW);
  if (!files)
    return Error(files.error().code, "pack: " + directory + ": " + files.error().text +
                                         ": put the files into " + directory + "/files");
  auto packed = pack_files(os, files->get(), options, std::move(stop), progress);
  if (!packed) return packed;
  constexpr mode_t kMode = 0644;
  if (auto put = base::replace_file(os, top->get(), kList, packed->list_text, kMode); !put)
    return put.error();
  if (auto put = base::replace_file(os, top->get(), kManifest, packed->manifest_text, kMode); !put)
    return put.error();
  return packed;
}

}  // namespace okg::payload
