#include "cli/output.hpp"

#include <poll.h>
#include <unistd.h>

#include <cerrno>

namespace okg::cli {

Output::Output(int result_fd, int message_fd, bool colour_wanted)
    : result_fd_(result_fd),
      message_fd_(message_fd),
      result_terminal_(::isatty(result_fd) == 1),
      message_terminal_(::isatty(message_fd) == 1),
      colour_(colour_wanted && result_terminal_) {}

void Output::complain(std::string_view line) {
  write(message_fd_, "okg: " + std::string(line) + "\n");
}

std::string Output::paint(Colour colour, std::string_view text) const {
  const char* code = nullptr;
  switch (colour) {
    case Colour::none:
      break;
    case Colour::good:
      code = "32";
      break;
    case Colour::bad:
      code = "31";
      break;
    case Colour::doubtful:
      code = "33";
      break;
    case Colour::dim:
      code = "2";
      break;
  }
  if (!colour_ || code == nullptr) return std::string(text);
  return std::string("\x1b[") + code + "m" + std::string(text) + "\x1b[0m";
}

void Output::write(int fd, std::string_view text) {
  while (!text.empty()) {
    const ssize_t put = ::write(fd, text.data(), text.size());
    if (put >= 0) {
      text.remove_prefix(static_cast<std::size_t>(put));
      continue;
    }
    if (errno == EINTR) continue;
    if (errno == EAGAIN) {
      // Somebody else made our output non-blocking.
      pollfd room{fd, POLLOUT, 0};
      ::poll(&room, 1, 1000);
      continue;
    }
    if (fd == result_fd_ && result_error_ == 0) result_error_ = errno;
    return;
  }
}

}  // namespace okg::cli
