// The handles of okg.h, and translation between C and the rooms below.
#pragma once

#include <atomic>
#include <memory>
#include <stop_token>
#include <vector>

#include "hotabi/errors.hpp"
#include "okg/okg.h"
#include "server/game_server.hpp"

struct okg_payload {
  std::atomic<unsigned> references{1};
  okg::server::LivePayloadPtr payload;
};

struct okg_stop {
  std::stop_token token;
};

// Of a reload handler, or of a listener.
struct okg_subscription {
  okg_server* server = nullptr;
  okg::server::HandlerPtr handler;
  okg::server::ListenerPtr listener;
};

struct okg_gameserver {
  std::atomic<unsigned> references{1};
  okg::controller::ObjectPtr object;
};

struct okg_server {
  std::unique_ptr<okg::server::GameServer> game_server;
  std::vector<std::unique_ptr<okg_subscription>> subscriptions;
  std::atomic<bool> release_after_callback{false};
};

namespace okg::abi {

// Handlers made of C callbacks; what these throw is caught.
server::HandlerPtr make_handler(const char* name, const okg_reload_handler& handler);
server::HandlerPtr make_simple_handler(const char* name, okg_reload_fn reload, void* user);

// At the end of every call that may have made callbacks: one of them may have asked for okg_release().
void after_callbacks(okg_server* server);

}  // namespace okg::abi
