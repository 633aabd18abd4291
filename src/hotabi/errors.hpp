// What every function of okg.h does with what went wrong.
#pragma once

#include <new>

#include "base/error.hpp"
#include "okg/okg.h"

namespace okg::abi {

// Fills `error` (may be null) and returns its code.
okg_code tell(okg_error* error, const base::Error& from) noexcept;
okg_code tell(okg_error* error, base::Code code, const char* text) noexcept;
okg_code tell_ok(okg_error* error) noexcept;

// Runs the body of a C function: nothing that is thrown below gets out.
template <class Body>
okg_code guarded(okg_error* error, Body&& body) noexcept {
  try {
    return body();
  } catch (const std::bad_alloc&) {
    return tell(error, base::Code::no_memory, "out of memory");
  } catch (const std::exception& thrown) {
    return tell(error, base::Code::internal, thrown.what());
  } catch (...) {
    return tell(error, base::Code::internal, "an exception of no known type");
  }
}

inline okg_code finish(okg_error* error, const base::Status& status) noexcept {
  return status ? tell_ok(error) : tell(error, status.error());
}

}  // namespace okg::abi
