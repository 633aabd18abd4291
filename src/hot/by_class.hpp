// A list of offsets or pages for each size of slots.
#pragma once

#include <array>
#include <memory>
#include <vector>

#include "hot/format.hpp"

namespace okg::hot {

// Takes its memory when it is first asked for one: an open has no use for it, and the pages would be touched.
class ByClass {
 public:
  std::vector<std::uint64_t>& operator[](unsigned size_class) {
    if (lists_ == nullptr) lists_ = std::make_unique<Lists>();
    return (*lists_)[size_class];
  }

 private:
  using Lists = std::array<std::vector<std::uint64_t>, kClasses>;
  std::unique_ptr<Lists> lists_;
};

}  // namespace okg::hot
