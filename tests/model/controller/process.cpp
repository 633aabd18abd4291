#include "model/controller/process.hpp"

#include "controller/keys.hpp"

namespace okg::controller_model {
namespace {

using base::Code;
using base::Error;
using controller::Link;
using controller::Notice;
using controller::Sayings;
namespace keys = controller::keys;
namespace say = controller::say;

constexpr const char* kPhases[] = {"coming", "started", "finished", "withdrawn"};

void apply(const Write& write, Cluster& cluster, Who who) {
  for (const Kind kind : {kUpdate, kDeletion})
    if (write.hooks[kind]) cluster.set_hook(kind, *write.hooks[kind], who);
  if (write.ops_state) cluster.set_ops_state(*write.ops_state, who);
}

bool is_so(const Write& write, const Hook (&hooks)[2]) {
  for (const Kind kind : {kUpdate, kDeletion})
    if (const auto& hook = write.hooks[kind])
      if (hooks[kind] != (*hook ? Hook::armed : Hook::released)) return false;
  return true;
}

std::string describe(const Write& write) {
  std::string out = "based on " + write.based_on + ":";
  if (write.hooks[kUpdate]) out += std::string(" update=") + (*write.hooks[kUpdate] ? "true" : "false");
  if (write.hooks[kDeletion]) out += std::string(" delete=") + (*write.hooks[kDeletion] ? "true" : "false");
  if (write.ops_state) out += " ops=" + ops_state_text(*write.ops_state);
  return out;
}

}  // namespace

Process::Process(const Setting& setting, std::vector<std::string>* story)
    : setting_(setting), story_(story), judge_(setting, kPatience) {}

void Process::start(const Cluster& cluster) {
  controller::ConversationOptions options;
  if (!is_volume()) options.pod_uid = "p" + std::to_string(cluster.pod.number);
  options.handshake.update_hook = keys::kUpdateHook;
  options.handshake.delete_hook = keys::kDeleteHook;
  options.handshake.patience = kPatience;
  conversation_.emplace(options);
  conversation_->asks_before_updates(setting_.asks);
  judge_.born(cluster.pod.number);
  linked_ = wants_read_ = false;
  event_.reset();
  known_ = Known();
  if (setting_.view == View::api_and_volume) known_.pod = on_volume(cluster.pod);  // before anything else
  newest_ = 0;
  asked_.reset();
  unheard_.reset();
  heard_.reset();
  belief_.reset();
}

void Process::die() {
  conversation_.reset();
  judge_.died();
  if (mail_ && mail_->where == Mail::Where::to_server) late_ = mail_;
  mail_.reset();
}

// ---- What it is told

void Process::show(const Known& known, Nanoseconds now) {
  judge_.shows(known, now);
  const bool is_there = known.gameserver || (is_volume() && known.pod);
  said(conversation_->seen(is_there ? make_object(setting_, known) : nullptr, clock(now)), now);
  judge_.rests();
}

bool Process::can_take(const Cluster& cluster) const {
  return is_alive() && !is_volume() && linked_ && !event_ && cluster.version > taken_ &&
         (cluster.has_gameserver ? cluster.gameserver.version > taken_ : true);
}

void Process::take(const Cluster& cluster) {
  event_.emplace();
  if (cluster.has_gameserver) *event_ = cluster.gameserver;
  taken_ = cluster.version;
}

void Process::hear(Nanoseconds now) {
  know(*event_);
  event_.reset();
  show(known_, now);
}

// The newest there is: events of the watch and answers overtake each other.
void Process::know(const std::optional<GameServer>& gameserver) {
  if (gameserver && gameserver->version < newest_) return;
  known_.gameserver = gameserver;
  if (gameserver) newest_ = gameserver->version;
}

void Process::read(const Cluster& cluster) {
  event_.reset();
  wants_read_ = false;
  taken_ = cluster.version;
  know(cluster.has_gameserver ? std::optional(cluster.gameserver) : std::nullopt);
  if (is_volume()) known_.pod = on_volume(cluster.pod);
  show(known_, cluster.now);
  if (linked_) return;
  linked_ = true;
  judge_.stirs();
  said(conversation_->linked(is_volume() ? Link::limited : Link::connected, clock(cluster.now)), cluster.now);
}

void Process::disconnect(Nanoseconds now) {
  linked_ = false;
  event_.reset();
  said(conversation_->linked(Link::connecting, clock(now)), now);
}

// As far as it makes a difference: beside the GameServer only annotations are looked at.
Pod Process::on_volume(const Pod& pod) const {
  if (is_volume()) return pod;
  Pod out;
  out.names_updating = pod.names_updating;
  out.was_updated = pod.was_updated;
  out.updated_at = pod.updated_at;
  out.updated_parts = pod.updated_parts;
  if (pod.was_updated) {
    out.revision = pod.revision;
    out.episode = out.updated_episode = pod.updated_episode;
    out.parts = pod.updated_parts;
  }
  if (pod.life != Life::updating && !pod.grace)
    return out;  // it stays when the pod is to be deleted meanwhile
  out.life = Life::updating;
  out.grace = pod.grace;
  out.episode = pod.episode;
  out.parts = pod.parts;
  return out;
}

// What was missed meanwhile is told by both.
bool Process::can_read(const Cluster& cluster) const {
  if (!is_alive() || (linked_ && !wants_read_)) return false;
  return linked_ || is_volume() || !known_.gameserver || !can_look_at_volume(cluster);
}

bool Process::can_look_at_volume(const Cluster& cluster) const {
  if (!is_alive() || setting_.view == View::api || (is_volume() && !linked_)) return false;
  if (!known_.pod) return true;
  Digest is{cluster.now}, was{cluster.now};
  add(on_volume(cluster.pod), is);
  add(*known_.pod, was);
  return is.end() != was.end();
}

void Process::look_at_volume(const Cluster& cluster) {
  known_.pod = on_volume(cluster.pod);
  if (is_volume() || (linked_ && known_.gameserver)) show(known_, cluster.now);
}

// ---- What it writes

void Process::arrive(Cluster& cluster) {
  Mail& mail = *mail_;
  if (is_volume()) {
    apply(mail.write, cluster, Who::manager);
    mail.where = Mail::Where::taking_effect;
    return;
  }
  mail.where = Mail::Where::to_process;
  if (setting_.forbidden) {
    mail.code = Code::denied;
  } else if (!cluster.has_gameserver) {
    mail.code = Code::not_found;
  } else if (mail.write.based_on != std::to_string(cluster.gameserver.version)) {
    mail.code = Code::conflict;
  } else {
    judge_.writes(cluster.gameserver, mail.write, cluster.now);
    apply(mail.write, cluster, Who::okg);
    mail.answer = cluster.gameserver;
  }
}

void Process::late_mail_arrives(Cluster& cluster) {
  const Write write = late_->write;
  late_.reset();
  if (is_volume())
    apply(write, cluster, Who::manager);
  else if (cluster.has_gameserver && write.based_on == std::to_string(cluster.gameserver.version))
    apply(write, cluster, Who::okg);
}

bool Process::can_be_answered() const {
  if (!mail_ || !is_alive()) return false;
  return mail_->where == Mail::Where::to_process ||
         (mail_->where == Mail::Where::taking_effect && is_so(mail_->write, known_.pod->hooks));
}

bool Process::can_fail(const Cluster& cluster) const {
  return is_alive() && mail_ && mail_->where == Mail::Where::taking_effect && !can_be_answered() &&
         !is_so(mail_->write, cluster.gameserver.hooks);
}

void Process::be_answered(Nanoseconds now) {
  const Mail mail = *std::exchange(mail_, std::nullopt);
  if (mail.code != Code::ok) {
    note("answer: " + std::string(base::code_name(mail.code)));
    judge_.stirs();
    if (mail.code == Code::denied)
      judge_.refuses();
    else
      judge_.fails();
    said(conversation_->patched(mail.write.id, Error(mail.code, "answer"), clock(now)), now);
    judge_.rests();
    return;
  }
  Known answer = known_;
  if (!is_volume()) {
    answer.gameserver = mail.answer;
    know(mail.answer);
  }
  judge_.shows(answer, now);
  judge_.answers(mail.write);
  said(conversation_->patched(mail.write.id, make_object(setting_, answer), clock(now)), now);
  judge_.rests();
}

void Process::lose(Code code) {
  mail_->where = Mail::Where::to_process;
  mail_->code = code;
  mail_->answer.reset();
}

// ---- What the game does

void Process::allow(Nanoseconds now) {
  const std::uint64_t id = *std::exchange(asked_, std::nullopt);
  judge_.allows(id);
  Sayings sayings;
  require(conversation_->allow(id, clock(now), &sayings) == judge_.has_open_notice(),
          "allow() does not know its notice");
  said(sayings, now);
}

void Process::set(std::uint16_t value, bool with_expect, Nanoseconds now) {
  controller::Wish wish;
  wish.field = controller::kOpsStateField;
  wish.value = ops_state_text(value);
  if (with_expect && belief_)
    wish.expect = ops_state_text(*belief_);
  else if (belief_)
    wish.known = {ops_state_text(*belief_)};
  wish.ticket = ++last_ticket_;
  wish.deadline = now + kWait;
  judge_.sets(value, belief_, wish.expect, wish.ticket);
  belief_ = value;
  said(conversation_->set(std::move(wish), clock(now)), now);
}

std::optional<Nanoseconds> Process::next_deadline() const {
  return conversation_ ? conversation_->next_deadline() : std::nullopt;
}

void Process::tick(Nanoseconds now) {
  judge_.ticks(now);
  said(conversation_->tick(clock(now)), now);
}

// ---- What it says

void Process::said(const Sayings& sayings, Nanoseconds now) {
  for (const controller::Saying& saying : sayings) {
    if (const auto* send = std::get_if<say::Send>(&saying)) {
      const Write write = read_patch(send->patch);
      note("sends " + describe(write));
      require(!mail_, "two patches at a time");
      judge_.sends(write, now);
      ++patches_;
      mail_.emplace();
      mail_->write = write;
    } else if (std::holds_alternative<say::Reread>(saying)) {
      wants_read_ = true;
    } else if (const auto* end = std::get_if<say::Finished>(&saying)) {
      note("finishes ticket " + std::to_string(end->ticket) + ": " +
           (end->error ? std::string(base::code_name(end->error->code)) : "ok"));
      judge_.finishes(end->ticket, end->error);
    } else if (const auto* view = std::get_if<say::View>(&saying)) {
      note("shows ops=" + view->object->ops_state.value_or("-"));
      judge_.views(*view->object);
      unheard_ = ops_state_number(view->object->ops_state);
    } else if (const auto* tell = std::get_if<say::Tell>(&saying)) {
      const Notice& notice = tell->notice;
      note("tells " + std::to_string(notice.id) + ' ' +
           (notice.kind == Notice::Kind::update ? "update " : "deletion ") +
           kPhases[static_cast<int>(notice.phase)] + (notice.waits ? " waits" : ""));
      judge_.tells(notice, now);
      if (notice.phase == Notice::Phase::coming && notice.waits) asked_ = notice.id;
      const bool is_over =
          notice.phase == Notice::Phase::finished || notice.phase == Notice::Phase::withdrawn;
      if (is_over && asked_ == notice.id) asked_.reset();
    }
  }
}

}  // namespace okg::controller_model
