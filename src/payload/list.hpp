// files.list: one line a file, sorted bytewise by path, every line ends in LF:
//   "<sha256 hex> <0644|0755> <size> <path>"
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "payload/digest.hpp"

namespace okg::payload {

struct ListEntry {
  Digest digest;
  bool executable = false;
  std::uint64_t size = 0;
  std::string path;
};

class FileList {
 public:
  // Strict: exactly the form above, paths allowed (path.hpp), strictly ascending, no file that is also a
  // directory of another entry. Errors are bad_list or bad_path with the line number.
  static base::Result<FileList> parse(std::string_view text);
  // Sorts `entries`; the same checks.
  static base::Result<FileList> make(std::vector<ListEntry> entries);

  const std::vector<ListEntry>& entries() const { return entries_; }
  std::uint64_t bytes() const { return bytes_; }
  std::string text() const;
  const ListEntry* find(std::string_view path) const;

 private:
  std::vector<ListEntry> entries_;
  std::uint64_t bytes_ = 0;
};

// One line of the list, with its LF.
std::string format_line(const ListEntry& entry);

}  // namespace okg::payload
