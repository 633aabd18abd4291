#include "model/controller/cluster.hpp"

#include <sstream>
#include <tuple>
#include <utility>

namespace okg::controller_model {
namespace {

constexpr const char* kLives[] = {"Normal", "PreparingUpdate", "Updating", "Updated", "PreparingDelete"};
constexpr const char* kStates[] = {"Ready", "NotReady", "PreUpdate", "Updating", "PreDelete", "-"};
constexpr const char* kHooks[] = {"-", "true", "false"};

Hook first(bool is_there) {
  return is_there ? Hook::armed : Hook::none;
}

}  // namespace

std::uint8_t difference(const Revision& a, const Revision& b) {
  return static_cast<std::uint8_t>((a.sidecar != b.sidecar ? kSidecar : 0) | (a.game != b.game ? kGame : 0));
}

Cluster::Cluster(const Setting& how) : setting(how) {
  gameserver.version = version;
  gameserver.owner = how.keeps_gameserver ? 0 : 1;
  for (const auto& [kind, is_there] : {std::pair(kUpdate, how.hook), std::pair(kDeletion, how.delete_hook)})
    gameserver.hooks[kind] = pod.hooks[kind] = first(is_there);
  cache = gameserver;
}

void Cluster::wish(std::uint8_t parts) {
  before = wanted;
  wanted.number = ++revisions;
  if ((parts & kSidecar) != 0) wanted.sidecar = revisions;
  if ((parts & kGame) != 0) wanted.game = revisions;
}

void Cluster::revert() {
  std::swap(before, wanted);
}

void Cluster::set_hook(Kind kind, bool armed, Who who) {
  const Hook hook = armed ? Hook::armed : Hook::released;
  if (gameserver.hooks[kind] == hook) return;
  gameserver.hooks[kind] = hook;
  gameserver.hook_writers[kind] = who;
  written();
}

void Cluster::set_ops_state(std::uint16_t value, Who who) {
  if (gameserver.ops_state == value) return;
  ops_state_before = std::exchange(gameserver.ops_state, value);
  gameserver.ops_writer = who;
  written();
}

void Cluster::lose_pod() {
  is_game_up = false;
  condemned = false;
  Pod fresh;
  fresh.number = static_cast<std::uint16_t>(pod.number + 1);
  fresh.episode = fresh.state_episode = ++episodes;
  fresh.revision = fresh.spec = fresh.running = wanted;
  fresh.hooks[kUpdate] = first(setting.hook);
  fresh.hooks[kDeletion] = first(setting.delete_hook);
  pod = fresh;
}

// ---- Kruise: stateful_set_control.go, refreshPodState, deletePod and inPlaceUpdatePod

bool Cluster::is_hooked(Kind kind) const {
  return (kind == kUpdate ? setting.hook : setting.delete_hook) && pod.hooks[kind] == Hook::armed;
}

bool Cluster::kruise() {
  if (condemned) {
    if (!is_hooked(kDeletion)) {
      lose_pod();
      return true;
    }
    if (pod.life != Life::preparing_delete) {
      pod.life = Life::preparing_delete;
      begin_episode(0);
      return true;
    }
  }
  if (refresh()) return true;
  if (pod.revision.number == wanted.number || condemned) return false;
  switch (pod.life) {
    case Life::normal:
      if (!is_hooked(kUpdate)) break;
      pod.life = Life::preparing_update;
      begin_episode(difference(wanted, pod.spec));
      return true;
    case Life::updated:  // the handler's labels are put back, on the pod
      if (!setting.hook) return false;
      pod.life = Life::preparing_update;
      pod.hooks[kUpdate] = Hook::armed;
      begin_episode(difference(wanted, pod.spec));
      return true;
    case Life::preparing_update:
      if (is_hooked(kUpdate)) return false;
      break;
    case Life::updating:
      break;
    case Life::preparing_delete:
      return false;
  }
  start_update();
  return true;
}

bool Cluster::refresh() {
  if (pod.grace && now >= pod.updated_at + kGrace) {
    patch_spec(*pod.grace);
    return true;
  }
  switch (pod.life) {
    case Life::preparing_update:
      if (pod.revision.number != wanted.number) return false;
      end_update();
      return true;
    case Life::updating:
      if (pod.grace || difference(pod.running, pod.spec) != 0) return false;
      end_update();
      return true;
    case Life::updated:
      if (setting.hook && !is_hooked(kUpdate)) return false;
      pod.life = Life::normal;
      return true;
    case Life::normal:
    case Life::preparing_delete:
      break;
  }
  return false;
}

void Cluster::end_update() {
  pod.life = has_lifecycle() && !is_hooked(kUpdate) ? Life::updated : Life::normal;
}

void Cluster::begin_episode(std::uint8_t parts) {
  pod.episode = ++episodes;
  pod.parts = parts;
}

void Cluster::start_update() {
  const std::uint8_t parts = difference(wanted, pod.spec);
  if (pod.life == Life::preparing_update)
    pod.parts = parts;
  else
    begin_episode(parts);
  pod.life = Life::updating;
  pod.revision = wanted;
  pod.was_updated = true;
  pod.updated_at = now;
  pod.updated_parts = 0;
  pod.updated_episode = pod.episode;
  pod.grace.reset();
  if (setting.grace)
    pod.grace = wanted;
  else
    patch_spec(wanted);
}

void Cluster::patch_spec(const Revision& to) {
  pod.updated_parts = difference(pod.spec, to);
  pod.spec = to;
  pod.grace.reset();
}

std::optional<Nanoseconds> Cluster::grace_ends() const {
  if (!pod.grace || now >= pod.updated_at + kGrace) return std::nullopt;
  return pod.updated_at + kGrace;
}

// ---- OKG: gameserver_manager.go, SyncGsToPod and SyncPodToGs

bool Cluster::okg_to_pod() {
  if (!has_gameserver) return false;
  State state = is_game_up ? State::ready : State::not_ready;
  if (pod.life == Life::updating) state = State::updating;
  if (pod.life == Life::preparing_update) state = State::pre_update;
  if (pod.life == Life::preparing_delete) state = State::pre_delete;
  std::uint8_t names = 0;
  if (setting.names_updating) {
    if (state == State::pre_update) names = difference(wanted, pod.running);
    if (state == State::updating) names = pod.names_updating;
  }
  const Pod was = pod;
  for (const Kind kind : {kUpdate, kDeletion})
    if (gameserver.hooks[kind] != Hook::none) pod.hooks[kind] = gameserver.hooks[kind];
  pod.state = state;
  pod.state_episode = pod.episode;
  pod.state_parts = pod.parts;
  pod.names_updating = names;
  cache = gameserver;
  const auto all = [](const Pod& p) {
    return std::tie(p.hooks[0], p.hooks[1], p.state, p.state_episode, p.state_parts, p.names_updating);
  };
  return all(was) != all(pod);
}

bool Cluster::okg_to_gameserver() {
  if (!has_gameserver) return false;
  if (gameserver.state == pod.state && gameserver.episode == pod.state_episode &&
      gameserver.parts == pod.state_parts)
    return false;
  const bool is_news = gameserver.state != pod.state;
  gameserver.state = pod.state;
  gameserver.episode = pod.state_episode;
  gameserver.parts = pod.state_parts;
  if (is_news) written();
  cache = gameserver;
  return true;
}

bool Cluster::okg_writes(bool template_too) {
  if (!has_gameserver || cache.uid != gameserver.uid) return false;
  const auto change = [](auto& field, auto value, Who& writer) {
    if (field == value) return;
    field = value;
    writer = Who::manager;
  };
  for (const Kind kind : {kUpdate, kDeletion})
    if (cache.hooks[kind] != Hook::none)
      change(gameserver.hooks[kind], template_too ? Hook::armed : cache.hooks[kind],
             gameserver.hook_writers[kind]);
  if (setting.old_okg) change(gameserver.ops_state, cache.ops_state, gameserver.ops_writer);
  written();
  cache = gameserver;
  return true;
}

bool Cluster::collect() {
  if (!has_gameserver || gameserver.owner == 0 || gameserver.owner == pod.number) return false;
  erase();
  return true;
}

void Cluster::erase() {
  has_gameserver = false;
  ++version;
}

bool Cluster::create() {
  if (has_gameserver) return false;
  GameServer fresh;
  fresh.uid = static_cast<std::uint16_t>(gameserver.uid + 1);
  fresh.owner = setting.keeps_gameserver ? 0 : pod.number;
  fresh.hooks[kUpdate] = first(setting.hook);
  fresh.hooks[kDeletion] = first(setting.delete_hook);
  fresh.state = State::none;
  gameserver = fresh;
  written();
  cache = gameserver;
  has_gameserver = true;
  return true;
}

// ---- The kubelet

bool Cluster::replace_sidecar() {
  if (!running_differs(kSidecar)) return false;
  pod.running.sidecar = pod.spec.sidecar;
  return true;
}

bool Cluster::start_game() {
  if (is_game_up) return false;
  pod.running.game = pod.spec.game;
  is_game_up = true;
  return true;
}

bool Cluster::is_settled() const {
  return has_gameserver && !condemned && pod.life == Life::normal && pod.revision == wanted &&
         pod.spec == wanted && difference(pod.running, wanted) == 0 && !pod.grace;
}

std::string describe(const GameServer& gameserver) {
  std::ostringstream out;
  out << "v" << gameserver.version << " uid " << gameserver.uid << " of pod " << gameserver.owner << ' '
      << kStates[static_cast<int>(gameserver.state)]
      << " update=" << kHooks[static_cast<int>(gameserver.hooks[kUpdate])]
      << " delete=" << kHooks[static_cast<int>(gameserver.hooks[kDeletion])] << " ops=s"
      << gameserver.ops_state;
  return out.str();
}

std::string describe(const Cluster& cluster) {
  const Pod& pod = cluster.pod;
  std::ostringstream out;
  out << "pod " << pod.number << ' ' << kLives[static_cast<int>(pod.life)]
      << " update=" << kHooks[static_cast<int>(pod.hooks[kUpdate])]
      << " delete=" << kHooks[static_cast<int>(pod.hooks[kDeletion])] << " r" << pod.revision.number
      << " of r" << cluster.wanted.number << (pod.grace ? " in grace" : "") << " | gs ";
  out << (cluster.has_gameserver ? describe(cluster.gameserver) : "none");
  return out.str();
}

}  // namespace okg::controller_model
