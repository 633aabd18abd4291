#include "model/controller/world.hpp"

namespace okg::controller_model {
namespace {

constexpr const char* kNames[] = {"kruise",
                                  "okg to pod",
                                  "okg to gameserver",
                                  "the GameServer is collected",
                                  "okg makes a GameServer",
                                  "the sidecar is replaced",
                                  "the game is stopped",
                                  "the game starts",
                                  "the grace period passes",
                                  "the watch sends",
                                  "the watch is heard",
                                  "read",
                                  "the volume is looked at",
                                  "the patch arrives",
                                  "a late patch arrives",
                                  "the patch is answered",
                                  "the token has no effect in time",
                                  "poll",
                                  "allow",
                                  "the deadline passes",
                                  "new sidecar",
                                  "new game",
                                  "new sidecar and game",
                                  "revert",
                                  "condemned",
                                  "the game sets opsState",
                                  "the game sets opsState with expect",
                                  "somebody sets opsState",
                                  "somebody sets opsState to what it was",
                                  "okg writes from its copy",
                                  "okg writes the template from its copy",
                                  "somebody releases the hook",
                                  "crash",
                                  "the pod is lost",
                                  "somebody deletes the GameServer",
                                  "disconnect",
                                  "the patch or its answer is lost",
                                  "the patch is refused",
                                  "something else changes"};
static_assert(std::size(kNames) == static_cast<std::size_t>(Event::kCount));

// The budget it comes out of; null: none.
std::uint8_t Budget::* account(Event event) {
  switch (event) {
    case Event::update_sidecar:
    case Event::update_game:
    case Event::update_both:
      return &Budget::updates;
    case Event::set:
    case Event::expect:
      return &Budget::sets;
    case Event::somebody_sets:
    case Event::somebody_undoes:
      return &Budget::others;
    default:
      return &Budget::faults;
  }
}

}  // namespace

const char* name_of(Event event) {
  return kNames[static_cast<std::size_t>(event)];
}

World::World(const Setting& setting, Budget budget, Allowed allowed, std::vector<std::string>* story)
    : cluster_(setting), process_(setting, story), budget_(budget), allowed_(allowed), story_(story) {
  cluster_.start_game();
  process_.start(cluster_);
  process_.read(cluster_);
  if (process_.can_poll()) process_.poll();
}

bool World::can_spend(Event event) const {
  return comes_by_itself(event) || ((allowed_ & bit(event)) != 0 && budget_.*account(event) > 0);
}

void World::events(std::vector<Event>& out) const {
  out.clear();
  for (unsigned i = 0; i < static_cast<unsigned>(Event::kCount); ++i)
    if (const auto event = static_cast<Event>(i); can_spend(event) && can(event)) out.push_back(event);
}

// A grace period is longer than it takes what is said to arrive.
bool World::may_pass(Nanoseconds until) const {
  if (!cluster_.grace_ends() || until < *cluster_.grace_ends()) return true;
  for (const Event event : {Event::collect, Event::create, Event::okg_to_pod, Event::okg_to_gameserver,
                            Event::take, Event::hear, Event::look_at_volume})
    if (can(event)) return false;
  return true;
}

bool World::can(Event event) const {
  const auto tried = [&](auto step) {
    Cluster copy = cluster_;
    return (copy.*step)();
  };
  switch (event) {
    case Event::kruise:
      return tried(&Cluster::kruise);
    case Event::okg_to_pod:
      return tried(&Cluster::okg_to_pod);
    case Event::okg_to_gameserver:
      return tried(&Cluster::okg_to_gameserver);
    case Event::collect:
      return tried(&Cluster::collect);
    case Event::create:
      return tried(&Cluster::create);
    case Event::replace_sidecar:
      return tried(&Cluster::replace_sidecar);
    case Event::stop_game:
      return cluster_.game_is_to_stop();
    case Event::start_game:
      return !cluster_.is_game_up;
    case Event::grace_passes:
      return cluster_.grace_ends() && may_pass(*cluster_.grace_ends());
    case Event::take:
      return process_.can_take(cluster_);
    case Event::hear:
      return process_.can_hear();
    case Event::read:
      return process_.can_read(cluster_);
    case Event::look_at_volume:
      return process_.can_look_at_volume(cluster_);
    case Event::arrive:
      return process_.can_arrive();
    case Event::late_mail:
      return process_.has_late_mail();
    case Event::be_answered:
      return process_.can_be_answered();
    case Event::token_fails:
      return process_.can_fail(cluster_) && may_pass(cluster_.now + kTokenPatience);
    case Event::poll:
      return process_.can_poll();
    case Event::allow:
      return process_.is_alive() && process_.asked() && cluster_.setting.answers;
    case Event::deadline_passes:
      return process_.next_deadline() && may_pass(*process_.next_deadline());
    case Event::revert:
      return cluster_.before.number != cluster_.wanted.number && cluster_.revisions > 1;
    case Event::condemn:
      return !cluster_.condemned;
    case Event::set:
    case Event::expect:
    case Event::crash:
      return process_.is_alive();
    case Event::somebody_undoes:
      return cluster_.has_gameserver && cluster_.gameserver.ops_state != cluster_.ops_state_before;
    case Event::somebody_sets:
    case Event::somebody_deletes:
    case Event::noise:
      return cluster_.has_gameserver;
    case Event::okg_writes:
    case Event::template_changes:
      return cluster_.has_gameserver && cluster_.cache.uid == cluster_.gameserver.uid;
    case Event::somebody_releases:
      return cluster_.has_gameserver && cluster_.gameserver.hooks[kUpdate] == Hook::armed;
    case Event::disconnect:
      return process_.is_linked();
    case Event::lose_patch:
      return process_.can_lose();
    case Event::refuse_patch:
      return process_.can_lose() && process_.can_arrive();
    default:
      return true;
  }
}

void World::happen(Event event) {
  if (story_ != nullptr) story_->push_back(std::string(name_of(event)) + ":");
  if (!comes_by_itself(event)) --(budget_.*account(event));
  const GameServer before = cluster_.gameserver;
  const std::uint16_t pod = cluster_.pod.number;
  do_it(event);
  if (cluster_.pod.number != pod) process_.die();
  const bool is_our_doing = event == Event::arrive && cluster_.setting.view != View::volume;
  if (cluster_.gameserver.version != before.version && !is_our_doing) {
    const bool is_manager = event == Event::okg_writes || event == Event::template_changes;
    process_.judge().changed(before, cluster_.gameserver, is_manager ? Who::manager : Who::somebody,
                             cluster_.now);
  }
  if (story_ == nullptr) return;
  if (const std::string now = describe(cluster_); now != told_) story_->push_back("    " + (told_ = now));
}

void World::do_it(Event event) {
  switch (event) {
    case Event::kruise:
      cluster_.kruise();
      break;
    case Event::okg_to_pod:
      cluster_.okg_to_pod();
      break;
    case Event::okg_to_gameserver:
      cluster_.okg_to_gameserver();
      break;
    case Event::collect:
      cluster_.collect();
      break;
    case Event::create:
      cluster_.create();
      break;
    case Event::replace_sidecar:
      cluster_.replace_sidecar();
      break;
    case Event::stop_game:
      cluster_.stop_game();
      process_.die();
      break;
    case Event::start_game:
      cluster_.start_game();
      process_.start(cluster_);
      break;
    case Event::grace_passes:
      cluster_.now = *cluster_.grace_ends();
      break;
    case Event::take:
      process_.take(cluster_);
      break;
    case Event::hear:
      process_.hear(cluster_.now);
      break;
    case Event::read:
      process_.read(cluster_);
      break;
    case Event::look_at_volume:
      process_.look_at_volume(cluster_);
      break;
    case Event::arrive:
      process_.arrive(cluster_);
      break;
    case Event::late_mail:
      process_.late_mail_arrives(cluster_);
      break;
    case Event::be_answered:
      process_.be_answered(cluster_.now);
      break;
    case Event::token_fails:
      cluster_.now += kTokenPatience;
      process_.lose(base::Code::timeout);
      break;
    case Event::poll:
      process_.poll();
      break;
    case Event::allow:
      process_.allow(cluster_.now);
      break;
    case Event::deadline_passes:
      cluster_.now = std::max(cluster_.now, *process_.next_deadline());
      process_.tick(cluster_.now);
      break;
    default:
      do_what_may_happen(event);
  }
}

void World::do_what_may_happen(Event event) {
  switch (event) {
    case Event::update_sidecar:
      cluster_.wish(kSidecar);
      break;
    case Event::update_game:
      cluster_.wish(kGame);
      break;
    case Event::update_both:
      cluster_.wish(kSidecar | kGame);
      break;
    case Event::revert:
      cluster_.revert();
      break;
    case Event::condemn:
      cluster_.condemn();
      break;
    case Event::set:
    case Event::expect:
      process_.set(next_value_++, event == Event::expect, cluster_.now);
      break;
    case Event::somebody_sets:
      cluster_.set_ops_state(next_value_++, Who::somebody);
      break;
    case Event::somebody_undoes:
      cluster_.set_ops_state(cluster_.ops_state_before, Who::somebody);
      break;
    case Event::okg_writes:
      cluster_.okg_writes(false);
      break;
    case Event::template_changes:
      cluster_.okg_writes(true);
      break;
    case Event::somebody_releases:
      cluster_.set_hook(kUpdate, false, Who::somebody);
      break;
    case Event::crash:
      cluster_.stop_game();
      process_.die();
      break;
    case Event::lose_pod:
      cluster_.lose_pod();
      break;
    case Event::somebody_deletes:
      cluster_.erase();
      break;
    case Event::disconnect:
      process_.disconnect(cluster_.now);
      break;
    case Event::lose_patch:
      process_.lose(base::Code::io);
      break;
    case Event::refuse_patch:
      process_.lose(base::Code::denied);
      break;
    case Event::noise:
      cluster_.gameserver.version = ++cluster_.version;
      break;
    default:
      break;
  }
}

void World::pass(Nanoseconds time) {
  if (!may_pass(cluster_.now + time)) return;
  cluster_.now += time;
  if (const auto deadline = process_.next_deadline(); deadline && *deadline <= cluster_.now)
    process_.tick(cluster_.now);
}

void World::check_quiet() const {
  require(process_.is_alive(), "the process does not start");
  process_.judge().quiet(cluster_, process_.view());
}

}  // namespace okg::controller_model
