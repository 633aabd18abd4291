#include "model/controller/judge.hpp"

#include "controller/keys.hpp"

namespace okg::controller_model {
namespace {

using base::Code;
using controller::Notice;
using controller::Ticket;
using controller::Value;

constexpr unsigned kMostPatches = 8;
constexpr unsigned kMostTakenBack = 3;
constexpr Nanoseconds kProvable = 60 * kSecond;

Stage preparing(Kind kind) {
  return kind == kUpdate ? Stage::preparing_update : Stage::preparing_delete;
}

std::uint8_t part_of(const std::string& name) {
  return name == "sidecar" ? kSidecar : name == "game" ? kGame : 0;
}

}  // namespace

Write read_patch(const controller::Patch& patch) {
  Write write;
  write.id = patch.id;
  write.based_on = patch.resource_version;
  for (const auto& [field, value] : patch.fields) {
    if (field == controller::kOpsStateField) {
      write.ops_state = ops_state_number(value);
      require(write.ops_state.has_value(), "an opsState was removed");
      continue;
    }
    const bool is_update = field == controller::label_field(controller::keys::kUpdateHook);
    require(is_update || field == controller::label_field(controller::keys::kDeleteHook),
            "an unknown field was written");
    require(value == "true" || value == "false", "a hook is neither armed nor released");
    write.hooks[is_update ? kUpdate : kDeletion] = value == "true";
  }
  return write;
}

void Judge::born(std::uint16_t pod) {
  const Counts counts = counts_;
  *this = Judge(setting_, patience_);
  counts_ = counts;
  is_alive_ = true;
  pod_ = pod;
}

void Judge::shows(const Known& known, Nanoseconds now) {
  stirs();
  if (setting_.view != View::volume && !known.gameserver) {
    sight_.reset();
    return;
  }
  const Sight sight = sight_of(setting_, known);
  if (!is_ours(sight)) {
    sight_.reset();
    return;
  }
  if (sight.version < newest_) return;
  newest_ = sight.version;
  is_stale_ = false;
  sight_ = sight;
  is_behind_ = setting_.view == View::api_and_volume && sight.grace &&
               sight.stage != Stage::preparing_delete && open_ && open_->kind == kUpdate;
  if (is_behind_) sight_->episode = sight_->at_least = sight.grace_episode;
  // The game lived through that: the volume is old.
  if (!open_ && sight.grace_episode != 0 && sight.grace_episode <= told_[kUpdate] &&
      sight.stage == Stage::updating)
    sight_->episode = sight_->at_least = sight.gameserver_episode;
  const bool is_going_on = sight.stage == Stage::updating && !sight.grace;
  if (sight.stage != Stage::none) {
    found_going_on_ = (!has_seen_ || found_going_on_) && is_going_on;
    has_seen_ = true;
  }
  if (open_ && sight.stage == preparing(open_->kind) && sight.hooks[open_->kind] != Hook::armed)
    open_->may_release = true;  // somebody did
  if (owed_ && replaced_ && sight.ops_state == *replaced_ && !owed_was_seen_) {
    owed_was_seen_ = now - arrived_at_ < kProvable;
    if (!owed_was_seen_) owed_.reset();
  }
}

void Judge::allows(std::uint64_t notice) {
  stirs();
  if (open_ && open_->id == notice) open_->may_release = true;
}

void Judge::ticks(Nanoseconds now) {
  stirs();
  if (open_ && open_->deadline != 0 && now >= open_->deadline && !open_->may_release) open_->is_late = true;
}

void Judge::tells(const Notice& notice, Nanoseconds now) {
  require(sight_.has_value(), "a notice although there is no GameServer of ours");
  const Kind kind = notice.kind == Notice::Kind::update ? kUpdate : kDeletion;
  ++counts_.notices[kind][static_cast<std::size_t>(notice.phase)];
  if (notice.phase == Notice::Phase::coming) {
    require(!open_, "a notice was not ended before the next");
    require(notice.id > last_id_, "two notices have the same id");
    const bool is_updating = sight_->stage == Stage::updating || is_behind_;
    require(sight_->stage == preparing(kind) || (kind == kUpdate && is_updating),
            "something is coming that is not");
    require(sight_->episode > told_[kind], "the same update was told of twice");
    require(!found_going_on_, "what the process found going on was told as news");
    const bool was_asked = sight_->stage == preparing(kind) && !is_behind_;
    const bool holds = was_asked && sight_->hooks[kind] == Hook::armed;
    require(notice.waits == holds, "whether it waits is told wrongly");
    check_containers(notice);
    open_ = Open{notice.id,    kind,
                 notice.phase, was_asked && (!holds || !setting_.asks),
                 was_asked,    holds ? now + patience_ : 0};
    last_id_ = notice.id;
    told_[kind] = sight_->at_least;
    return;
  }
  require(open_ && open_->id == notice.id && open_->kind == kind, "a notice that nobody heard of goes on");
  require(!notice.allowed_by_deadline || open_->is_late, "the deadline allowed what was allowed before");
  check_containers(notice);
  if (notice.phase == Notice::Phase::started) {
    require(open_->phase == Notice::Phase::coming, "a notice started twice");
    require(sight_->stage == Stage::updating || is_behind_, "an update started that did not");
    const Episode of_grace = setting_.view == View::volume ? sight_->episode : sight_->grace_episode;
    require(!sight_->grace || open_->was_asked || of_grace != told_[kUpdate],
            "an update started in its grace period");
    open_->phase = notice.phase;
    return;
  }
  if (notice.phase == Notice::Phase::withdrawn)
    require(open_->phase == Notice::Phase::coming, "what had started was withdrawn");
  else
    require(kind == kUpdate, "a deletion was lived through");
  open_.reset();
}

void Judge::check_containers(const Notice& notice) const {
  if (!notice.containers) return;
  std::uint8_t parts = 0;
  for (const auto& [name, image] : *notice.containers) parts |= part_of(name);
  bool is_so = notice.phase != Notice::Phase::coming && open_;  // said before
  for (const std::uint8_t truth : sight_->parts) is_so = is_so || truth == parts;
  require(is_so, "the wrong containers were named");
}

void Judge::sends(const Write& write, Nanoseconds now) {
  require(sight_.has_value(), "a patch of a GameServer that is not ours");
  require(++patches_since_ <= kMostPatches, "patches without end");
  if (setting_.view != View::volume) {
    require(write.based_on == std::to_string(sight_->version), "a patch is not based on what was seen last");
    require(!is_stale_, "a patch is based on what is known to be old");
  }
  if (write.ops_state) {
    sent_basis_ = basis_;
    sent_expect_ = expect_;
  }
  for (const Kind kind : {kUpdate, kDeletion}) {
    if (!write.hooks[kind]) continue;
    require(sight_->hooks[kind] != Hook::none, "a hook was made");
    if (*write.hooks[kind]) {
      require(setting_.view == View::volume || sight_->stage != preparing(kind),
              "a hook was armed while it was asked for");
      continue;
    }
    const bool may = open_ && open_->kind == kind && open_->phase == Notice::Phase::coming &&
                     (open_->may_release || (open_->deadline != 0 && now >= open_->deadline));
    require(may, "a hook was released before it was allowed");
  }
}

void Judge::rests() const {
  if (!sight_) return;
  if (is_behind_ && open_ && open_->kind == kUpdate) return;
  switch (sight_->stage) {
    case Stage::preparing_update:
    case Stage::preparing_delete:
      require(open_ && open_->was_asked && preparing(open_->kind) == sight_->stage &&
                  open_->phase == Notice::Phase::coming,
              "nothing was told of what is asked for");
      break;
    case Stage::updating:
      require(found_going_on_ || (open_ && open_->kind == kUpdate), "nothing was told of an update");
      break;
    case Stage::calm:
      require(!open_, "a notice was not ended");
      break;
    case Stage::none:
      break;
  }
}

void Judge::views(const controller::Object& object) const {
  require(sight_.has_value(), "a GameServer that is not ours was shown");
  require(object.owner_pod_uid.empty() || object.owner_pod_uid == "p" + std::to_string(pod_),
          "a GameServer of a former pod was shown");
}

// ---- opsState

void Judge::sets(std::uint16_t value, std::optional<std::uint16_t> belief, std::optional<Value> expect,
                 Ticket ticket) {
  stirs();
  if (!undecided_ || expect) basis_.clear();
  basis_.insert(belief.value_or(0));
  basis_.insert(own_.begin(), own_.end());
  own_.insert(value);
  wish_ = value;
  expect_ = std::move(expect);
  undecided_ = true;
  newest_ticket_ = ticket;
  tickets_.insert(ticket);
  taken_back_ = written_again_ = 0;
  is_answered_ = false;
  owed_.reset();
}

void Judge::answers(const Write& write) {
  if (!write.ops_state) return;
  if (wish_ == write.ops_state) is_answered_ = true;
  if (arrived_ == write.ops_state && replaced_) replaced_since_ = {*replaced_};
}

void Judge::finishes(Ticket ticket, const std::optional<base::Error>& error) {
  require(tickets_.erase(ticket) == 1, "a ticket was finished twice, or is nobody's");
  if (error && error->code == Code::conflict) ++counts_.conflicts;
  if (ticket != newest_ticket_) return;
  const bool is_conflict = error && error->code == Code::conflict;
  require(!is_conflict || !sight_ || sight_->ops_state != wish_, "a conflict with what was wished");
  if (error && error->code == Code::timeout && !expect_) return;  // it stays, without anybody who waits
  undecided_ = false;
  if (!error) return;
  wish_.reset();
  owed_.reset();
}

void Judge::writes(const GameServer& before, const Write& write, Nanoseconds now) {
  if (!write.ops_state) return;
  const std::uint16_t was = before.ops_state;
  if (was == *write.ops_state) return;
  // Whether there was somebody's value in between, which the controller took back as well, cannot be seen.
  const bool looks_taken_back =
      arrived_ && before.ops_writer == Who::manager && replaced_since_.count(was) != 0;
  const bool may = sent_expect_ ? ops_state_text(was) == *sent_expect_ : sent_basis_.count(was) != 0;
  require(looks_taken_back || may, "an opsState was overwritten that the game had not heard of");
  if (is_answered_ && wish_ == write.ops_state) {
    require(looks_taken_back, "what somebody put back was overwritten again");
    if (now - arrived_at_ > 10 * kProvable) written_again_ = 0;
    require(++written_again_ <= kMostTakenBack, "a fight with the controller");
  }
  replaced_ = was;
  replaced_since_.insert(was);
  arrived_ = *write.ops_state;
  arrived_at_ = now;
  owed_.reset();
}

void Judge::changed(const GameServer& before, const GameServer& after, Who who, Nanoseconds now) {
  stirs();
  if (before.uid != after.uid) {  // it holds nothing of ours
    arrived_.reset();
    replaced_.reset();
    replaced_since_.clear();
    owed_.reset();
    return;
  }
  if (before.ops_state == after.ops_state) return;
  const bool was_ours = before.ops_writer == Who::okg && arrived_ == before.ops_state && wish_ == arrived_;
  owed_.reset();
  if (!is_alive_ || !was_ours || who != Who::manager || replaced_ != after.ops_state) return;
  if (++taken_back_ > kMostTakenBack || now - arrived_at_ >= kProvable) return;
  owed_ = before.ops_state;
  ++counts_.taken_back;
  owed_was_seen_ = false;
}

void Judge::quiet(const Cluster& cluster, const controller::ObjectPtr& view) const {
  require(cluster.is_settled(), "an update or a deletion hangs");
  for (const Kind kind : {kUpdate, kDeletion}) {
    require(cluster.gameserver.hooks[kind] != Hook::released, "a hook was not armed again");
    require(cluster.pod.hooks[kind] == cluster.gameserver.hooks[kind], "pod and GameServer differ");
  }
  require(!open_, "a notice was never ended");
  require(tickets_.empty(), "a ticket was never finished");
  require(!owed_ || cluster.gameserver.ops_state == *owed_,
          "what the controller took back was not written again");
  require(view != nullptr, "the game has never seen its GameServer");
  if (setting_.view != View::volume)
    require(ops_state_number(view->ops_state) == cluster.gameserver.ops_state,
            "the game sees an old opsState");
}

void Judge::count(std::uint64_t (&notices)[2][4], std::uint64_t& conflicts, std::uint64_t& taken_back) const {
  for (std::size_t i = 0; i < 2; ++i)
    for (std::size_t j = 0; j < 4; ++j) notices[i][j] += counts_.notices[i][j];
  conflicts += counts_.conflicts;
  taken_back += counts_.taken_back;
}

void Judge::add_to(Digest& digest) const {
  digest.add(std::uint64_t{is_alive_} | std::uint64_t{is_stale_} << 1 | std::uint64_t{found_going_on_} << 2 |
             std::uint64_t{undecided_} << 3 | std::uint64_t{owed_was_seen_} << 4 |
             std::uint64_t{has_seen_} << 24 | std::uint64_t{is_behind_} << 25 | std::uint64_t{pod_} << 5);
  digest.add(sight_ ? 1 : 0);
  if (sight_) {
    digest.version(sight_->version);
    digest.version(newest_);
    digest.add(static_cast<std::uint64_t>(sight_->stage) | static_cast<std::uint64_t>(sight_->hooks[0]) << 4 |
               static_cast<std::uint64_t>(sight_->hooks[1]) << 8 | std::uint64_t{sight_->episode} << 16 |
               std::uint64_t{sight_->parts[0]} << 32 | std::uint64_t{sight_->parts[1]} << 36 |
               std::uint64_t{sight_->parts[2]} << 40 | std::uint64_t{sight_->ops_state} << 48);
    digest.add(sight_->grace.value_or(0) | std::uint64_t{sight_->uid} << 16 |
               std::uint64_t{sight_->at_least} << 32 | std::uint64_t{sight_->grace_episode} << 48);
  }
  digest.add(open_ ? 1 : 0);
  if (open_) {
    digest.add(static_cast<std::uint64_t>(open_->kind) | static_cast<std::uint64_t>(open_->phase) << 1 |
               std::uint64_t{open_->may_release} << 3 | std::uint64_t{open_->is_late} << 5 |
               std::uint64_t{open_->was_asked} << 4);
    if (open_->deadline != 0 && !open_->may_release) digest.time(open_->deadline);
  }
  digest.add(std::uint64_t{told_[0]} | std::uint64_t{told_[1]} << 16);
  for (const Ticket ticket : tickets_) digest.add(newest_ticket_ - ticket);
  for (const auto* basis : {&basis_, &sent_basis_, &own_, &replaced_since_}) {
    digest.add(basis->size());
    for (const std::uint16_t value : *basis) digest.add(value);
  }
  digest.add(wish_.value_or(99) | std::uint64_t{arrived_.value_or(99)} << 16 |
             std::uint64_t{replaced_.value_or(99)} << 32);
  digest.add(std::uint64_t{is_answered_} | std::uint64_t{written_again_} << 1);
  digest.add(owed_.value_or(99) | std::uint64_t{taken_back_} << 16 |
             std::uint64_t{expect_.has_value()} << 24 | std::uint64_t{sent_expect_.has_value()} << 25);
  if (expect_) digest.add(expect_->value_or(""));
  if (sent_expect_) digest.add(sent_expect_->value_or(""));
  if (arrived_) digest.time(arrived_at_);
}

}  // namespace okg::controller_model
