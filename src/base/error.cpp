#include "base/error.hpp"

#include <cerrno>
#include <stdexcept>
#include <system_error>

namespace okg::base {

std::string_view code_name(Code code) noexcept {
  switch (code) {
    case Code::ok:
      return "ok";
    case Code::invalid_argument:
      return "invalid_argument";
    case Code::closed:
      return "closed";
    case Code::in_use:
      return "in_use";
    case Code::not_found:
      return "not_found";
    case Code::unsupported:
      return "unsupported";
    case Code::denied:
      return "denied";
    case Code::io:
      return "io";
    case Code::no_space:
      return "no_space";
    case Code::timeout:
      return "timeout";
    case Code::busy:
      return "busy";
    case Code::no_memory:
      return "no_memory";
    case Code::digest_mismatch:
      return "digest_mismatch";
    case Code::bad_manifest:
      return "bad_manifest";
    case Code::bad_list:
      return "bad_list";
    case Code::bad_path:
      return "bad_path";
    case Code::requires_unmet:
      return "requires";
    case Code::unhandled:
      return "unhandled";
    case Code::rejected:
      return "rejected";
    case Code::crashed:
      return "crashed";
    case Code::confirm:
      return "confirm";
    case Code::report_bad:
      return "report_bad";
    case Code::superseded:
      return "superseded";
    case Code::crash_loop:
      return "crash_loop";
    case Code::corrupt:
      return "corrupt";
    case Code::no_headroom:
      return "no_headroom";
    case Code::schema_mismatch:
      return "schema_mismatch";
    case Code::conflict:
      return "conflict";
    case Code::internal:
      break;
  }
  return "internal";
}

const char* code_text(Code code) noexcept {
  switch (code) {
    case Code::ok:
      return "no error";
    case Code::invalid_argument:
      return "an argument is not what the call asks for; mend the call";
    case Code::closed:
      return "the server is closed, or this process is a fork of the one that opened it";
    case Code::in_use:
      return "another server is using this run directory; give each its own";
    case Code::not_found:
      return "there is no such thing";
    case Code::unsupported:
      return "this system cannot do that";
    case Code::denied:
      return "permission denied; check owner, mode and mount";
    case Code::io:
      return "reading or writing failed; it may work later";
    case Code::no_space:
      return "no space left; enlarge the volume or its budget";
    case Code::timeout:
      return "the deadline passed; try again";
    case Code::busy:
      return "somebody else is at it; try again";
    case Code::no_memory:
      return "out of memory";
    case Code::digest_mismatch:
      return "the content is not what its digest says; publish it again";
    case Code::bad_manifest:
      return "manifest.json is malformed; pack the payload again";
    case Code::bad_list:
      return "files.list is malformed; pack the payload again";
    case Code::bad_path:
      return "a path is not allowed in a payload; rename the file";
    case Code::requires_unmet:
      return "the payload requires another server version";
    case Code::unhandled:
      return "a component changed that this server has no handler for";
    case Code::rejected:
      return "a handler refused the payload";
    case Code::crashed:
      return "a handler threw";
    case Code::confirm:
      return "the new payload was not confirmed";
    case Code::report_bad:
      return "the game reported the payload as bad";
    case Code::superseded:
      return "a newer payload is wanted";
    case Code::crash_loop:
      return "the server ended too often while it took this payload into use";
    case Code::corrupt:
      return "the segment is damaged, or is none; it was left as it is";
    case Code::no_headroom:
      return "the container's memory limit leaves no room for it";
    case Code::schema_mismatch:
      return "the segment holds records of another schema; they were left as they are";
    case Code::conflict:
      return "somebody else changed it meanwhile: the caller has to look again";
    case Code::internal:
      break;
  }
  return "an error inside okg; please report it";
}

bool code_retriable(Code code) noexcept {
  return code == Code::io || code == Code::no_space || code == Code::timeout || code == Code::busy ||
         code == Code::no_memory || code == Code::no_headroom;
}

Error error_from_errno(int error_number, std::string_view what) {
  Code code = Code::io;
  switch (error_number) {
    case ENOSPC:
    case EDQUOT:
      code = Code::no_space;
      break;
    case ENOENT:
      code = Code::not_found;
      break;
    case ENOMEM:
      code = Code::no_memory;
      break;
    case EACCES:
    case EPERM:
    case EROFS:
      code = Code::denied;
      break;
    case ETIMEDOUT:
      code = Code::timeout;
      break;
    default:
      break;
  }
  return Error(code, std::string(what) + ": " + std::generic_category().message(error_number));
}

void throw_bad_result_access(const Error& error) {
  throw std::logic_error("unchecked result: " + error.text);
}

}  // namespace okg::base
