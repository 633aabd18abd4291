// Is there room for what is about to be written? Asked before anything is, so that a volume that is too small
// costs nothing but an error.
#pragma once

#include <cstdint>
#include <stop_token>
#include <utility>

#include "base/error.hpp"
#include "base/os.hpp"

namespace okg::payload {

struct Need {
  std::uint64_t bytes = 0;
  std::uint64_t inodes = 0;
};

class Space {
 public:
  // `budget`: bytes that v/, .staging/ and bin/ may take together; 0 for no limit but the disk's.
  Space(base::Os& os, int root, std::uint64_t budget, std::stop_token stop)
      : os_(os), root_(root), budget_(budget), stop_(std::move(stop)) {}

  // How much of the disk a file of `size` bytes takes.
  base::Result<std::uint64_t> on_disk(std::uint64_t size);
  // no_space when `need` does not fit, timeout when told to stop while counting.
  base::Status check(const Need& need);
  // One more file that had been expected to need no room. Budget only: the disk answers for itself when
  // written to.
  base::Status claim(std::uint64_t bytes);

 private:
  base::Status measure();

  base::Os& os_;
  int root_;
  std::uint64_t budget_;
  std::stop_token stop_;
  std::uint64_t block_ = 0;
  std::uint64_t taken_ = 0;  // what is there, and what was granted
};

}  // namespace okg::payload
