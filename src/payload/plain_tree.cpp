#include "payload/plain_tree.hpp"

#include <dirent.h>
#include <sys/stat.h>

#include <algorithm>
#include <string>
#include <vector>

#include "payload/layout.hpp"
#include "payload/sha256.hpp"
#include "payload/tree.hpp"

namespace okg::payload {

using base::Code;
using base::Error;

base::Result<Digest> stamp_of_tree(base::Os& os, int directory) {
  std::vector<std::string> lines;
  const auto walked = walk_tree(os, directory, [&](const TreeEntry& entry) -> base::Status {
    if (lines.size() == kMostFiles)
      return Error(Code::bad_path, "more than " + std::to_string(kMostFiles) + " files");
    struct stat info{};
    const int looked = os.stat(directory, entry.path.c_str(), &info);
    if (looked == -ENOENT) return {};  // gone meanwhile: the next look differs
    if (looked < 0) return base::error_from_errno(-looked, "look at " + entry.path);
    std::string line = entry.path + '\0';
    for (const std::int64_t number :
         {std::int64_t{entry.type}, std::int64_t{info.st_size}, static_cast<std::int64_t>(info.st_ino),
          std::int64_t{info.st_ctim.tv_sec}, std::int64_t{info.st_ctim.tv_nsec}})
      // A directory's own size and times change with what is in it, which is looked at itself.
      line += (entry.type == DT_DIR ? "" : std::to_string(number)) + ' ';
    lines.push_back(std::move(line));
    return {};
  });
  // A directory that went away during the walk is a change as well.
  if (!walked && walked.error().code != Code::not_found) return walked.error();
  if (lines.empty()) return Error(Code::not_found, "it is empty");
  std::sort(lines.begin(), lines.end());
  Sha256 hash;
  for (const std::string& line : lines) hash.update(line.data(), line.size());
  return hash.finish();
}

}  // namespace okg::payload
