#include "payload/list.hpp"

#include <algorithm>

#include "base/text.hpp"
#include "payload/layout.hpp"
#include "payload/path.hpp"

namespace okg::payload {
namespace {

using base::Code;
using base::Error;
using base::Result;
using base::Status;

// "<64 hex> 0644 <size> <path>"
constexpr std::size_t kModeAt = 65;
constexpr std::size_t kSizeAt = 70;
constexpr std::uint64_t kMostBytes = INT64_MAX;

Error bad_line(std::size_t line, const std::string& why) {
  return Error(Code::bad_list, "files.list: line " + std::to_string(line) + ": " + why);
}

Result<ListEntry> parse_line(std::string_view text, std::size_t line) {
  const auto malformed = [&] { return bad_line(line, "not \"<sha256> <0644|0755> <size> <path>\""); };
  if (text.size() < kSizeAt || text[kModeAt - 1] != ' ' || text[kSizeAt - 1] != ' ') return malformed();
  ListEntry entry;
  const auto digest = Digest::from_hex(text.substr(0, kModeAt - 1));
  if (!digest) return malformed();
  entry.digest = *digest;
  const std::string_view mode = text.substr(kModeAt, 4);
  if (mode != "0644" && mode != "0755") return malformed();
  entry.executable = mode == "0755";
  const std::size_t blank = text.find(' ', kSizeAt);
  if (blank == text.npos) return malformed();
  const std::string_view digits = text.substr(kSizeAt, blank - kSizeAt);
  const auto size = base::parse_number(digits, kMostBytes);
  // One way to write a number: two lists of the same files must not differ.
  if (!size || digits != std::to_string(*size)) return malformed();
  entry.size = *size;
  entry.path = text.substr(blank + 1);
  if (auto good = check_path(entry.path); !good)
    return Error(Code::bad_path, "files.list: line " + std::to_string(line) + ": " + good.error().text);
  return entry;
}

// Is one of the directories that `path` lies in a file of the list? Those that `previous` lies in too were
// looked at with it.
bool lies_below_file(const std::vector<ListEntry>& entries, std::string_view path,
                     std::string_view previous) {
  for (std::size_t slash = path.find('/'); slash != path.npos; slash = path.find('/', slash + 1)) {
    if (previous.substr(0, slash + 1) == path.substr(0, slash + 1)) continue;
    const std::string_view directory = path.substr(0, slash);
    const auto found = std::lower_bound(entries.begin(), entries.end(), directory,
                                        [](const ListEntry& e, std::string_view p) { return e.path < p; });
    if (found != entries.end() && found->path == directory) return true;
  }
  return false;
}

// What holds for the list as a whole; gives the sum of all sizes.
Result<std::uint64_t> check_entries(const std::vector<ListEntry>& entries) {
  std::uint64_t bytes = 0;
  std::string_view previous;
  for (std::size_t i = 0; i < entries.size(); ++i) {
    const std::string_view path = entries[i].path;
    if (i > 0 && path == previous) return bad_line(i + 1, "path " + base::quote(path) + " stands twice");
    if (i > 0 && path < previous) return bad_line(i + 1, "not sorted bytewise by path");
    if (lies_below_file(entries, path, previous))
      return bad_line(i + 1, "path " + base::quote(path) + " lies below another file");
    if (entries[i].size > kMostBytes - bytes) return bad_line(i + 1, "sizes add up to more than 8 EiB");
    bytes += entries[i].size;
    previous = path;
  }
  return bytes;
}

Error too_many() {
  return Error(Code::bad_list, "files.list: more than " + std::to_string(kMostFiles) + " files");
}

Error too_large() {
  return Error(Code::bad_list, "files.list: larger than " + base::format_size(kMostListBytes));
}

}  // namespace

std::string format_line(const ListEntry& entry) {
  return entry.digest.hex() + (entry.executable ? " 0755 " : " 0644 ") + std::to_string(entry.size) + " " +
         entry.path + "\n";
}

Result<FileList> FileList::parse(std::string_view text) {
  if (text.size() > kMostListBytes) return too_large();
  FileList list;
  std::size_t line = 0;
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    if (end == text.npos) return bad_line(line + 1, "does not end in LF");
    if (++line > kMostFiles) return too_many();
    auto entry = parse_line(text.substr(0, end), line);
    if (!entry) return entry.error();
    list.entries_.push_back(std::move(*entry));
    text.remove_prefix(end + 1);
  }
  const auto bytes = check_entries(list.entries_);
  if (!bytes) return bytes.error();
  list.bytes_ = *bytes;
  return list;
}

Result<FileList> FileList::make(std::vector<ListEntry> entries) {
  if (entries.size() > kMostFiles) return too_many();
  std::sort(entries.begin(), entries.end(),
            [](const ListEntry& a, const ListEntry& b) { return a.path < b.path; });
  std::size_t text_size = 0;
  for (const ListEntry& entry : entries) {
    if (auto good = check_path(entry.path); !good) return good.error();
    text_size += format_line(entry).size();
  }
  if (text_size > kMostListBytes) return too_large();
  const auto bytes = check_entries(entries);
  if (!bytes) return bytes.error();
  FileList list;
  list.entries_ = std::move(entries);
  list.bytes_ = *bytes;
  return list;
}

std::string FileList::text() const {
  std::string text;
  for (const ListEntry& entry : entries_) text += format_line(entry);
  return text;
}

const ListEntry* FileList::find(std::string_view path) const {
  const auto found = std::lower_bound(entries_.begin(), entries_.end(), path,
                                      [](const ListEntry& e, std::string_view p) { return e.path < p; });
  return found != entries_.end() && found->path == path ? &*found : nullptr;
}

}  // namespace okg::payload
