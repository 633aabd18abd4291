// All that stands around one game server, as far as an in-place update or the end of its pod goes: the API
// server's GameServer, the pod, and what Kruise's Advanced StatefulSet (1.8.3), OKG's controller (1.0.0) and
// the kubelet do with them, each a step at a time. What each step does stands in those sources, and in
// okg-facts.md 1.5, 1.6 and 4.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "controller/writer.hpp"

namespace okg::controller_model {

using controller::Nanoseconds;
inline constexpr Nanoseconds kSecond = 1'000'000'000;
inline constexpr Nanoseconds kGrace = 10 * kSecond;

enum class View : std::uint8_t {
  api,             // the GameServer alone: OKG's own state
  api_and_volume,  // and the pod's annotations, by a downward volume that tells of changes sooner or later
  volume           // the pod's labels and annotations; what is said goes by a probe's token
};

// What does not change in a run.
struct Setting {
  View view = View::api;
  bool hook = true, delete_hook = false, grace = false;
  bool old_okg = true;            // up to 1.0.0: with labels the whole spec is written
  bool names_updating = false;    // after 1.0.0: gs-updating-containers
  bool keeps_gameserver = false;  // reclaimPolicy Delete: it outlives its pod
  bool asks = true;               // the game wants to be asked before updates
  bool answers = true;            // the game allows sooner or later
  bool forbidden = false;         // nothing may be written
};

enum class Life : std::uint8_t { normal, preparing_update, updating, updated, preparing_delete };
enum class State : std::uint8_t {
  ready,
  not_ready,
  pre_update,
  updating,
  pre_delete,
  none
};  // none: not yet
enum class Hook : std::uint8_t { none, armed, released };  // the label: not there, "true", "false"
enum class Who : std::uint8_t {
  manager,
  okg,
  somebody
};  // OKG's controller; we; a matchmaker or an operator
enum Kind : std::uint8_t { kUpdate = 0, kDeletion = 1 };
enum Part : std::uint8_t { kSidecar = 1, kGame = 2 };  // containers, as bits

using Episode = std::uint16_t;  // one update or deletion, counted by the model: nobody in it knows of this

struct Revision {
  std::uint16_t number = 1;
  std::uint16_t sidecar = 1, game = 1;  // images
  friend bool operator==(const Revision&, const Revision&) = default;
};
std::uint8_t difference(const Revision& a, const Revision& b);

// One version of it.
struct GameServer {
  std::uint32_t version = 0;
  std::uint16_t uid = 1;
  std::uint16_t owner = 1;  // the pod it belongs to; 0: to none
  State state = State::ready;
  Hook hooks[2] = {Hook::none, Hook::none};
  Who hook_writers[2] = {Who::manager, Who::manager};  // who changed it last
  std::uint16_t ops_state = 0;                         // 0: None
  Who ops_writer = Who::manager;
  Episode episode = 0;     // that `state` is about
  std::uint8_t parts = 0;  // that are replaced in it
};

struct Pod {
  std::uint16_t number = 1;  // its UID
  Life life = Life::normal;
  Hook hooks[2] = {Hook::none, Hook::none};
  State state = State::ready;  // the label, and which episode it is of
  Episode state_episode = 0;
  std::uint8_t state_parts = 0;
  Revision revision, spec, running;  // the label; the images wanted; the images that run
  std::optional<Revision> grace;
  bool was_updated = false;  // the annotation inplace-update-state: since when, and which containers by now
  Nanoseconds updated_at = 0;
  std::uint8_t updated_parts = 0;
  Episode updated_episode = 0;
  std::uint8_t names_updating = 0;  // the annotation gs-updating-containers
  Episode episode = 0;
  std::uint8_t parts = 0;
};

struct Cluster {
  explicit Cluster(const Setting& how);

  // --- What somebody decides ---
  void wish(std::uint8_t parts);  // a new revision of the set
  void revert();                  // back to the one before
  void condemn() { condemned = true; }
  void set_hook(Kind kind, bool armed, Who who);
  void set_ops_state(std::uint16_t value, Who who);
  void erase();  // the GameServer
  // The node is gone, or the pod is deleted for good: another follows.
  void lose_pod();

  // --- What the controllers do, each in one go; false: nothing is to be done ---
  bool kruise();
  bool okg_to_pod();  // labels; its state is computed
  bool okg_to_gameserver();
  // Labels, and up to 1.0.0 the spec, as its copy of the object has them: for the action of a service
  // quality, or since the template has other metadata, whose labels are written over them.
  bool okg_writes(bool template_too);
  bool collect();  // the GameServer of a pod that is gone
  bool create();
  bool replace_sidecar();
  bool game_is_to_stop() const { return running_differs(kGame) && is_game_up; }
  void stop_game() { is_game_up = false; }
  bool start_game();
  // Until when time has to pass for the next thing to happen, if that is what is waited for.
  std::optional<Nanoseconds> grace_ends() const;

  // All that was wished has come about, and nobody of the above has anything to do.
  bool is_settled() const;

  Setting setting;
  Nanoseconds now = 1000 * kSecond;
  bool has_gameserver = true;
  GameServer gameserver, cache;  // the controller's copy is older, by whatever was written since
  Pod pod;
  Revision wanted, before;
  std::uint16_t revisions = 1;
  std::uint16_t ops_state_before = 0;
  bool condemned = false;
  bool is_game_up = false;  // the container's process
  std::uint32_t version = 1;
  Episode episodes = 0;

 private:
  bool running_differs(Part part) const { return (difference(pod.running, pod.spec) & part) != 0; }
  bool is_hooked(Kind kind) const;
  bool has_lifecycle() const { return setting.hook || setting.delete_hook; }
  bool refresh();
  void end_update();
  void begin_episode(std::uint8_t parts);
  void start_update();
  void patch_spec(const Revision& to);
  void written() { gameserver.version = ++version; }
};

std::string describe(const Cluster& cluster);
std::string describe(const GameServer& gameserver);

}  // namespace okg::controller_model
