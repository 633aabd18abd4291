// okg::Error and okg::Result<T>: a value or an error, without exceptions.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

#include "okg/okg.h"

namespace okg {

struct Error {
  okg_code code = OKG_INTERNAL;
  std::string text;        // one line: what, where, what to do
  bool retriable = false;  // the same may work later

  Error() = default;
  Error(okg_code c, std::string t) : code(c), text(std::move(t)) {}
  // From what a C call filled in; `code` is what it returned.
  Error(okg_code c, const okg_error& from) : code(c), text(from.text), retriable(from.retriable != 0) {
    if (text.empty()) text = okg_strerror(c);
  }
};

// A refusal, for handlers: return okg::rejected("a.lua:3: '=' expected").
inline Error rejected(std::string text) {
  return Error(OKG_REJECTED, std::move(text));
}
// A failure that may pass: the reload is tried again with backoff.
inline Error try_again(std::string text) {
  Error error(OKG_BUSY, std::move(text));
  error.retriable = true;
  return error;
}

template <class T>
class [[nodiscard]] Result {
 public:
  Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}
  Result(Error error) : state_(std::in_place_index<1>, std::move(error)) {}
  // From what converts to T (a derived unique_ptr, a string literal).
  template <class U>
    requires(std::is_convertible_v<U, T> && !std::is_same_v<std::remove_cvref_t<U>, Result> &&
             !std::is_same_v<std::remove_cvref_t<U>, T> && !std::is_same_v<std::remove_cvref_t<U>, Error>)
  Result(U&& value) : state_(std::in_place_index<0>, std::forward<U>(value)) {}

  explicit operator bool() const noexcept { return state_.index() == 0; }
  bool has_value() const noexcept { return state_.index() == 0; }

  // Undefined without a value: test first.
  T& operator*() & noexcept { return *std::get_if<0>(&state_); }
  const T& operator*() const& noexcept { return *std::get_if<0>(&state_); }
  T&& operator*() && noexcept { return std::move(*std::get_if<0>(&state_)); }
  T* operator->() noexcept { return std::get_if<0>(&state_); }
  const T* operator->() const noexcept { return std::get_if<0>(&state_); }
  // Undefined with a value: test first.
  const Error& error() const noexcept { return *std::get_if<1>(&state_); }

  T value_or(T fallback) && { return has_value() ? std::move(**this) : std::move(fallback); }

 private:
  std::variant<T, Error> state_;
};

template <>
class [[nodiscard]] Result<void> {
 public:
  Result() = default;
  Result(Error error) : error_(std::move(error)) {}

  explicit operator bool() const noexcept { return !error_.has_value(); }
  bool has_value() const noexcept { return !error_.has_value(); }
  const Error& error() const noexcept { return *error_; }

 private:
  std::optional<Error> error_;
};

namespace detail {
inline Result<void> status(okg_code code, const okg_error& error) {
  if (code == OKG_OK) return {};
  return Error(code, error);
}
}  // namespace detail

}  // namespace okg
