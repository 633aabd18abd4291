// Makes a payload directory out of files: hashes them, writes files.list and manifest.json.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "base/os.hpp"
#include "payload/list.hpp"
#include "payload/manifest.hpp"

namespace okg::payload {

struct PackOptions {
  std::string version;
  std::map<std::string, std::string> components;  // NAME -> PATH (a directory in files/, or "." for the rest)
  std::vector<std::pair<std::string, std::string>> after;  // NAME, NAME it comes after
  std::optional<std::string> requires_server;
  Unhandled unhandled = Unhandled::fail;
  std::optional<std::string> source_date_epoch;  // the environment's; recorded as annotation "created"
};

struct Packed {
  Digest digest;
  Manifest manifest;
  std::string manifest_text;
  FileList list;
  std::string list_text;
};

// What `files` (an open directory) holds, hashed. Only regular files and directories may be there; links,
// sockets, setuid files and the like are bad_path.
base::Result<FileList> scan_files(base::Os& os, int files, std::stop_token stop = {},
                                  const std::function<void(std::uint64_t bytes)>& progress = {});

// In memory only.
base::Result<Packed> pack_files(base::Os& os, int files, const PackOptions& options,
                                std::stop_token stop = {},
                                const std::function<void(std::uint64_t bytes)>& progress = {});

// `okg pack DIR`: DIR/files -> DIR/files.list, then DIR/manifest.json; both replaced atomically, 0644.
base::Result<Packed> pack_directory(base::Os& os, const std::string& directory, const PackOptions& options,
                                    std::stop_token stop = {},
                                    const std::function<void(std::uint64_t bytes)>& progress = {});

}  // namespace okg::payload
