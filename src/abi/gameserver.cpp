// okg_gameserver: the GameServer at one moment.
#include "abi/handles.hpp"
#include "base/text.hpp"
#include "controller/keys.hpp"

namespace {

using okg::controller::Value;

const char* text_or_empty(const Value& value) {
  return value ? value->c_str() : "";
}

int64_t number_or_none(const Value& value) {
  if (!value) return -1;
  const auto number = okg::base::parse_number(*value, INT32_MAX);
  return number ? static_cast<int64_t>(*number) : -1;
}

const okg::controller::Address* address_at(const okg_gameserver* gameserver, int external, size_t index) {
  if (gameserver == nullptr) return nullptr;
  const auto& network = gameserver->object->network;
  const auto& list = external != 0 ? network.external : network.internal;
  return index < list.size() ? &list[index] : nullptr;
}

}  // namespace

extern "C" {

okg_gameserver* okg_gameserver_pin(okg_server* server) {
  if (server == nullptr) return nullptr;
  try {
    auto object = server->game_server->controller().view();
    if (!object) return nullptr;
    auto* handle = new okg_gameserver;
    handle->object = std::move(object);
    return handle;
  } catch (...) {
    return nullptr;
  }
}

okg_gameserver* okg_gameserver_retain(const okg_gameserver* gameserver) {
  auto* handle = const_cast<okg_gameserver*>(gameserver);
  if (handle != nullptr) handle->references.fetch_add(1, std::memory_order_relaxed);
  return handle;
}

void okg_gameserver_release(okg_gameserver* gameserver) {
  if (gameserver != nullptr && gameserver->references.fetch_sub(1, std::memory_order_acq_rel) == 1)
    delete gameserver;
}

const char* okg_gameserver_name(const okg_gameserver* gameserver) {
  return gameserver == nullptr ? "" : gameserver->object->name.c_str();
}
const char* okg_gameserver_ops_state(const okg_gameserver* gameserver) {
  return gameserver == nullptr ? "" : text_or_empty(gameserver->object->ops_state);
}
const char* okg_gameserver_state(const okg_gameserver* gameserver) {
  return gameserver == nullptr ? "" : gameserver->object->state.c_str();
}
const char* okg_gameserver_match_id(const okg_gameserver* gameserver) {
  const char* found = okg_gameserver_annotation(gameserver, okg::controller::keys::kMatchId);
  return found == nullptr ? "" : found;
}

const char* okg_gameserver_label(const okg_gameserver* gameserver, const char* key) {
  if (gameserver == nullptr || key == nullptr) return nullptr;
  const auto found = gameserver->object->labels.find(key);
  return found == gameserver->object->labels.end() ? nullptr : found->second.c_str();
}
const char* okg_gameserver_annotation(const okg_gameserver* gameserver, const char* key) {
  if (gameserver == nullptr || key == nullptr) return nullptr;
  const auto found = gameserver->object->annotations.find(key);
  return found == gameserver->object->annotations.end() ? nullptr : found->second.c_str();
}

int64_t okg_gameserver_update_priority(const okg_gameserver* gameserver) {
  return gameserver == nullptr ? -1 : number_or_none(gameserver->object->update_priority);
}
int64_t okg_gameserver_deletion_priority(const okg_gameserver* gameserver) {
  return gameserver == nullptr ? -1 : number_or_none(gameserver->object->deletion_priority);
}

int okg_gameserver_network_ready(const okg_gameserver* gameserver) {
  return gameserver != nullptr && gameserver->object->network.ready() ? 1 : 0;
}
const char* okg_gameserver_network_type(const okg_gameserver* gameserver) {
  return gameserver == nullptr ? "" : gameserver->object->network.type.c_str();
}

okg_code okg_gameserver_address(const okg_gameserver* gameserver, int external, size_t index,
                                okg_address* address) {
  if (gameserver == nullptr || address == nullptr) return OKG_INVALID_ARGUMENT;
  const auto* found = address_at(gameserver, external, index);
  if (found == nullptr) return OKG_NOT_FOUND;
  *address = {found->ip.c_str(), found->end_point.c_str(), found->ports.size(),
              found->range ? found->range->range.c_str() : "",
              found->range ? found->range->protocol.c_str() : ""};
  return OKG_OK;
}

okg_code okg_gameserver_port(const okg_gameserver* gameserver, int external, size_t address, size_t index,
                             okg_port* port) {
  if (gameserver == nullptr || port == nullptr) return OKG_INVALID_ARGUMENT;
  const auto* found = address_at(gameserver, external, address);
  if (found == nullptr || index >= found->ports.size()) return OKG_NOT_FOUND;
  const auto& one = found->ports[index];
  const auto number = okg::base::parse_number(one.number, 65535);
  *port = {one.name.c_str(), one.protocol.c_str(), one.number.c_str(),
           number ? static_cast<int32_t>(*number) : 0, 0};
  return OKG_OK;
}

}  // extern "C"
