// One game server's process with the real Conversation in it, and what carries its words: an adapter's watch,
// reads and patches, each under way for as long as it likes.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "model/controller/judge.hpp"

namespace okg::controller_model {

inline constexpr Nanoseconds kPatience = 60 * kSecond;
inline constexpr Nanoseconds kTokenPatience = 90 * kSecond;
inline constexpr Nanoseconds kWait = 10 * kSecond;  // of who waits for a write

// A patch on its way to the server, or its answer on its way back.
struct Mail {
  enum class Where : std::uint8_t { to_server, taking_effect, to_process };
  Where where = Where::to_server;
  Write write;
  std::optional<GameServer> answer;
  base::Code code = base::Code::ok;
};

class Process {
 public:
  Process(const Setting& setting, std::vector<std::string>* story);

  bool is_alive() const { return conversation_.has_value(); }
  void start(const Cluster& cluster);
  void die();
  void tells_to(std::vector<std::string>* story) { story_ = story; }

  // --- What can happen, and it happening ---
  bool can_take(const Cluster& cluster) const;  // the server sends an event of the watch
  void take(const Cluster& cluster);
  bool can_hear() const { return is_alive() && event_.has_value(); }
  void hear(Nanoseconds now);
  bool can_read(const Cluster& cluster) const;
  void read(const Cluster& cluster);
  bool can_look_at_volume(const Cluster& cluster) const;
  void look_at_volume(const Cluster& cluster);
  void disconnect(Nanoseconds now);
  bool is_linked() const { return is_alive() && linked_; }
  bool can_arrive() const { return mail_ && mail_->where == Mail::Where::to_server; }
  void arrive(Cluster& cluster);  // the patch, at the server
  bool can_be_answered() const;
  void be_answered(Nanoseconds now);
  bool can_fail(const Cluster& cluster) const;  // a token: what it brought about was undone
  bool can_lose() const { return is_alive() && mail_ && mail_->code == base::Code::ok; }
  void lose(base::Code code);  // the patch, or its answer; or the patch is refused
  bool has_late_mail() const { return late_.has_value(); }
  void late_mail_arrives(Cluster& cluster);  // of a process that is dead

  bool can_poll() const { return is_alive() && unheard_ != heard_; }
  void poll() { heard_ = belief_ = unheard_; }
  std::optional<std::uint64_t> asked() const { return asked_; }
  void allow(Nanoseconds now);
  void set(std::uint16_t value, bool with_expect, Nanoseconds now);
  std::optional<Nanoseconds> next_deadline() const;
  void tick(Nanoseconds now);

  Judge& judge() { return judge_; }
  const Judge& judge() const { return judge_; }
  controller::ObjectPtr view() const { return conversation_ ? conversation_->view() : nullptr; }
  void add_to(Digest& digest) const;
  std::uint64_t patches() const { return patches_; }

 private:
  void know(const std::optional<GameServer>& gameserver);
  void show(const Known& known, Nanoseconds now);
  void said(const controller::Sayings& sayings, Nanoseconds now);
  void note(const std::string& line) {
    if (story_ != nullptr) story_->push_back("    " + line);
  }
  controller::Conversation::Clock clock(Nanoseconds now) const { return {now, now}; }
  Pod on_volume(const Pod& pod) const;
  bool is_volume() const { return setting_.view == View::volume; }

  Setting setting_;
  std::vector<std::string>* story_;
  Judge judge_;
  std::optional<controller::Conversation> conversation_;
  bool linked_ = false, wants_read_ = false;
  std::optional<std::optional<GameServer>> event_;  // of the watch, on its way
  std::uint32_t taken_ = 0;                         // up to which version events were sent
  Known known_;                                     // to the adapter
  std::uint32_t newest_ = 0;                        // version that it has known
  std::optional<Mail> mail_, late_;
  std::optional<std::uint64_t> asked_;  // the notice that the game has yet to answer
  std::optional<std::uint16_t> unheard_, heard_;
  std::optional<std::uint16_t> belief_;
  controller::Ticket last_ticket_ = 0;
  std::uint64_t patches_ = 0;
};

// What decides how a conversation goes on (inside.cpp).
void add(const controller::Conversation& conversation, Digest& digest);

}  // namespace okg::controller_model
