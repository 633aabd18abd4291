// A progress bar on stderr, for what takes longer than half a second on a terminal; else nothing at all.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

#include "cli/output.hpp"

namespace okg::cli {

class Progress {
 public:
  Progress(Output& output, std::string what);
  ~Progress() { clear(); }
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  // Of so many bytes; 0: how many there will be is not known.
  void set(std::uint64_t bytes, std::uint64_t of_bytes);
  void add(std::uint64_t bytes) { set(bytes_ + bytes, of_bytes_); }
  // Takes the bar away.
  void clear();

 private:
  using Clock = std::chrono::steady_clock;
  Output& output_;
  std::string what_;
  std::uint64_t bytes_ = 0, of_bytes_ = 0;
  Clock::time_point begin_ = Clock::now();
  Clock::time_point next_ = begin_ + std::chrono::milliseconds(500);
  bool drawn_ = false;
};

// "[######----]  60 %  600 MiB of 1.00 GiB".
std::string progress_bar(std::uint64_t bytes, std::uint64_t of_bytes);

}  // namespace okg::cli
