// An in-place update as Kruise and OpenKruiseGame carry it out: what they write, what they wait for, in their
// order.
#pragma once

#include <chrono>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "cli/local.hpp"

namespace okg::cli {

class LocalUpdate {
 public:
  struct Order {
    std::vector<std::string> containers;  // none: the game's
    std::string image;                    // "": the tag of the one there is, counted up
    std::optional<std::chrono::milliseconds> grace;
    std::chrono::milliseconds timeout{60'000};  // for each thing that is waited for
    bool no_hook = false;
  };
  // What the server did of its own.
  struct Seen {
    bool asked = false, released = false, restarted = false, armed = false;
  };

  LocalUpdate(const Program& program, LocalGameServer& gameserver, Order order);

  // timeout: with what was waited for; everything stays as it is then, and a next update begins anew.
  base::Status run(const std::stop_token& stop);
  const Seen& seen() const { return seen_; }

 private:
  base::Status begin();
  base::Status ask();
  base::Status wait_out_grace();
  base::Status replace();
  base::Status restart_game();
  base::Status finish();

  base::Status write(const base::OrderedJson& patch);
  base::Status write_images();
  bool is_hooked(const controller::Object& object) const;
  bool concerns_game() const;
  base::OrderedJson state_annotation(bool replaced) const;
  base::Error waited(const std::string& what) const;

  const Program& program_;
  LocalGameServer& gameserver_;
  Order order_;
  Steps steps_;
  std::stop_token stop_;
  Seen seen_;
  std::string hook_, revision_, began_, before_;  // before_: the instance that ran
  bool has_hook_ = false, supervised_ = false;
};

// "game:2" of "game:1"; ":2" behind what has no number.
std::string next_image(const std::string& image);

// The containers' statuses with `name` changed by `change`, which gets what stands there, or a new one.
void change_container(base::OrderedJson& gameserver, const std::string& name,
                      const std::function<void(base::OrderedJson& container)>& change);

}  // namespace okg::cli
