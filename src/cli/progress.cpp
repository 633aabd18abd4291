#include "cli/progress.hpp"

#include <algorithm>

#include "base/text.hpp"

namespace okg::cli {

std::string progress_bar(std::uint64_t bytes, std::uint64_t of_bytes) {
  constexpr std::size_t kWidth = 24;
  if (of_bytes == 0) return base::format_size(bytes);
  const double share = std::min(1.0, static_cast<double>(bytes) / static_cast<double>(of_bytes));
  const auto full = static_cast<std::size_t>(share * kWidth);
  const std::string percent = std::to_string(static_cast<int>(share * 100));
  return "[" + std::string(full, '#') + std::string(kWidth - full, '-') + "] " +
         std::string(3 - std::min<std::size_t>(3, percent.size()), ' ') + percent + " %  " +
         base::format_size(bytes) + " of " + base::format_size(of_bytes);
}

Progress::Progress(Output& output, std::string what) : output_(output), what_(std::move(what)) {}

void Progress::set(std::uint64_t bytes, std::uint64_t of_bytes) {
  bytes_ = bytes;
  of_bytes_ = of_bytes;
  if (!output_.messages_are_terminal()) return;
  const auto now = Clock::now();
  if (now < next_) return;
  next_ = now + std::chrono::milliseconds(100);
  drawn_ = true;
  output_.draw("\r" + what_ + " " + progress_bar(bytes, of_bytes) + "\x1b[K");
}

void Progress::clear() {
  if (drawn_) output_.draw("\r\x1b[K");
  drawn_ = false;
}

}  // namespace okg::cli
