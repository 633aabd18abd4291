// What the parts of `okg local` share. Each action returns the exit code.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "cli/command.hpp"
#include "cli/local_gameserver.hpp"

namespace okg::cli {

struct LocalFlags {
  std::vector<std::string> words;  // behind the action
  std::vector<std::string> addresses, containers;
  Value match, grace, timeout, image, faults, restart, conformance;
  bool no_hook = false, remove = false;
};

int local_set(Program& program, const LocalFlags& flags);
int local_allocate(Program& program, const LocalFlags& flags);
int local_kill(Program& program, const LocalFlags& flags);
int local_update(Program& program, const LocalFlags& flags);
int local_run(Program& program, const LocalFlags& flags);

// The GameServer of the run that is meant.
base::Result<std::unique_ptr<LocalGameServer>> open_local(const Program& program, const LocalFlags& flags);

// --faults; none when it is not given.
base::Result<Faults> faults_of(const Program& program, const LocalFlags& flags);

// The container of the game: OKG_CONTAINER_NAME, else "game".
std::string game_container(const Program& program);
// The label of a hook: OKG_UPDATE_HOOK or OKG_DELETE_HOOK, else what OKG's examples have; "" none.
std::string hook_label(const Program& program, const char* variable, const char* otherwise);

// What goes on, step by step: lines for people with the time since the beginning, or one JSON object a line.
class Steps {
 public:
  explicit Steps(const Program& program);
  void say(const char* event, const std::string& text) const;

 private:
  const Program& program_;
  std::int64_t began_ns_;
};

}  // namespace okg::cli
