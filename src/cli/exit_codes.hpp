// What the program's exit codes mean (docs/interface.md, section 4).
#pragma once

#include "base/error.hpp"

namespace okg::cli {

inline constexpr int kDone = 0;
inline constexpr int kFailed = 1;     // not so, or failed
inline constexpr int kUsage = 2;      // usage or bad input
inline constexpr int kNoServer = 69;  // no server answers
inline constexpr int kTryAgain = 75;  // timeout, busy, interrupted

// For an error of the rooms below: the caller's mistake, try again, or failed.
constexpr int exit_code(base::Code code) {
  switch (code) {
    case base::Code::invalid_argument:
      return kUsage;
    case base::Code::timeout:
    case base::Code::busy:
    case base::Code::superseded:  // what a stop request ends with
      return kTryAgain;
    default:
      return kFailed;
  }
}

// The same where a payload directory is what is asked about: everything that only other input can mend is the
// caller's.
constexpr int input_exit_code(base::Code code) {
  switch (code) {
    case base::Code::not_found:
    case base::Code::bad_path:
    case base::Code::bad_list:
    case base::Code::bad_manifest:
    case base::Code::requires_unmet:
      return kUsage;
    default:
      return exit_code(code);
  }
}

}  // namespace okg::cli
