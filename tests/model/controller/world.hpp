// A cluster and the process in it, and everything that can happen next. Whoever explores it chooses.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "model/controller/process.hpp"

namespace okg::controller_model {

enum class Event : std::uint8_t {
  // Each comes about sooner or later.
  kruise,
  okg_to_pod,
  okg_to_gameserver,
  collect,
  create,
  replace_sidecar,
  stop_game,
  start_game,
  grace_passes,
  take,
  hear,
  read,
  look_at_volume,
  arrive,
  late_mail,
  be_answered,
  token_fails,
  poll,
  allow,
  deadline_passes,
  // Each may happen, as often as the budget has it.
  update_sidecar,
  update_game,
  update_both,
  revert,
  condemn,
  set,
  expect,
  somebody_sets,
  somebody_undoes,
  okg_writes,
  template_changes,
  somebody_releases,
  crash,
  lose_pod,
  somebody_deletes,  // the GameServer: it is made anew
  disconnect,
  lose_patch,
  refuse_patch,
  noise,  // something else of the GameServer changes
  kCount
};
inline bool comes_by_itself(Event event) {
  return event < Event::update_sidecar;
}
const char* name_of(Event event);

struct Budget {
  std::uint8_t updates = 0;  // new revisions
  std::uint8_t faults = 0;   // anything that is not listed here
  std::uint8_t sets = 0;     // of opsState, by the game
  std::uint8_t others = 0;   // by somebody else
};

// Which events there may be at all, as bits.
using Allowed = std::uint64_t;
inline Allowed bit(Event event) {
  return Allowed{1} << static_cast<unsigned>(event);
}
template <class... E>
Allowed bits(E... events) {
  return (bit(events) | ... | 0);
}

class World {
 public:
  World(const Setting& setting, Budget budget, Allowed allowed, std::vector<std::string>* story = nullptr);

  // What can happen now.
  void events(std::vector<Event>& out) const;
  // Throws Broken.
  void happen(Event event);
  // Time passes: not more than what is under way leaves.
  void pass(Nanoseconds time);
  // Nothing comes by itself any more: all has to be well.
  void check_quiet() const;

  std::uint64_t digest() const;
  Cluster& cluster() { return cluster_; }
  const Cluster& cluster() const { return cluster_; }
  Process& process() { return process_; }
  void refill(Budget budget) { budget_ = budget; }

 private:
  bool can(Event event) const;
  bool may_pass(Nanoseconds until) const;
  bool can_spend(Event event) const;
  void spend(Event event);
  void do_it(Event event);
  void do_what_may_happen(Event event);

  Cluster cluster_;
  Process process_;
  Budget budget_;
  Allowed allowed_;
  std::vector<std::string>* story_;
  std::uint16_t next_value_ = 1;
  std::string told_;  // of the cluster, in the story
};

}  // namespace okg::controller_model
