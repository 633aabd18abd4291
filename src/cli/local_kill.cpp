// okg local kill: from opsState Kill to a pod that is gone, as OpenKruiseGame, Kruise and the kubelet do it.
#include "base/text.hpp"
#include "cli/local.hpp"
#include "cli/local_server.hpp"
#include "controller/keys.hpp"

namespace okg::cli {
namespace {

using base::OrderedJson;
using namespace std::chrono_literals;
namespace keys = controller::keys;

}  // namespace

int local_kill(Program& program, const LocalFlags& flags) {
  const auto grace = duration_of(flags.grace, "--grace", 30s);
  if (!grace) return program.fail(grace.error());
  const auto timeout = duration_of(flags.timeout, "--timeout", 60s);
  if (!timeout) return program.fail(timeout.error());
  const auto opened = open_local(program, flags);
  if (!opened) return program.fail(opened.error());
  LocalGameServer& gameserver = **opened;
  const std::stop_token stop = program.interrupt.token();
  const Steps steps(program);
  const auto patch = [&](const OrderedJson& change) {
    return gameserver.edit_surely([&](OrderedJson& json) {
      json.merge_patch(change);
      return base::Status();
    });
  };

  if (const auto set = patch({{"spec", {{"opsState", keys::kKill}}}}); !set) return program.fail(set.error());
  steps.say("kill", "opsState Kill");
  const auto server = LocalServer::find(program.os, gameserver.directory());
  const auto is_gone = [&] { return !server || !server->is_alive(); };

  // Without a server nobody could release it; Kruise would wait for ever.
  const std::string hook = hook_label(program, "OKG_DELETE_HOOK", keys::kDeleteHook);
  const auto now = gameserver.read();
  if (!now) return program.fail(now.error());
  const auto is_armed = [&](const controller::Object& object) {
    const std::string* label = hook.empty() ? nullptr : object.label(hook);
    return label != nullptr && *label == "true";
  };
  if (is_armed(**now) && !is_gone()) {
    if (const auto set = patch(lifecycle_patch("PreparingDelete", "PreDelete")); !set)
      return program.fail(set.error());
    steps.say("preparing", "PreparingDelete: waits for " + hook + " to be released");
    const bool released = gameserver.wait(
        [&](const controller::Object& object) { return !is_armed(object) || is_gone(); }, *timeout, stop);
    if (!released)
      return program.fail(kTryAgain, stop.stop_requested() ? std::string("interrupted")
                                                           : "the server has not released " + hook + " in " +
                                                                 base::format_duration(*timeout));
    if (!is_gone()) steps.say("released", hook + " is released");
  }
  if (const auto set =
          patch({{"metadata", {{"deletionTimestamp", base::format_time(program.os.realtime_ns())}}},
                 {"status", {{"currentState", "Deleting"}}}});
      !set)
    return program.fail(set.error());
  bool killed = false;
  if (!is_gone()) {
    steps.say("stopping", "SIGTERM to process " + std::to_string(server->pid()));
    if (!server->end(*grace, stop, &killed)) {
      if (stop.stop_requested()) return program.fail(kTryAgain, "interrupted");
      return program.fail(kFailed, "process " + std::to_string(server->pid()) + ": cannot be ended");
    }
  }
  gameserver.remove();
  steps.say("gone",
            !server  ? "no server had run here; the GameServer is gone"
            : killed ? "ended by SIGKILL after " + base::format_duration(*grace) + "; the GameServer is gone"
                     : "the server has ended; the GameServer is gone");
  return kDone;
}

}  // namespace okg::cli
