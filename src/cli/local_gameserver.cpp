#include "cli/local_gameserver.hpp"

#include <fcntl.h>

#include <cerrno>

#include "base/files.hpp"
#include "base/text.hpp"
#include "cli/places.hpp"
#include "controller/gameserver_file.hpp"
#include "controller/keys.hpp"
#include "controller/object_reader.hpp"

namespace okg::cli {
namespace {

using base::Code;
using base::Error;
using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

constexpr auto kBetweenLooks = 20ms;
constexpr auto kPatience = 2s;  // with whoever writes the file, or edits it by hand
constexpr auto kAgain = 200ms;  // OKG looks again at what it wanted and has not seen
constexpr auto kHalfWritten = 100ms;

}  // namespace

std::string gameserver_name(const Program& program, const std::string& run) {
  if (auto name = program.environment("OKG_NAME")) return *name;
  const std::string home = base::user_directory(program.os, program.environment) + "/";
  if (!run.starts_with(home)) return "server";
  return run.substr(home.size(), run.find('/', home.size()) - home.size());
}

base::OrderedJson lifecycle_patch(const std::string& lifecycle, const std::string& state) {
  return {{"metadata",
           {{"labels", {{controller::keys::kLifecycle, lifecycle}, {controller::keys::kState, state}}}}},
          {"status", {{"currentState", state}}}};
}

base::Result<std::unique_ptr<LocalGameServer>> LocalGameServer::open(const Program& program,
                                                                     const std::string& run,
                                                                     const std::string& name, Faults faults) {
  make_run_directory(program, run);
  base::UniqueFd directory(program.os.open(AT_FDCWD, run.c_str(), O_RDONLY | O_DIRECTORY));
  if (directory.get() == -ENOENT)
    return Error(Code::invalid_argument, run + ": is not there: make it, or is --run right?");
  if (!directory) return base::error_from_errno(-directory.get(), "run directory " + run);
  return std::unique_ptr<LocalGameServer>(
      new LocalGameServer(program.os, program.output, run, name, std::move(directory), std::move(faults)));
}

base::Result<controller::ObjectPtr> LocalGameServer::read() const {
  const auto deadline = Clock::now() + 1s;
  for (;;) {
    const auto text = controller::read_gameserver_file(os_, directory_.get());
    if (text) return controller::read_object(*text);
    if (text.error().code != Code::io || Clock::now() > deadline)
      return Error(text.error().code, run_ + "/" + text.error().text +
                                          (text.error().code == Code::io ? ": mend it, or remove it" : ""));
    os_.sleep_ms(static_cast<int>(kBetweenLooks.count()));
  }
}

base::Status LocalGameServer::edit(const Change& change, std::stop_token stop) {
  Error stopped(Code::superseded, "interrupted");
  while (faults_.is_lost()) {
    output_.complain("local: faults: a write is lost");
    if (!pause(kAgain, stop)) return stopped;
  }
  if (const auto late = faults_.lateness(); late.count() > 0) {
    output_.complain("local: faults: a write comes " + base::format_duration(late) + " late");
    if (!pause(late, stop)) return stopped;
  }
  const bool garbled = faults_.is_garbled();
  if (garbled) output_.complain("local: faults: a write is garbled first");
  return write(change, garbled);
}

base::Status LocalGameServer::edit_surely(const Change& change) {
  struct stat there{};
  if (os_.stat(directory_.get(), controller::kGameServerFile, &there) == -ENOENT)
    return Error(Code::not_found, run_ + "/" + controller::kGameServerFile + ": is not there");
  return write(change, false);
}

base::Status LocalGameServer::write(const Change& change, bool garbled) {
  const auto deadline = Clock::now() + kPatience;
  for (;;) {
    if (garbled) {
      // The server waits with its own writes until what is right is there again; what it reads meanwhile is
      // what was to be tried.
      const auto locked = controller::lock_gameserver_file(os_, directory_.get());
      const auto text = controller::read_gameserver_file(os_, directory_.get());
      if (locked && text) {
        const base::UniqueFd file(
            os_.open(directory_.get(), controller::kGameServerFile, O_WRONLY | O_TRUNC | O_NOFOLLOW));
        if (file) (void)base::write_all(os_, file.get(), faults_.garbled(*text), controller::kGameServerFile);
        os_.sleep_ms(static_cast<int>(kHalfWritten.count()));
        if (const auto mended =
                base::replace_file(os_, directory_.get(), controller::kGameServerFile, *text, 0644);
            !mended)
          return mended;
      }
    }
    garbled = false;
    const auto written = controller::edit_gameserver_file(os_, directory_.get(), name_, change);
    if (written) return {};
    const Code code = written.error().code;
    const bool may_pass = code == Code::conflict || code == Code::busy || code == Code::io;
    if (!may_pass || Clock::now() > deadline) return written.error();
    os_.sleep_ms(static_cast<int>(kBetweenLooks.count()));
  }
}

bool LocalGameServer::wait(const std::function<bool(const controller::Object&)>& wanted,
                           std::chrono::milliseconds at_most, const std::stop_token& stop) const {
  const auto deadline = Clock::now() + at_most;
  do {
    const auto now = read();
    if (now && wanted(**now)) return true;
    if (Clock::now() >= deadline) return false;
  } while (pause(kBetweenLooks, stop));
  return false;
}

void LocalGameServer::rattle() {
  if (faults_.is_garbled()) (void)write([](base::OrderedJson&) { return base::Status(); }, true);
}

void LocalGameServer::remove() const {
  os_.unlink(directory_.get(), controller::kGameServerFile, false);
}

}  // namespace okg::cli
