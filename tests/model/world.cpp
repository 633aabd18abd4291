#include "model/world.hpp"

#include <algorithm>

namespace okg::model {

using payload::Digest;
using reload::Stage;

namespace {

constexpr Nanoseconds kMillisecond = 1'000'000;
constexpr Nanoseconds kSecond = 1'000'000'000;

}  // namespace

void Reached::add(const Reached& other) {
  steps += other.steps;
  commits += other.commits;
  failed += other.failed;
  superseded += other.superseded;
  rolled_back += other.rolled_back;
  deaths += other.deaths;
  killed_in_carry_out += other.killed_in_carry_out;
  crash_loops += other.crash_loops;
  quiet += other.quiet;
  holds += other.holds;
  refused_asks += other.refused_asks;
  inconsistent += other.inconsistent;
  restores += other.restores;
  exhausted += other.exhausted;
  full_memory += other.full_memory;
}

World::World(std::uint64_t seed, MakeSubject make, bool remember)
    : random_(seed), make_(std::move(make)), remember_(remember), rules_(0) {
  const std::size_t count = chance(0.1) ? 24 : 2 + pick(5);
  for (std::size_t i = 0; i < count; ++i) {
    Payload payload;
    for (int& content : payload.content) content = static_cast<int>(pick(3));
    payload.inode = next_inode_++;
    payload.deadly = chance(0.2);
    payloads_.push_back(payload);
  }
  for (std::size_t i = 0, most = 1 + pick(3); i < most; ++i)
    binaries_.push_back("server-" + std::to_string(i));
  binary_ = binaries_.front();
  probation_ = chance(0.2) ? 0 : 10 * kSecond;
  habits_.fails = chance(0.3) ? 0 : chance(0.5) ? 0.1 : 0.5;
  habits_.kills = chance(0.3) ? 0 : chance(0.5) ? 0.002 : 0.02;
  habits_.publishes = chance(0.5) ? 0.03 : 0.2;
  habits_.asks = chance(0.5) ? 0.02 : 0.15;
  habits_.refuses_commit = chance(0.2) ? 0.95 : 0.2;
  rules_ = Rules(probation_);
  boot();
}

bool World::chance(double probability) {
  return static_cast<double>(random_() >> 11) * 0x1.0p-53 < probability;
}

std::size_t World::pick(std::size_t count) {
  return static_cast<std::size_t>(random_() % count);
}

Digest World::digest(std::size_t index) const {
  Digest digest;
  digest.bytes[0] = static_cast<std::uint8_t>(index);
  digest.bytes[31] = 1;
  return digest;
}

Target World::target(std::size_t index) const {
  return {{digest(index), payloads_[index].copy}, payloads_[index].inode};
}

// ---- Lives

void World::boot() {
  const auto loaded = Guard::parse(rules_.saved().text());
  require(loaded.has_value(), "a saved guard cannot be read again");
  require(same_guard(*loaded, rules_.saved()), "a guard comes back other than it was saved");
  if (loaded->refusals.size() == reload::kMostRefusals) ++reached_.full_memory;
  rules_.start(binary_);
  subject_ = make_({probation_, binary_, [this] { return static_cast<double>(pick(1000)) / 1000; }}, *loaded);
  Caller::Surroundings around;
  around.content = [this](const Digest& digest) { return payloads_[index(digest)].content; };
  around.can_start = [this] { return calm_ || !chance(habits_.no_thread); };
  around.maybe_kill = [this] {
    if (!kill_in_) return;
    if (*kill_in_ == 0) throw Killed{};
    --*kill_in_;
  };
  if (remember_) around.log = [this](const std::string& line) { history_.push_back(line); };
  caller_ = std::make_unique<Caller>(*subject_, rules_, std::move(around));
  told_ = false;
}

void World::die() {
  ++reached_.deaths;
  kill_in_.reset();
  if (chance(habits_.other_binary)) binary_ = binaries_[pick(binaries_.size())];
  if (remember_) history_.push_back("-- killed; next: " + binary_);
  rules_.die();
  boot();
}

void World::run(std::uint64_t steps) {
  reached_.steps += steps;
  for (std::uint64_t i = 0; i < steps; ++i) {
    try {
      step();
    } catch (const Killed&) {
      ++reached_.killed_in_carry_out;
      die();
    }
  }
  reached_.commits += rules_.commits();
  reached_.failed += rules_.ended(reload::End::failed);
  reached_.superseded += rules_.ended(reload::End::superseded);
  reached_.rolled_back += rules_.ended(reload::End::rolled_back);
  reached_.crash_loops += rules_.crash_loops();
  reached_.restores += rules_.restores();
  reached_.exhausted += rules_.exhausted();
}

// ---- Steps

void World::step() {
  if (chance(0.004)) return settle();
  if (chance(habits_.kills)) {
    if (chance(0.5)) return die();
    kill_in_ = static_cast<unsigned>(pick(6));
  }
  const bool deadly_work =
      caller_->worker_busy() && !caller_->verifying() && payloads_[index(caller_->working_on())].deadly;
  const bool deadly_use =
      subject_->phase() == Phase::probation && payloads_[index(subject_->active()->digest())].deadly;
  if ((deadly_work || deadly_use) && chance(0.3)) return die();
  if (!current_ || chance(habits_.publishes)) return publish();
  if (!told_ && chance(0.5)) {
    told_ = true;
    return caller_->found(target(*current_), now_);
  }
  if (chance(habits_.asks)) return operate();
  if (caller_->worker_busy() && chance(0.5)) return work();
  if ((caller_->offered() || caller_->committing()) && chance(0.6)) return poll();
  chance(0.1) ? poll() : pass_time();  // a poll with nothing to do is one, too
}

void World::publish() {
  const std::size_t which = pick(payloads_.size());
  Payload& payload = payloads_[which];
  if (chance(0.1)) {  // a good copy beside a damaged one
    ++payload.copy;
    payload.inode = next_inode_++;
  } else if (chance(0.1)) {  // deleted and published again
    payload.inode = next_inode_++;
  }
  current_ = which;
  told_ = chance(0.7);
  if (told_) caller_->found(target(which), now_);
}

void World::operate() {
  switch (pick(7)) {
    case 0:
      if (told_) caller_->found(target(*current_), now_);  // a trigger too many
      return;
    case 1:
      return caller_->reload(false, now_);
    case 2:
      return caller_->reload(true, now_);
    case 3:
      return caller_->restart(now_);
    case 4:
      return caller_->report_bad(now_);
    default: {
      const auto& good = rules_.memory().last_good;
      const Target to =
          good && chance(0.7) ? Target{good->name, 0} : Target{target(pick(payloads_.size())).name, 0};
      caller_->rollback(to, now_) ? ++reached_.holds : ++reached_.refused_asks;
    }
  }
}

Stage World::stage_of_work() {
  if (!caller_->verifying()) return Stage::prepare;
  return chance(0.3) ? Stage::requirement : Stage::verify;
}

std::optional<Failure> World::failure_of(Stage stage, std::optional<bool> passing) {
  if (!passing) return std::nullopt;
  using base::Code;
  Failure failure{stage, "", *passing ? Code::busy : Code::rejected, "because " + std::to_string(pick(100)),
                  *passing};
  if (stage == Stage::verify && !*passing) failure.code = Code::digest_mismatch;
  if (stage == Stage::requirement) failure.code = Code::requires_unmet;
  if (stage == Stage::commit) failure.component = "c" + std::to_string(pick(kComponents));
  return failure;
}

void World::work() {
  if (!caller_->worker_busy()) return;
  if (chance(0.2)) return caller_->work_begins();
  const auto passing = chance(habits_.fails) ? std::optional(chance(habits_.passes)) : std::nullopt;
  caller_->work_ends(failure_of(stage_of_work(), passing), now_);
}

void World::end_commit(const std::optional<Failure>& failure) {
  if (!failure || caller_->steps() == 0) return caller_->poll_ends(std::nullopt, 0, 0, now_);
  const std::size_t fail_at = pick(caller_->steps());
  unsigned stuck = 0;
  for (std::size_t i = 0; i < fail_at; ++i)
    if (chance(habits_.inconsistent)) stuck |= 1U << i;
  if (stuck != 0) ++reached_.inconsistent;
  caller_->poll_ends(failure, fail_at, stuck, now_);
}

void World::poll() {
  if (caller_->committing()) {
    const auto passing = chance(habits_.fails) ? std::optional(chance(habits_.passes)) : std::nullopt;
    return end_commit(failure_of(Stage::commit, passing));
  }
  if (caller_->offered() && chance(habits_.refuses_commit)) return;  // can_commit says no
  caller_->poll_begins();
}

void World::pass_time() {
  switch (pick(6)) {
    case 0:
      now_ += static_cast<Nanoseconds>(pick(1000)) * kMillisecond;
      break;
    case 1:
      now_ += static_cast<Nanoseconds>(pick(12)) * kSecond;
      break;
    case 2:
      if (chance(0.1)) now_ += 3600 * kSecond;
      break;
    default:
      now_ += static_cast<Nanoseconds>(pick(static_cast<std::size_t>(kMillisecond)));
  }
  const auto deadline = subject_->next_deadline();
  if (deadline && chance(0.2)) now_ = std::max(now_, *deadline);
  if (deadline && now_ >= *deadline) caller_->tick(now_);
}

// Everybody answers, nobody asks: it has to come to rest, and at the right place.
void World::settle() {
  calm_ = true;
  kill_in_.reset();
  if (remember_) history_.push_back("-- the world becomes quiet");
  const bool well = chance(0.6);
  std::map<Digest, std::optional<bool>> fates;
  const auto fate = [&](const Digest& digest) {
    const auto [found, fresh] = fates.try_emplace(digest);
    if (fresh && !well && chance(0.5)) found->second = chance(0.5);
    return found->second;
  };
  int left = 1000;
  for (; left > 0; --left) {
    if (current_ && !told_) {
      told_ = true;
      caller_->found(target(*current_), now_);
    } else if (caller_->worker_busy()) {
      caller_->work_ends(failure_of(stage_of_work(), fate(caller_->working_on())), now_);
    } else if (caller_->committing()) {
      end_commit(well ? std::nullopt : failure_of(Stage::commit, fate(caller_->committing_to())));
    } else if (caller_->offered()) {
      caller_->poll_begins();
    } else if (const auto deadline = subject_->next_deadline(); deadline) {
      now_ = std::max(now_, *deadline);
      caller_->tick(now_);
    } else {
      break;
    }
    now_ += kMillisecond;
  }
  require(left > 0, "the world never becomes quiet");
  rules_.quiet(*subject_);
  ++reached_.quiet;
  reached_.steps += static_cast<std::uint64_t>(1000 - left);
  calm_ = false;
}

}  // namespace okg::model
