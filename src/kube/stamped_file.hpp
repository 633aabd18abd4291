// A small file on a projected volume: behind links that are moved, or rewritten in its place.
#pragma once

#include <sys/stat.h>

#include <cstddef>
#include <optional>
#include <string>

#include "base/error.hpp"
#include "base/os.hpp"

namespace okg::kube {

class StampedFile {
 public:
  StampedFile(base::Os& os, std::string path, std::size_t limit)
      : os_(os), path_(std::move(path)), limit_(limit) {}

  // What is in it; nullopt when it is still the file that the last call read, unchanged. With `at_once` it is
  // read in any case. Links are followed, what they lead to has to be a regular file.
  base::Result<std::optional<std::string>> read_if_changed(bool at_once);
  const std::string& path() const { return path_; }

 private:
  base::Os& os_;
  std::string path_;
  std::size_t limit_;
  std::optional<struct stat> stamp_;
};

}  // namespace okg::kube
