// Lines out of bytes that come in any pieces.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace okg::kube {

class Lines {
 public:
  enum class Next { line, none, too_long };

  explicit Lines(std::size_t most) : most_(most) {}

  void append(std::string_view bytes);
  // *line, without its end, is good until the next call of anything here. Empty lines are left out. A line
  // that has more than `most` bytes so far is too long, and stays so.
  Next next(std::string_view* line);
  // Bytes that no end followed.
  bool holds_rest() const { return begin_ < buffer_.size(); }

 private:
  std::size_t most_;
  std::string buffer_;
  std::size_t begin_ = 0;    // of what was not given yet
  std::size_t scanned_ = 0;  // no line ends before it
};

}  // namespace okg::kube
