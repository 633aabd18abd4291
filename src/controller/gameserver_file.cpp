#include "controller/gameserver_file.hpp"

#include <fcntl.h>

#include "base/files.hpp"
#include "base/text.hpp"
#include "controller/keys.hpp"

namespace okg::controller {
namespace {

using base::Code;
using base::Error;
using base::OrderedJson;

constexpr std::size_t kMostBytes = std::size_t{2} << 20;
constexpr char kLockFile[] = ".gameserver.lock";
constexpr int kLockTries = 200, kLockPause = 5;  // a second: an edit takes microseconds

}  // namespace

base::Result<base::UniqueFd> lock_gameserver_file(base::Os& os, int run_directory) {
  base::UniqueFd fd(os.open(run_directory, kLockFile, O_RDWR | O_CREAT | O_NOFOLLOW, 0600));
  if (!fd) return base::error_from_errno(-fd.get(), std::string("open ") + kLockFile);
  for (int i = 0; i < kLockTries; ++i) {
    const int locked = os.lock(fd.get(), true);
    if (locked == 0) return fd;
    if (locked != -EWOULDBLOCK) return base::error_from_errno(-locked, std::string("lock ") + kLockFile);
    os.sleep_ms(kLockPause);
  }
  return Error(Code::busy, std::string(kLockFile) + ": somebody holds it for more than a second");
}

base::Result<std::string> read_gameserver_file(base::Os& os, int run_directory) {
  auto text = base::read_small_file(os, run_directory, kGameServerFile, kMostBytes, kGameServerFile);
  if (!text) return text.error();
  if (const auto fine = base::parse_json_object(*text, kGameServerFile, Code::io, 24); !fine)
    return fine.error();
  return text;
}

std::string fresh_gameserver(base::Os& os, const std::string& name) {
  const OrderedJson address = {{{"ip", "127.0.0.1"}, {"ports", OrderedJson::array()}}};
  OrderedJson out;
  out["apiVersion"] = "game.kruise.io/v1alpha1";
  out["kind"] = "GameServer";
  out["metadata"] = {
      {"name", name},
      {"namespace", "local"},
      {"uid", base::make_uuid(os)},
      {"labels", {{keys::kUpdateHook, "true"}, {keys::kDeleteHook, "true"}, {keys::kLifecycle, "Normal"}}},
      {"annotations", OrderedJson::object()}};
  out["spec"] = {
      {"opsState", keys::kNone}, {"updatePriority", 0}, {"deletionPriority", 0}, {"networkDisabled", false}};
  out["status"] = {{"desiredState", "Ready"},
                   {"currentState", "Ready"},
                   {"networkStatus",
                    {{"networkType", "local"},
                     {"desiredNetworkState", "Ready"},
                     {"currentNetworkState", "Ready"},
                     {"internalAddresses", address},
                     {"externalAddresses", address}}}};
  return base::dump(out, 2) + "\n";
}

base::Result<std::string> edit_gameserver_file(base::Os& os, int run_directory, const std::string& name,
                                               const std::function<base::Status(OrderedJson&)>& change,
                                               const std::optional<std::string>& only_over) {
  const auto locked = lock_gameserver_file(os, run_directory);
  if (!locked) return locked.error();
  Error edited(Code::conflict, std::string(kGameServerFile) + ": was edited meanwhile");
  auto before = read_gameserver_file(os, run_directory);
  const bool is_new = !before && before.error().code == Code::not_found;
  if (!before && !is_new) return before.error();
  if (only_over && (is_new || *before != *only_over)) return edited;
  OrderedJson gameserver = OrderedJson::parse(is_new ? fresh_gameserver(os, name) : *before, nullptr, false);
  if (const auto changed = change(gameserver); !changed) return changed.error();
  std::string after = base::dump(gameserver, 2) + "\n";
  // An editor knows nothing of the lock: what it has written meanwhile is not lost.
  if (const auto again = read_gameserver_file(os, run_directory); !is_new && (!again || *again != *before))
    return edited;
  if (const auto written = base::replace_file(os, run_directory, kGameServerFile, after, 0644); !written)
    return written.error();
  return after;
}

}  // namespace okg::controller
