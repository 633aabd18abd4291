#include "payload/tree.hpp"

#include <dirent.h>
#include <fcntl.h>

#include <cerrno>

#include "base/text.hpp"
#include "payload/layout.hpp"

namespace okg::payload {
namespace {

using base::Code;
using base::DirectoryEntry;
using base::Error;
using base::Os;
using base::Result;
using base::Status;
using base::UniqueFd;

constexpr mode_t kBuildMode = 0755;
constexpr mode_t kSealedMode = 0555;

Result<UniqueFd> open_directory(Os& os, int directory, const std::string& name, int flags) {
  const int fd = os.open(directory, name.c_str(), flags | O_DIRECTORY | O_NOFOLLOW);
  if (fd == -ELOOP || fd == -ENOTDIR)
    return Error(Code::bad_path, "open " + base::quote(name) + ": not a directory");
  if (fd < 0) return base::error_from_errno(-fd, "open directory " + base::quote(name));
  return UniqueFd(fd);
}

// Some file systems do not say the type while listing.
Result<unsigned char> type_of(Os& os, int directory, const DirectoryEntry& entry) {
  if (entry.type != DT_UNKNOWN) return entry.type;
  struct stat info{};
  if (const int failed = os.stat(directory, entry.name.c_str(), &info); failed < 0)
    return base::error_from_errno(-failed, "stat " + base::quote(entry.name));
  return static_cast<unsigned char>(IFTODT(info.st_mode));
}

Result<std::vector<DirectoryEntry>> list(Os& os, int directory, std::string_view name) {
  std::vector<DirectoryEntry> entries;
  if (const int failed = os.list_directory(directory, &entries); failed < 0)
    return base::error_from_errno(-failed, "list directory " + base::quote(name));
  return entries;
}

Status walk(Os& os, int directory, const std::string& prefix, std::size_t levels,
            const std::function<Status(const TreeEntry&)>& visit) {
  const auto entries = list(os, directory, prefix);
  if (!entries) return entries.error();
  for (const DirectoryEntry& entry : *entries) {
    const auto type = type_of(os, directory, entry);
    if (!type) return type.error();
    const TreeEntry found{prefix + entry.name, *type};
    if (levels == 0) return Error(Code::bad_path, base::quote(found.path) + ": too many levels deep");
    if (auto visited = visit(found); !visited) return visited;
    if (*type != DT_DIR) continue;
    const auto below = open_directory(os, directory, entry.name, O_RDONLY);
    if (!below) return below.error();
    if (auto walked = walk(os, below->get(), found.path + "/", levels - 1, visit); !walked) return walked;
  }
  return {};
}

// Removes what a directory holds. What lies deeper than we like to recurse is moved up to `top` and left for
// the caller's next round.
class Remover {
 public:
  Remover(Os& os, int top, std::stop_token stop) : os_(os), top_(top), stop_(std::move(stop)) {}

  Status empty(int directory, std::size_t depth) {
    // A sealed directory does not let its owner remove what it holds; of others' directories the next call
    // tells.
    os_.fchmod(directory, 0700);
    const auto entries = list(os_, directory, "to be removed");
    if (!entries) return entries.error();
    for (const DirectoryEntry& entry : *entries) {
      if (stop_.stop_requested()) return Error(Code::timeout, "remove: interrupted");
      const auto type = type_of(os_, directory, entry);
      if (!type) return type.error();
      if (auto removed = *type == DT_DIR
                             ? remove_directory(directory, entry.name, depth)
                             : check(os_.unlink(directory, entry.name.c_str(), false), entry.name);
          !removed)
        return removed;
    }
    return {};
  }

  bool moved_up() const { return moved_up_ > 0; }
  void next_round() { moved_up_ = 0; }

 private:
  static Status check(int result, const std::string& name) {
    if (result < 0 && result != -ENOENT)
      return base::error_from_errno(-result, "remove " + base::quote(name));
    return {};
  }

