// What is said to the controller and heard from it: GameServer, network, updates, start. See okg.h for the
// semantics. SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "okg/result.hpp"

namespace okg {

enum class Connection {
  off = OKG_CONNECTION_OFF,
  connecting = OKG_CONNECTION_CONNECTING,
  connected = OKG_CONNECTION_CONNECTED,
  limited = OKG_CONNECTION_LIMITED
};

// The states that OpenKruiseGame gives a meaning to; any other label value may be used, too.
namespace ops_state {
inline constexpr char none[] = "None";
inline constexpr char allocated[] = "Allocated";
inline constexpr char maintaining[] = "Maintaining";
inline constexpr char wait_to_be_deleted[] = "WaitToBeDeleted";
inline constexpr char kill[] = "Kill";
}  // namespace ops_state

struct WriteOptions {
  std::chrono::nanoseconds timeout{0};     // ten seconds
  std::optional<std::string> expect = {};  // write only over this
  // Polling thread, exactly once where the call succeeded.
  std::function<void(const Result<void>&)> written = {};
};

struct Address {
  std::string ip, end_point;
  std::vector<okg_port> ports;  // their texts live as long as the snapshot
  std::string range, range_protocol;
};

// Our GameServer as it was at one moment; a shared reference.
class GameServerSnapshot {
 public:
  GameServerSnapshot() = default;
  // Takes over one reference.
  explicit GameServerSnapshot(okg_gameserver* owned) noexcept : handle_(owned) {}
  GameServerSnapshot(const GameServerSnapshot& other) noexcept
      : handle_(okg_gameserver_retain(other.handle_)) {}
  GameServerSnapshot(GameServerSnapshot&& other) noexcept : handle_(std::exchange(other.handle_, nullptr)) {}
  GameServerSnapshot& operator=(GameServerSnapshot other) noexcept {
    std::swap(handle_, other.handle_);
    return *this;
  }
  ~GameServerSnapshot() { okg_gameserver_release(handle_); }

  explicit operator bool() const noexcept { return handle_ != nullptr; }
  std::string_view name() const noexcept { return okg_gameserver_name(handle_); }
  std::string_view ops_state() const noexcept { return okg_gameserver_ops_state(handle_); }
  std::string_view state() const noexcept { return okg_gameserver_state(handle_); }
  std::string_view match_id() const noexcept { return okg_gameserver_match_id(handle_); }
  std::optional<std::string_view> label(const std::string& key) const noexcept {
    return or_none(okg_gameserver_label(handle_, key.c_str()));
  }
  std::optional<std::string_view> annotation(const std::string& key) const noexcept {
    return or_none(okg_gameserver_annotation(handle_, key.c_str()));
  }
  // -1: not known.
  std::int64_t update_priority() const noexcept { return okg_gameserver_update_priority(handle_); }
  std::int64_t deletion_priority() const noexcept { return okg_gameserver_deletion_priority(handle_); }
  bool network_ready() const noexcept { return okg_gameserver_network_ready(handle_) != 0; }
  std::string_view network_type() const noexcept { return okg_gameserver_network_type(handle_); }
  // For players (external), or inside the cluster.
  std::vector<Address> addresses(bool external = true) const {
    std::vector<Address> out;
    okg_address found{};
    for (std::size_t i = 0; okg_gameserver_address(handle_, external ? 1 : 0, i, &found) == OKG_OK; ++i) {
      Address address{found.ip, found.end_point, std::vector<okg_port>(found.port_count), found.range,
                      found.range_protocol};
      for (std::size_t k = 0; k < found.port_count; ++k)
        okg_gameserver_port(handle_, external ? 1 : 0, i, k, &address.ports[k]);
      out.push_back(std::move(address));
    }
    return out;
  }
  const okg_gameserver* handle() const noexcept { return handle_; }

