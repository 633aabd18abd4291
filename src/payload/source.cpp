#include "payload/source.hpp"

#include <dirent.h>
#include <fcntl.h>

#include <cerrno>

#include "base/files.hpp"
#include "base/text.hpp"
#include "payload/hash_file.hpp"
#include "payload/layout.hpp"
#include "payload/sha256.hpp"
#include "payload/tree.hpp"
#include "payload/verify.hpp"

namespace okg::payload {
namespace {

using base::Code;
using base::Error;
using base::Os;
using base::Result;
using base::Status;
using base::UniqueFd;

// Directories without files are of no account: images are full of them, and they are not published.
Status check_nothing_else(Os& os, int files, const FileList& list, const std::stop_token& stop) {
  return walk_tree(os, files, [&](const TreeEntry& found) -> Status {
    if (stop.stop_requested()) return interrupted();
    if (found.type == DT_DIR || (found.type == DT_REG && list.find(found.path) != nullptr)) return {};
    return Error(Code::bad_path, base::quote(found.path) + ": not in files.list: pack again");
  });
}

Result<Source> open_packed(Os& os, int directory, const std::stop_token& stop) {
  Source source;
  auto text = base::read_small_file(os, directory, kManifest, kMostManifestBytes, kManifest);
  if (!text) return text.error();
  source.packed.digest = sha256(*text);
  auto payload = open_unverified(os, directory, source.packed.digest);
  if (!payload) return payload.error();
  if (auto good = check_nothing_else(os, payload->files.get(), payload->list, stop); !good)
    return good.error();
  source.packed.manifest_text = std::move(*text);
  source.packed.manifest = std::move(payload->manifest);
  source.packed.list = std::move(payload->list);
  source.packed.list_text = source.packed.list.text();  // there is only one way to write a list
  source.files = std::move(payload->files);
  return source;
}

}  // namespace

Result<Source> open_source(Os& os, const std::string& from, const std::optional<PackOptions>& pack,
                           const std::stop_token& stop) {
  const auto said = [&](const Error& error) { return Error(error.code, from + ": " + error.text); };
  const int fd = os.open(AT_FDCWD, from.c_str(), O_RDONLY | O_DIRECTORY);
  if (fd < 0) return base::error_from_errno(-fd, "open directory " + from);
  UniqueFd directory(fd);
  struct stat info{};
  const int found = os.stat(directory.get(), kManifest, &info);
  if (found < 0 && found != -ENOENT) return base::error_from_errno(-found, "stat " + from + "/" + kManifest);
  if (found == 0) {
    auto source = open_packed(os, directory.get(), stop);
    if (!source) return said(source.error());
    if (pack && pack->version != source->packed.manifest.version)
      return Error(Code::invalid_argument, from + ": its manifest.json says version " +
                                               base::quote(source->packed.manifest.version) +
                                               ": pack it again");
    return source;
  }
  if (!pack)
    return Error(Code::invalid_argument, from + ": no manifest.json: pack it, or say which version it is");
  auto packed = pack_files(os, directory.get(), *pack, stop);
  if (!packed) return said(packed.error());
  return Source{std::move(directory), std::move(*packed)};
}

}  // namespace okg::payload
