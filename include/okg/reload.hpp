// Payloads and reload handlers.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <exception>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "okg/result.hpp"

namespace okg {

using File = okg_file;

// A shared reference to one payload: while it lives, the payload's files stay.
class Payload {
 public:
  Payload() = default;
  // Takes over one reference.
  explicit Payload(okg_payload* owned) noexcept : handle_(owned) {}
  Payload(const Payload& other) noexcept : handle_(okg_payload_retain(other.handle_)) {}
  Payload(Payload&& other) noexcept : handle_(std::exchange(other.handle_, nullptr)) {}
  Payload& operator=(Payload other) noexcept {
    std::swap(handle_, other.handle_);
    return *this;
  }
  ~Payload() { okg_payload_release(handle_); }

  explicit operator bool() const noexcept { return handle_ != nullptr; }
  std::string_view version() const noexcept { return okg_payload_version(handle_); }
  std::string_view digest() const noexcept { return okg_payload_digest(handle_); }
  // "" when there is no such component.
  std::string_view component(const std::string& name) const noexcept {
    return okg_payload_component(handle_, name.c_str());
  }
  int dirfd() const noexcept { return okg_payload_dirfd(handle_); }

  std::vector<File> list() const {
    std::vector<File> files(okg_payload_file_count(handle_));
    for (std::size_t i = 0; i < files.size(); ++i) okg_payload_file(handle_, i, &files[i]);
    return files;
  }
  bool contains(const std::string& path) const noexcept {
    File file;
    return okg_payload_find(handle_, path.c_str(), &file) == OKG_OK;
  }
  // A descriptor of the caller's.
  Result<int> open(const std::string& path) const {
    int fd = -1;
    okg_error error;
    const okg_code code = okg_payload_open(handle_, path.c_str(), &fd, &error);
    if (code != OKG_OK) return Error(code, error);
    return fd;
  }
  // The whole file, checked against the payload's digest.
  Result<std::string> read(const std::string& path) const {
    File file{};
    if (okg_payload_find(handle_, path.c_str(), &file) != OKG_OK)
      return Error(OKG_NOT_FOUND, path + ": not in the payload");
    std::string content(static_cast<std::size_t>(file.bytes), '\0');
    okg_error error;
    const okg_code code =
        okg_payload_read(handle_, path.c_str(), content.data(), content.size(), nullptr, &error);
    if (code != OKG_OK) return Error(code, error);
    return content;
  }

  const okg_payload* handle() const noexcept { return handle_; }

 private:
  okg_payload* handle_ = nullptr;
};

// Tells a running prepare that its result is no longer wanted.
class StopToken {
 public:
  explicit StopToken(const okg_stop* stop) noexcept : stop_(stop) {}
  bool stop_requested() const noexcept { return okg_stop_requested(stop_) != 0; }

 private:
  const okg_stop* stop_;
};

// The full form of a handler. `prepare` runs on okg's worker, the others on the polling thread.
template <class T>
struct ReloadHandler {
  std::function<Result<std::unique_ptr<T>>(Payload, StopToken)> prepare;
  // Takes `next` into use and hands back what was in use before. okg keeps that through probation: a rollback
  // is the same call with the old object, which is null when the component did not exist in the old payload.
  std::function<std::unique_ptr<T>(std::unique_ptr<T> next)> commit;
  std::function<bool()> can_commit = {};  // null: always
  std::vector<std::string> after = {};
};

// A registration. It needs no keeping: the server's close ends it.
class Subscription {
 public:
  Subscription() = default;
  explicit Subscription(okg_subscription* handle) noexcept : handle_(handle) {}
  Subscription(Subscription&& other) noexcept : handle_(std::exchange(other.handle_, nullptr)) {}
  Subscription& operator=(Subscription&& other) noexcept {
    handle_ = std::exchange(other.handle_, nullptr);
    return *this;
  }
  // False when the registration failed; start() then says why.
  explicit operator bool() const noexcept { return handle_ != nullptr; }
  // Ends it early, once, before the server is gone. Polling thread.
  void unsubscribe() noexcept { okg_unsubscribe(std::exchange(handle_, nullptr)); }

 private:
  okg_subscription* handle_ = nullptr;
};

namespace detail {

inline okg_code fail(okg_error* out, const Error& error) {
  const okg_code code =
      okg_fail(out, error.code == OKG_OK ? OKG_REJECTED : error.code, "%s", error.text.c_str());
  if (out != nullptr && error.retriable) out->retriable = 1;
  return code;
}

// Runs `body`; what it throws, if this program has exceptions at all, becomes OKG_CRASHED.
template <class Body>
okg_code guarded(okg_error* error, Body&& body) noexcept {
#if defined(__cpp_exceptions)
  try {
    return body();
  } catch (const std::exception& thrown) {
    return okg_fail(error, OKG_CRASHED, "%s", thrown.what());
  } catch (...) {
    return okg_fail(error, OKG_CRASHED, "an exception that is no std::exception");
  }
#else
  (void)error;
  return body();
#endif
}

template <class T>
struct ReloadThunks {
  using Handler = ReloadHandler<T>;

  static okg_code prepare(void* user, const okg_payload* payload, const okg_stop* stop, void** staged,
                          okg_error* error) {
    return guarded(error, [&]() -> okg_code {
      auto made = static_cast<Handler*>(user)->prepare(Payload(okg_payload_retain(payload)), StopToken(stop));
      if (!made) return fail(error, made.error());
      *staged = (*std::move(made)).release();
      return OKG_OK;
    });
  }
  static okg_code commit(void* user, void* staged, void** previous, okg_error* error) {
    return guarded(error, [&]() -> okg_code {
      *previous = static_cast<Handler*>(user)->commit(std::unique_ptr<T>(static_cast<T*>(staged))).release();
      return OKG_OK;
    });
  }
  static void discard(void*, void* object) { delete static_cast<T*>(object); }
  static int can_commit(void* user) { return static_cast<Handler*>(user)->can_commit() ? 1 : 0; }
};

}  // namespace detail
}  // namespace okg
