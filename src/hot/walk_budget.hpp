// What one walk through a segment found while nobody wrote fits into it; else pieces lie over each other, and
// the walk would hardly end.
#pragma once

#include <string>

#include "hot/source.hpp"

namespace okg::hot {

class WalkBudget {
 public:
  explicit WalkBudget(const Source& source) : source_(source) {}
  bool take(std::uint64_t bytes) {
    taken_ += bytes;
    return taken_ <= source_.bytes();
  }
  void clear() { taken_ = 0; }
  base::Error error() const {
    return {base::Code::corrupt, "its " + std::to_string(source_.bytes()) +
                                     " bytes have no room for all that is found: pieces lie over each other"};
  }

 private:
  const Source& source_;
  std::uint64_t taken_ = 0;
};

}  // namespace okg::hot