  Status remove_directory(int parent, const std::string& name, std::size_t depth) {
    {
      const auto below = open_directory(os_, parent, name, O_RDONLY);
      if (!below) return below.error();
      if (depth >= kMostDepth) {
        os_.fchmod(below->get(), 0700);  // or it could not be moved
        ++moved_up_;
        const std::string up = ".deep." + base::random_hex(os_);
        return check(os_.rename(parent, name.c_str(), top_, up.c_str()), name);
      }
      if (auto emptied = empty(below->get(), depth + 1); !emptied) return emptied;
    }
    return check(os_.unlink(parent, name.c_str(), true), name);
  }

  Os& os_;
  int top_;
  std::stop_token stop_;
  std::size_t moved_up_ = 0;
};

}  // namespace

Result<int> DirectoryStack::parent_of(std::string_view path) {
  std::size_t depth = 0;
  std::size_t begin = 0;
  bool same = true;
  for (std::size_t slash = path.find('/'); slash != path.npos; slash = path.find('/', begin)) {
    const std::string name(path.substr(begin, slash - begin));
    same = same && depth < levels_.size() && levels_[depth].name == name;
    if (!same) {
      if (auto left = leave_to(depth); !left) return left.error();
      if (auto entered = enter(name); !entered) return entered.error();
    }
    ++depth;
    begin = slash + 1;
  }
  if (auto left = leave_to(depth); !left) return left.error();
  return levels_.empty() ? root_ : levels_.back().fd.get();
}

Status DirectoryStack::finish() {
  return leave_to(0);
}

Status DirectoryStack::enter(const std::string& name) {
  const int parent = levels_.empty() ? root_ : levels_.back().fd.get();
  if (mode_ == Mode::create) {
    const int made = os_.mkdir(parent, name.c_str(), kBuildMode);
    if (made < 0 && made != -EEXIST)
      return base::error_from_errno(-made, "make directory " + base::quote(name));
  }
  auto fd = open_directory(os_, parent, name, mode_ == Mode::create ? O_RDONLY : O_PATH);
  if (!fd) return fd.error();
  levels_.push_back({name, std::move(*fd)});
  return {};
}

Status DirectoryStack::leave_to(std::size_t depth) {
  Status done;
  for (; levels_.size() > depth; levels_.pop_back()) {
    if (mode_ != Mode::create || !done) continue;
    if (const int failed = os_.fchmod(levels_.back().fd.get(), kSealedMode); failed < 0)
      done = base::error_from_errno(-failed, "chmod directory " + base::quote(levels_.back().name));
  }
  return done;
}

Status walk_tree(Os& os, int directory, const std::function<Status(const TreeEntry&)>& visit,
                 std::size_t most_depth) {
  return walk(os, directory, "", most_depth, visit);
}

Status remove_tree(Os& os, int directory, const std::string& name, std::stop_token stop) {
  struct stat info{};
  const int failed = os.stat(directory, name.c_str(), &info);
  if (failed == -ENOENT) return {};
  if (failed < 0) return base::error_from_errno(-failed, "stat " + base::quote(name));
  if (S_ISDIR(info.st_mode)) {
    const auto top = open_directory(os, directory, name, O_RDONLY);
    if (!top) return top.error();
    Remover remover(os, top->get(), std::move(stop));
    do {
      remover.next_round();
      if (auto emptied = remover.empty(top->get(), 1); !emptied) return emptied;
    } while (remover.moved_up());
  }
  if (const int left = os.unlink(directory, name.c_str(), S_ISDIR(info.st_mode)); left < 0 && left != -ENOENT)
    return base::error_from_errno(-left, "remove " + base::quote(name));
  return {};
}

void remove_temporaries(Os& os, int directory, std::string_view prefix) {
  std::vector<DirectoryEntry> entries;
  if (os.list_directory(directory, &entries) < 0) return;
  for (const DirectoryEntry& entry : entries)
    if (entry.name.starts_with(prefix)) os.unlink(directory, entry.name.c_str(), false);
}

}  // namespace okg::payload
