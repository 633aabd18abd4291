#include "payload/verify.hpp"

#include <dirent.h>
#include <fcntl.h>

#include <algorithm>
#include <cerrno>
#include <string>

#include "base/files.hpp"
#include "base/text.hpp"
#include "payload/hash_file.hpp"
#include "payload/layout.hpp"
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

// What is missing or may not be read yet can be there later: some shared volumes show the link before the
// content.
Error as_reader(Error error) {
  if (error.code == Code::not_found || error.code == Code::denied)
    return Error(Code::io, std::move(error.text));
  return error;
}

Result<std::string> read_part(Os& os, int directory, const char* name, std::size_t limit, Code malformed) {
  auto text = base::read_small_file(os, directory, name, limit, name);
  if (text) return text;
  struct stat info{};
  const bool there = os.stat(directory, name, &info) == 0;
  if (there && (!S_ISREG(info.st_mode) || static_cast<std::uint64_t>(info.st_size) > limit))
    return Error(malformed, text.error().text);
  return as_reader(text.error());
}

Result<UniqueFd> open_files(Os& os, int directory) {
  const int fd = os.open(directory, kFiles, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
  if (fd == -ELOOP || fd == -ENOTDIR) return Error(Code::bad_path, "files: not a directory");
  if (fd < 0) return as_reader(base::error_from_errno(-fd, "open files"));
  return UniqueFd(fd);
}

bool holds_directory(const FileList& list, const std::string& path) {
  const std::string prefix = path + "/";
  const auto found = std::lower_bound(list.entries().begin(), list.entries().end(), prefix,
                                      [](const ListEntry& e, const std::string& p) { return e.path < p; });
  return found != list.entries().end() && found->path.starts_with(prefix);
}

// Nothing but what the list names; that all of it is there shows when it is opened.
Status check_names(Os& os, int files, const FileList& list, const std::stop_token& stop) {
  return walk_tree(os, files, [&](const TreeEntry& found) -> Status {
    if (stop.stop_requested()) return interrupted();
    if (found.type != DT_DIR && found.type != DT_REG)
      return Error(Code::bad_path, base::quote(found.path) + ": neither a regular file nor a directory");
    if (found.type == DT_DIR ? !holds_directory(list, found.path) : list.find(found.path) == nullptr)
      return Error(Code::bad_path, base::quote(found.path) + ": not in the list");
    return {};
  });
}

Status check_file(Os& os, int directory, const ListEntry& entry, Buffer& buffer,
                  const std::stop_token& stop) {
  const std::string leaf(leaf_of(entry.path));
  const auto file = open_regular(os, directory, leaf.c_str(), entry.path);
  if (!file) return file.error();
  const auto mismatch = [&](const char* what) {
    return Error(Code::digest_mismatch, base::quote(entry.path) + ": " + what + " is not that of the list");
  };
  if (static_cast<std::uint64_t>(file->info.st_size) != entry.size) return mismatch("its size");
  if (((file->info.st_mode & S_IXUSR) != 0) != entry.executable) return mismatch("its mode");
  const auto digest = hash_file(os, file->fd.get(), entry.size, buffer, stop, entry.path);
  if (!digest) return digest.error();
  if (*digest != entry.digest) return mismatch("its content");
  return {};
}

Status check_files(Os& os, int files, const FileList& list, const std::stop_token& stop) {
  if (auto good = check_names(os, files, list, stop); !good) return good;
  Buffer buffer = make_buffer();
  DirectoryStack directories(os, files, DirectoryStack::Mode::read);
  for (const ListEntry& entry : list.entries()) {
    const auto directory = directories.parent_of(entry.path);
    if (!directory) return directory.error();
    if (auto good = check_file(os, *directory, entry, buffer, stop); !good) return good;
  }
  return {};
}

}  // namespace

Result<VerifiedPayload> open_unverified(Os& os, int directory, const Digest& digest) {
  const auto manifest_text = read_part(os, directory, kManifest, kMostManifestBytes, Code::bad_manifest);
  if (!manifest_text) return manifest_text.error();
  if (sha256(*manifest_text) != digest)
    return Error(Code::digest_mismatch, "manifest.json: its digest is not " + digest.text());
  auto manifest = Manifest::parse(*manifest_text);
  if (!manifest) return manifest.error();
  const auto list_text = read_part(os, directory, kList, kMostListBytes, Code::bad_list);
  if (!list_text) return list_text.error();
  if (sha256(*list_text) != manifest->list)
    return Error(Code::digest_mismatch, "files.list: its digest is not the one that manifest.json names");
  auto list = FileList::parse(*list_text);
  if (!list) return list.error();
  if (auto good = check_against_list(*manifest, *list); !good) return good.error();
  auto files = open_files(os, directory);
  if (!files) return files.error();
  return VerifiedPayload{digest, std::move(*manifest), std::move(*list), std::move(*files)};
}

Result<VerifiedPayload> verify(Os& os, int directory, const Digest& digest, std::stop_token stop) {
  auto payload = open_unverified(os, directory, digest);
  if (!payload) return payload;
  if (auto good = check_files(os, payload->files.get(), payload->list, stop); !good) {
    if (stop.stop_requested()) return Error(Code::superseded, "verify: told to stop");
    return as_reader(good.error());
  }
  return payload;
}

}  // namespace okg::payload
