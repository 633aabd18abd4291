// What went wrong, said once for the whole library.
#pragma once

#include <boost/system/result.hpp>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

namespace okg::base {

// The numbers are those of okg_code in okg.h (abi/ checks that); the names of `code_name` are those of the
// status schema okg.status/v1.
enum class Code : std::int32_t {
  ok = 0,
  // The caller's doing.
  invalid_argument = 1,
  closed = 2,
  in_use = 3,
  not_found = 4,
  unsupported = 5,
  denied = 6,
  // The surroundings' doing: trying again may help.
  io = 10,
  no_space = 11,
  timeout = 12,
  busy = 13,
  no_memory = 14,
  // The payload's doing: it is refused until it changes.
  digest_mismatch = 20,
  bad_manifest = 21,
  bad_list = 22,
  bad_path = 23,
  requires_unmet = 24,
  unhandled = 25,
  rejected = 26,
  crashed = 27,
  confirm = 28,
  report_bad = 29,
  superseded = 30,
  crash_loop = 31,
  internal = 40,
  // The hot state's: what is in the segment stays as it is.
  corrupt = 50,
  no_headroom = 51,
  schema_mismatch = 52,
  conflict = 53,
};

std::string_view code_name(Code code) noexcept;
// One sentence that says who has to act.
const char* code_text(Code code) noexcept;
// io, timeout, busy and no_memory may pass by themselves; so may no_space and no_headroom, once somebody has
// made room.
bool code_retriable(Code code) noexcept;

// `text` is one line "what: where: what to do", without the code's name and without a full stop.
struct Error {
  Code code = Code::internal;
  std::string text;
  bool retriable = false;

  Error() = default;  // asked for by Result<void>::error()
  Error(Code c, std::string t) : code(c), text(std::move(t)), retriable(code_retriable(c)) {}
};

// The error of a failed system call: ENOSPC and EDQUOT are no_space, ENOENT not_found, ENOMEM no_memory,
// EACCES, EPERM and EROFS denied, anything else io. `what` names call and object ("open
// v/12ab/manifest.json").
Error error_from_errno(int error_number, std::string_view what);

template <class T>
using Result = boost::system::result<T, Error>;
using Status = Result<void>;

[[noreturn]] void throw_bad_result_access(const Error& error);

}  // namespace okg::base

namespace boost::system {
// Asked for by result<T, E>::value(); we test results instead of calling value().
[[noreturn]] inline void throw_exception_from_error(const okg::base::Error& error, const source_location&) {
  okg::base::throw_bad_result_access(error);
}
}  // namespace boost::system
