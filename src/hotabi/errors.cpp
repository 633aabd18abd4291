#include "hotabi/errors.hpp"

#include <cstdarg>
#include <cstdio>
#include <cstring>

namespace okg::abi {

using base::Code;

// The numbers of okg.h and those inside are the same ones.
static_assert(OKG_OK == static_cast<int>(Code::ok));
static_assert(OKG_INVALID_ARGUMENT == static_cast<int>(Code::invalid_argument));
static_assert(OKG_CLOSED == static_cast<int>(Code::closed));
static_assert(OKG_IN_USE == static_cast<int>(Code::in_use));
static_assert(OKG_NOT_FOUND == static_cast<int>(Code::not_found));
static_assert(OKG_UNSUPPORTED == static_cast<int>(Code::unsupported));
static_assert(OKG_DENIED == static_cast<int>(Code::denied));
static_assert(OKG_IO == static_cast<int>(Code::io));
static_assert(OKG_NO_SPACE == static_cast<int>(Code::no_space));
static_assert(OKG_TIMEOUT == static_cast<int>(Code::timeout));
static_assert(OKG_BUSY == static_cast<int>(Code::busy));
static_assert(OKG_NO_MEMORY == static_cast<int>(Code::no_memory));
static_assert(OKG_DIGEST_MISMATCH == static_cast<int>(Code::digest_mismatch));
static_assert(OKG_BAD_MANIFEST == static_cast<int>(Code::bad_manifest));
static_assert(OKG_BAD_LIST == static_cast<int>(Code::bad_list));
static_assert(OKG_BAD_PATH == static_cast<int>(Code::bad_path));
static_assert(OKG_REQUIRES == static_cast<int>(Code::requires_unmet));
static_assert(OKG_UNHANDLED == static_cast<int>(Code::unhandled));
static_assert(OKG_REJECTED == static_cast<int>(Code::rejected));
static_assert(OKG_CRASHED == static_cast<int>(Code::crashed));
static_assert(OKG_CONFIRM == static_cast<int>(Code::confirm));
static_assert(OKG_REPORT_BAD == static_cast<int>(Code::report_bad));
static_assert(OKG_SUPERSEDED == static_cast<int>(Code::superseded));
static_assert(OKG_CRASH_LOOP == static_cast<int>(Code::crash_loop));
static_assert(OKG_INTERNAL == static_cast<int>(Code::internal));
static_assert(OKG_CORRUPT == static_cast<int>(Code::corrupt));
static_assert(OKG_NO_HEADROOM == static_cast<int>(Code::no_headroom));
static_assert(OKG_SCHEMA_MISMATCH == static_cast<int>(Code::schema_mismatch));
static_assert(OKG_CONFLICT == static_cast<int>(Code::conflict));

namespace {

okg_code fill(okg_error* error, Code code, const char* text, std::size_t size, bool retriable) noexcept {
  if (error != nullptr) {
    error->code = static_cast<std::int32_t>(code);
    error->retriable = retriable ? 1 : 0;
    if (size >= sizeof error->text) {
      size = sizeof error->text - 1;
      while (size > 0 && (static_cast<unsigned char>(text[size]) & 0xC0U) == 0x80U)
        --size;  // not inside a character
    }
    std::memcpy(error->text, text, size);
    error->text[size] = '\0';
  }
  return static_cast<okg_code>(code);
}

}  // namespace

okg_code tell(okg_error* error, const base::Error& from) noexcept {
  return fill(error, from.code, from.text.data(), from.text.size(), from.retriable);
}

okg_code tell(okg_error* error, Code code, const char* text) noexcept {
  return fill(error, code, text, std::strlen(text), base::code_retriable(code));
}

okg_code tell_ok(okg_error* error) noexcept {
  return fill(error, Code::ok, "", 0, false);
}

}  // namespace okg::abi

extern "C" {

const char* okg_version(void) {
  return OKG_VERSION;
}

const char* okg_strerror(okg_code code) {
  return okg::base::code_text(static_cast<okg::base::Code>(code));
}

okg_code okg_fail(okg_error* error, okg_code code, const char* format, ...) {
  char text[sizeof okg_error::text];
  va_list arguments;
  va_start(arguments, format);
  const int size = format == nullptr ? -1 : std::vsnprintf(text, sizeof text, format, arguments);
  va_end(arguments);
  return okg::abi::tell(error, static_cast<okg::base::Code>(code), size < 0 ? "" : text);
}

}  // extern "C"
