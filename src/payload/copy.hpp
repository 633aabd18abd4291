// Fills a staging directory: files are copied, or hard-linked where the version in place has the very same
// content.
#pragma once

#include <sys/stat.h>

#include <cstdint>
#include <ctime>
#include <functional>
#include <map>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "base/log.hpp"
#include "base/os.hpp"
#include "payload/hash_file.hpp"
#include "payload/list.hpp"
#include "payload/space.hpp"
#include "payload/tree.hpp"
#include "payload/verify.hpp"

namespace okg::payload {

class Copier {
 public:
  // `source`: the directory with the files; `previous`: what may be linked from, nothing of which is trusted,
  // or nullptr. Both must outlive the copier, as must `list`.
  Copier(base::Os& os, int source, const FileList& list, const VerifiedPayload* previous,
         std::stop_token stop);

  // Looks at every source file, and finds out what can probably be linked.
  base::Status plan();
  // What writing will take, as far as the plan can tell.
  base::Result<Need> need(Space& space) const;

  // Writes all into `files`, an empty directory. `copied` is called after every file and piece of a large
  // file.
  base::Status run(int files, Space& space,
                   const std::function<void(std::uint64_t files, std::uint64_t bytes)>& copied);

  std::uint64_t linked_bytes() const { return linked_bytes_; }

 private:
  struct Plan {
    const ListEntry* entry = nullptr;
    const ListEntry* link_from = nullptr;  // in `previous`
    std::optional<timespec> mtime;         // of a copy; none: the time of writing
    std::optional<std::time_t> taken;      // the second that its mtime must not have
  };

  std::optional<std::time_t> taken_second(const ListEntry& entry);
  const ListEntry* choose_link(const Plan& plan);
  std::optional<timespec> choose_mtime(const timespec& source, std::optional<std::time_t> taken);
  bool may_link(const ListEntry& from, struct stat* info);
  bool link(const Plan& plan, int target, const char* leaf);
  base::Status copy(const Plan& plan, int target, const char* leaf,
                    const std::function<void(std::uint64_t bytes)>& copied);
  base::Status copy_content(const Plan& plan, int from, int to,
                            const std::function<void(std::uint64_t bytes)>& copied);

  base::Os& os_;
  int source_;
  const FileList& list_;
  const VerifiedPayload* previous_;
  std::stop_token stop_;
  DirectoryStack source_directories_;
  std::optional<DirectoryStack> previous_directories_;
  std::map<std::pair<Digest, bool>, const ListEntry*> by_content_;
  std::vector<Plan> plans_;
  Buffer buffer_ = make_buffer();
  std::uint64_t linked_bytes_ = 0;
};

// Creates `name` in `directory` with `content` and `mode`; must not be there yet.
base::Status write_new_file(base::Os& os, int directory, const char* name, std::string_view content,
                            mode_t mode);

}  // namespace okg::payload
