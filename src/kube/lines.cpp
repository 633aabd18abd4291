#include "kube/lines.hpp"

namespace okg::kube {

namespace {
constexpr std::size_t kKeptCapacity = 64 * 1024;  // after a long line
}

void Lines::append(std::string_view bytes) {
  buffer_.erase(0, begin_);
  scanned_ -= begin_;
  begin_ = 0;
  if (buffer_.empty() && buffer_.capacity() > kKeptCapacity) std::string().swap(buffer_);
  buffer_ += bytes;
}

Lines::Next Lines::next(std::string_view* line) {
  for (;;) {
    const std::size_t end = buffer_.find('\n', scanned_);
    const bool found = end != buffer_.npos;
    scanned_ = found ? end : buffer_.size();
    if (scanned_ - begin_ > most_) return Next::too_long;
    if (!found) return Next::none;
    std::string_view text(buffer_.data() + begin_, end - begin_);
    begin_ = scanned_ = end + 1;
    if (text.ends_with('\r')) text.remove_suffix(1);
    if (text.empty()) continue;
    *line = text;
    return Next::line;
  }
}

}  // namespace okg::kube
