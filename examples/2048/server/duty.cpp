// SPDX-License-Identifier: Apache-2.0
#include "duty.hpp"

#include <string>
#include <utility>

namespace game2048 {
namespace {

constexpr auto patience = std::chrono::seconds(30);

std::string describe(const okg::UpdateNotice& notice) {
  std::string text = notice.kind == okg::UpdateNotice::Kind::update ? "update" : "deletion";
  constexpr const char* phases[] = {" is coming", " has begun", " is over", " was withdrawn"};
  text += phases[static_cast<int>(notice.phase)];
  if (!notice.containers) return text;
  for (const auto& container : *notice.containers)
    text += ", " + container.name + (container.image.empty() ? "" : " to " + container.image);
  return text;
}

}  // namespace

Duty::Duty(okg::GameServer& server, World world) : server_(server), world_(std::move(world)) {
  server_.on_update([this](const okg::UpdateNotice& notice) { update(notice); });
  server_.on_kill([this](std::string_view why) {
    world_.log("ending: " + std::string(why));
    world_.stop();
  });
  server_.on_ops_state([this](std::string_view state, std::string_view before) {
    if (state == okg::ops_state::allocated) busy_at_ = std::chrono::steady_clock::now();
    world_.log("opsState " + std::string(before) + " -> " + std::string(state) + ", set by the controller");
  });
}

// Boards are kept with every move. What is still to be sent to the database goes first: it would wait for the
// next process otherwise.
void Duty::update(const okg::UpdateNotice& notice) {
  world_.log(describe(notice));
  if (notice.phase == okg::UpdateNotice::Phase::coming && notice.waits)
    waiting_ = notice.id;
  else
    waiting_.reset();
}

void Duty::tick(std::size_t players) {
  if (waiting_ && world_.is_saved()) {
    if (const auto allowed = server_.allow_update(*waiting_); !allowed) world_.log(allowed.error().text);
    waiting_.reset();
  }
  const auto time = std::chrono::steady_clock::now();
  if (players > 0) busy_at_ = time;
  if (is_writing_) return;
  const auto now = server_.snapshot();
  const std::string_view state = now.ops_state();
  const char* wanted = players > 0 ? okg::ops_state::allocated : okg::ops_state::none;
  if (!now || state == wanted || (state != okg::ops_state::none && state != okg::ops_state::allocated))
    return;
  if (players == 0 && time - busy_at_ < patience) return;
  is_writing_ = true;
  // A conflict means that somebody has decided otherwise meanwhile: the next tick looks again.
  const auto set =
      server_.set_ops_state(wanted, {.written = [this](const okg::Result<void>&) { is_writing_ = false; }});
  if (!set) is_writing_ = false;
}

}  // namespace game2048
