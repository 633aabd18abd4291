// The handles of okg.h, and translation between C and the rooms below.
#pragma once

#include <atomic>
#include <cstdarg>
#include <memory>
#include <new>
#include <stop_token>
#include <vector>

#include "okg/okg.h"
#include "server/game_server.hpp"

struct okg_payload {
  std::atomic<unsigned> references{1};
  okg::server::LivePayloadPtr payload;
};

struct okg_stop {
  std::stop_token token;
};

struct okg_subscription {
  okg_server* server = nullptr;
  okg::server::HandlerPtr handler;
};

struct okg_server {
  std::unique_ptr<okg::server::GameServer> game_server;
  std::vector<std::unique_ptr<okg_subscription>> subscriptions;
  std::atomic<bool> release_after_callback{false};
};

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

// Handlers made of C callbacks; what these throw is caught.
server::HandlerPtr make_handler(const char* name, const okg_reload_handler& handler);
server::HandlerPtr make_simple_handler(const char* name, okg_reload_fn reload, void* user);

}  // namespace okg::abi