 private:
  static std::optional<std::string_view> or_none(const char* text) noexcept {
    return text == nullptr ? std::nullopt : std::optional<std::string_view>(text);
  }
  okg_gameserver* handle_ = nullptr;
};

struct UpdateNotice {
  enum class Kind { update = OKG_UPDATE, deletion = OKG_DELETION };
  enum class Phase {
    coming = OKG_UPDATE_COMING,
    started = OKG_UPDATE_STARTED,
    finished = OKG_UPDATE_FINISHED,
    withdrawn = OKG_UPDATE_WITHDRAWN
  };
  struct Container {
    std::string name, image;  // image "": not known
  };
  std::uint64_t id = 0;
  Kind kind = Kind::update;
  Phase phase = Phase::coming;
  bool waits = false;  // for allow_update()
  std::optional<std::chrono::nanoseconds> deadline;
  std::string revision;
  std::optional<std::vector<Container>> containers;  // nullopt: not known
};

enum class StartReason {
  fresh_pod = OKG_START_FRESH_POD,
  in_place_update = OKG_START_IN_PLACE_UPDATE,
  crash = OKG_START_CRASH,
  restart = OKG_START_RESTART
};

struct StartReport {
  StartReason reason = StartReason::fresh_pod;
  bool is_final = false;
  std::optional<std::chrono::nanoseconds> downtime;
  std::optional<bool> same_pod, same_ip, same_network;
  std::string image_from, image_to;
};

namespace detail {

inline UpdateNotice to_notice(const okg_update_notice& from) {
  UpdateNotice out;
  out.id = from.id;
  out.kind = static_cast<UpdateNotice::Kind>(from.kind);
  out.phase = static_cast<UpdateNotice::Phase>(from.phase);
  out.waits = from.waits != 0;
  if (from.deadline_ns >= 0) out.deadline = std::chrono::nanoseconds(from.deadline_ns);
  out.revision = from.revision;
  if (from.containers_known != 0) {
    out.containers.emplace();
    for (std::size_t i = 0; i < from.container_count; ++i)
      out.containers->push_back({from.containers[i], from.images[i]});
  }
  return out;
}

inline StartReport to_start_report(const okg_start_report& from) {
  const auto known = [](std::int32_t value) { return value < 0 ? std::nullopt : std::optional(value != 0); };
  StartReport out;
  out.reason = static_cast<StartReason>(from.reason);
  out.is_final = from.is_final != 0;
  if (from.downtime_ns >= 0) out.downtime = std::chrono::nanoseconds(from.downtime_ns);
  out.same_pod = known(from.same_pod);
  out.same_ip = known(from.same_ip);
  out.same_network = known(from.same_network);
  out.image_from = from.image_from;
  out.image_to = from.image_to;
  return out;
}

// The options of a write as C has them. What `written` needs lives until it was called.
class Write {
 public:
  explicit Write(WriteOptions&& options) : expect_(std::move(options.expect)) {
    if (options.written) kept_ = new std::function<void(const Result<void>&)>(std::move(options.written));
    c_.timeout_ns = options.timeout.count();
    if (expect_) c_.expect = expect_->c_str();
    if (kept_ != nullptr) {
      c_.written = &Write::call;
      c_.user = kept_;
    }
  }
  Write(const Write&) = delete;
  Write& operator=(const Write&) = delete;

  template <class Set>
  Result<void> run(Set set) {
    okg_error error;
    const okg_code code = set(&c_, &error);
    if (code != OKG_OK) delete kept_;
    return status(code, error);
  }

 private:
  static void call(void* user, okg_code code, const okg_error* error) {
    auto* kept = static_cast<std::function<void(const Result<void>&)>*>(user);
    struct Free {
      std::function<void(const Result<void>&)>* what;
      ~Free() { delete what; }
    } free{kept};
    (*kept)(status(code, *error));
  }
  std::optional<std::string> expect_;
  std::function<void(const Result<void>&)>* kept_ = nullptr;
  okg_write_options c_ = OKG_WRITE_OPTIONS_INIT;
};

}  // namespace detail

}  // namespace okg
