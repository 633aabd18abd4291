// What the program says: results on stdout, everything else on stderr. Every line is one write.
#pragma once

#include <atomic>
#include <string>
#include <string_view>

#include "base/json.hpp"

namespace okg::cli {

enum class Colour { none, good, bad, doubtful, dim };

class Output {
 public:
  // `colour_wanted` is false when NO_COLOR is set or the terminal is dumb.
  Output(int result_fd, int message_fd, bool colour_wanted);

  // A line of the result; the line end is added.
  void result(std::string_view line) { write(result_fd_, std::string(line) + "\n"); }
  void result_json(const base::OrderedJson& json) { result(base::dump(json)); }
  // "okg: what: where: what to do" on stderr.
  void complain(std::string_view line);
  // As it stands, to stdout: a screen full.
  void result_text(std::string_view text) { write(result_fd_, text); }
  // As it stands, to stderr, for what is drawn over again.
  void draw(std::string_view text) { write(message_fd_, text); }

  bool result_is_terminal() const { return result_terminal_; }
  bool messages_are_terminal() const { return message_terminal_; }
  // The text in colour where stdout is a terminal that wants colours.
  std::string paint(Colour colour, std::string_view text) const;
  // False once stdout takes no more: nobody reads it, or its disk is full.
  bool result_alive() const { return result_error_ == 0; }
  // The errno of the first write to stdout that failed, else 0.
  int result_error() const { return result_error_; }

 private:
  void write(int fd, std::string_view text);

  int result_fd_, message_fd_;
  bool result_terminal_, message_terminal_, colour_;
  std::atomic<int> result_error_{0};
};

}  // namespace okg::cli
