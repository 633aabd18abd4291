// Drives a Reloader by hand: events in, and what it asked for as names to answer by.
#pragma once

#include <algorithm>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "reload/reloader.hpp"

namespace okg::reload {

inline constexpr Nanoseconds kSecond = 1'000'000'000;

inline Target payload_of(char letter, unsigned copy = 0, std::uint64_t inode = 0) {
  Target target;
  target.name.digest.bytes.fill(static_cast<std::uint8_t>(letter));
  target.name.copy = copy;
  target.inode = inode == 0 ? static_cast<std::uint64_t>(letter) + copy : inode;
  return target;
}

inline Failure failure_at(Stage stage, base::Code code, bool retriable = false) {
  return {stage, stage == Stage::prepare ? "scripts" : "", code, "a.lua:3: '=' expected", retriable};
}

class Drive {
 public:
  explicit Drive(Guard guard = {}, std::string binary = "2.4", Nanoseconds probation = 10 * kSecond)
      : binary_(std::move(binary)), probation_(probation) {
    start(std::move(guard));
  }

  // SIGKILL, then the next process begins with what was saved.
  void kill(const std::string& next_binary = "") {
    if (!next_binary.empty()) binary_ = next_binary;
    start(*Guard::parse(saved.text()));
  }

  void publish(const Target& target) { take(reloader->desired(target, now)); }
  void pass(Nanoseconds time) {
    now += time;
    take(reloader->tick(now));
  }
  void verified(std::optional<Failure> failure = std::nullopt) {
    take(reloader->verified(*std::exchange(verify, std::nullopt), "v", failure, now));
  }
  void prepared(std::optional<Failure> failure = std::nullopt) {
    take(reloader->prepared(*std::exchange(prepare, std::nullopt), failure, now));
  }
  bool begin() {
    committing = reloader->begin_commit();
    offer.reset();
    return committing.has_value();
  }
  void committed(std::optional<Failure> failure = std::nullopt, bool consistent = true) {
    take(reloader->committed(*std::exchange(committing, std::nullopt), failure, consistent, now));
  }
  bool report_bad() {
    Actions fresh;
    const bool taken = reloader->report_bad("players cannot log in", now, &fresh);
    take(fresh);
    return taken;
  }
  // Everything that is asked for goes well, until nothing is.
  void go_well() {
    while (verify || prepare || offer) {
      if (verify)
        verified();
      else if (prepare)
        prepared();
      else if (begin())
        committed();
    }
  }
  // `target` is published and prepared, and its commit fails.
  void fail_commit(const Target& target, bool consistent = true) {
    publish(target);
    verified();
    prepared();
    begin();
    committed(failure_at(Stage::commit, base::Code::rejected), consistent);
  }
  // `target` is published, taken into use, and good.
  void make_good(const Target& target) {
    publish(target);
    go_well();
    pass(probation_);
  }

  template <class Kind>
  std::size_t count() const {
    return static_cast<std::size_t>(std::count_if(
        actions.begin(), actions.end(), [](const Action& one) { return std::holds_alternative<Kind>(one); }));
  }
  bool in_use(const Target& target) const {
    return reloader->active() && reloader->active()->name == target.name && !reloader->inconsistent();
  }
  bool working_on(const Target& target) const {
    return reloader->working_on() != nullptr && reloader->working_on()->name == target.name;
  }
  bool good(const Target& target) const {
    return reloader->guard().last_good && reloader->guard().last_good->name == target.name;
  }
  bool refused(const Target& target) const { return reloader->refusal(target.digest()) != nullptr; }
  std::vector<Record> ends() const {
    std::vector<Record> records;
    for (const Action& one : actions)
      if (const auto* ended = std::get_if<action::Ended>(&one)) records.push_back(ended->record);
    return records;
  }

  void take(const Actions& fresh) {
    actions.insert(actions.end(), fresh.begin(), fresh.end());
    for (const Action& one : fresh) {
      if (const auto* to_verify = std::get_if<action::Verify>(&one)) verify = to_verify->job;
      if (const auto* to_prepare = std::get_if<action::Prepare>(&one)) {
        prepare = to_prepare->job;
        everything = to_prepare->everything;
      }
      if (const auto* offered = std::get_if<action::Offer>(&one)) {
        offer = offered->job;
        restore = offered->restore;
      }
      if (const auto* cancel = std::get_if<action::Cancel>(&one))
        if (offer == cancel->job) offer.reset();
      if (std::holds_alternative<action::SaveGuard>(one)) saved = reloader->guard();
    }
  }

  std::optional<Reloader> reloader;
  Nanoseconds now = kSecond;
  Guard saved;
  std::vector<Action> actions;  // all of this process
  std::optional<JobId> verify, prepare, offer, committing;
  bool restore = false, everything = false;  // of the newest Offer, of the newest Prepare

 private:
  void start(Guard guard) {
    saved = guard;
    reloader.emplace(ReloaderOptions{probation_, binary_, {}}, std::move(guard));
    actions.clear();
    verify.reset();
    prepare.reset();
    offer.reset();
    committing.reset();
  }

  std::string binary_;
  Nanoseconds probation_;
};

}  // namespace okg::reload
