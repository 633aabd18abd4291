// okg_payload_*: the payload in use, and what is in it.
#include <fcntl.h>

#include <algorithm>

#include "abi/handles.hpp"
#include "base/files.hpp"
#include "base/text.hpp"
#include "payload/sha256.hpp"

namespace {

using okg::abi::guarded;
using okg::abi::tell;
using okg::abi::tell_ok;
using okg::base::Code;
using okg::payload::ListEntry;

const okg::server::LivePayload* inside(const okg_payload* payload) {
  return payload == nullptr ? nullptr : payload->payload.get();
}

void describe(const ListEntry& entry, okg_file* file) {
  *file = okg_file{entry.path.c_str(), entry.size, entry.executable ? 1 : 0, 0};
}

// The list's entry for `path`: nothing else in the directory is ever opened.
const ListEntry* find(const okg_payload* payload, const char* path, okg_error* error, okg_code* code) {
  if (inside(payload) == nullptr || path == nullptr) {
    *code = tell(error, Code::invalid_argument, "payload and path are required");
    return nullptr;
  }
  const ListEntry* entry = inside(payload)->verified.list.find(path);
  if (entry == nullptr)
    *code = tell(error, Code::not_found, (okg::base::quote(path) + ": not in the payload").c_str());
  return entry;
}

okg::base::Result<okg::base::UniqueFd> open_file(const okg_payload* payload, const ListEntry& entry) {
  return okg::base::open_beneath(okg::base::Os::real(), inside(payload)->verified.files.get(), entry.path,
                                 O_RDONLY | O_NONBLOCK);
}

}  // namespace

extern "C" {

okg_payload* okg_payload_pin(okg_server* server) {
  if (server == nullptr || server->game_server->closed()) return nullptr;
  try {
    auto active = server->game_server->active();
    if (!active) return nullptr;
    auto* made = new okg_payload;
    made->payload = std::move(active);
    return made;
  } catch (...) {
    return nullptr;
  }
}

okg_payload* okg_payload_retain(const okg_payload* payload) {
  auto* handle = const_cast<okg_payload*>(payload);
  if (handle != nullptr) handle->references.fetch_add(1, std::memory_order_relaxed);
  return handle;
}

void okg_payload_release(okg_payload* payload) {
  if (payload != nullptr && payload->references.fetch_sub(1, std::memory_order_acq_rel) == 1) delete payload;
}

const char* okg_payload_version(const okg_payload* payload) {
  return inside(payload) == nullptr ? "" : inside(payload)->version().c_str();
}

const char* okg_payload_digest(const okg_payload* payload) {
  return inside(payload) == nullptr ? "" : inside(payload)->digest.c_str();
}

const char* okg_payload_component(const okg_payload* payload, const char* component) {
  if (inside(payload) == nullptr || component == nullptr) return "";
  const auto& components = inside(payload)->components;
  const auto found = std::find_if(components.begin(), components.end(),
                                  [&](const auto& entry) { return entry.first == component; });
  return found == components.end() ? "" : found->second.c_str();
}

int okg_payload_dirfd(const okg_payload* payload) {
  return inside(payload) == nullptr ? -1 : inside(payload)->verified.files.get();
}

size_t okg_payload_file_count(const okg_payload* payload) {
  return inside(payload) == nullptr ? 0 : inside(payload)->verified.list.entries().size();
}

okg_code okg_payload_file(const okg_payload* payload, size_t index, okg_file* file) {
  if (inside(payload) == nullptr || file == nullptr) return OKG_INVALID_ARGUMENT;
  const auto& entries = inside(payload)->verified.list.entries();
  if (index >= entries.size()) return OKG_NOT_FOUND;
  describe(entries[index], file);
  return OKG_OK;
}

okg_code okg_payload_find(const okg_payload* payload, const char* path, okg_file* file) {
  if (file == nullptr) return OKG_INVALID_ARGUMENT;
  return guarded(nullptr, [&]() -> okg_code {
    okg_code code = OKG_OK;
    const ListEntry* entry = find(payload, path, nullptr, &code);
    if (entry != nullptr) describe(*entry, file);
    return code;
  });
}

okg_code okg_payload_open(const okg_payload* payload, const char* path, int* fd, okg_error* error) {
  if (fd == nullptr) return tell(error, Code::invalid_argument, "okg_payload_open: fd is NULL");
  *fd = -1;
  return guarded(error, [&]() -> okg_code {
    okg_code code = OKG_OK;
    const ListEntry* entry = find(payload, path, error, &code);
    if (entry == nullptr) return code;
    auto opened = open_file(payload, *entry);
    if (!opened) return tell(error, opened.error());
    *fd = opened->release();
    return tell_ok(error);
  });
}

okg_code okg_payload_read(const okg_payload* payload, const char* path, void* buffer, size_t capacity,
                          size_t* length, okg_error* error) {
  if (buffer == nullptr && capacity != 0)
    return tell(error, Code::invalid_argument, "okg_payload_read: buffer is NULL and capacity is not 0");
  return guarded(error, [&]() -> okg_code {
    okg_code code = OKG_OK;
    const ListEntry* entry = find(payload, path, error, &code);
    if (entry == nullptr) return code;
    if (length != nullptr) *length = static_cast<std::size_t>(entry->size);
    if (capacity < entry->size)
      return tell(
          error, Code::no_space,
          (entry->path + ": the buffer is too small for " + std::to_string(entry->size) + " bytes").c_str());
    auto opened = open_file(payload, *entry);
    if (!opened) return tell(error, opened.error());
    okg::base::Os& os = okg::base::Os::real();
    auto* bytes = static_cast<char*>(buffer);
    const ssize_t got = okg::base::read_full(os, opened->get(), bytes, static_cast<std::size_t>(entry->size));
    if (got < 0)
      return tell(error, okg::base::error_from_errno(static_cast<int>(-got), "read " + entry->path));
    const auto size = static_cast<std::size_t>(got);
    char extra = 0;
    if (size != entry->size || okg::base::read_some(os, opened->get(), &extra, 1) != 0 ||
        okg::payload::sha256({bytes, size}) != entry->digest)
      return tell(error, Code::digest_mismatch, (entry->path + ": changed since it was verified").c_str());
    return tell_ok(error);
  });
}

}  // extern "C"
