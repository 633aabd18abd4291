// okg local run: the kubelet of a laptop. Starts a server with all that a container of a pod has, and again
// when it ends.
#include <fcntl.h>

#include <atomic>
#include <csignal>
#include <thread>

#include "base/files.hpp"
#include "base/text.hpp"
#include "cli/child.hpp"
#include "cli/conformance.hpp"
#include "cli/local.hpp"
#include "cli/local_server.hpp"
#include "cli/local_update.hpp"
#include "controller/keys.hpp"

namespace okg::cli {
namespace {

using base::Code;
using base::Error;
using base::OrderedJson;
using std::chrono::milliseconds;
using Clock = std::chrono::steady_clock;
using namespace std::chrono_literals;
namespace keys = controller::keys;

constexpr milliseconds kFirstBackoff = 1s, kLastBackoff = 30s;
constexpr auto kWellAfter = 60s;  // who has run for so long has not crashed at its start
constexpr auto kBetweenRattles = 1s;
constexpr auto kBetweenLooks = 100ms;

struct Places {
  std::string name;
  base::Directories directories;
};

// As the server would choose them itself, by its own name.
base::Result<Places> places_of(const Program& program, const std::string& command) {
  Places places;
  places.name = program.environment("OKG_NAME").value_or(command.substr(command.rfind('/') + 1));
  if (const auto fine = base::check_server_name(places.name); !fine)
    return Error(Code::invalid_argument, "OKG_NAME: " + fine.error().text);
  places.directories = base::default_directories(program.os, program.environment, places.name);
  if (program.flags.run) places.directories.run = *program.flags.run;
  if (program.flags.payload) places.directories.payload = *program.flags.payload;
  const std::string own = base::user_directory(program.os, program.environment) + "/";
  const base::Directories& all = places.directories;
  for (const std::string& directory : {all.run, all.payload, all.hot}) {
    if (directory.starts_with(own)) {
      if (const auto made = base::make_private_directories(program.os, directory); !made) return made.error();
      continue;
    }
    const int made = program.os.mkdir(AT_FDCWD, directory.c_str(), 0755);
    if (made < 0 && made != -EEXIST) return base::error_from_errno(-made, "make " + directory);
  }
  return places;
}

class Supervisor {
 public:
  Supervisor(Program& program, LocalGameServer& gameserver, std::vector<std::string> words,
             std::map<std::string, std::string> variables, bool always, milliseconds grace)
      : program_(program),
        gameserver_(gameserver),
        words_(std::move(words)),
        variables_(std::move(variables)),
        always_(always),
        grace_(grace),
        stop_(program.interrupt.token()) {
    program.interrupt.hand_over([this](int number, bool from_terminal) {
      // What the terminal sent, the server has got itself.
      if (!from_terminal) signal(number);
    });
  }
  ~Supervisor() { program_.interrupt.hand_over(nullptr); }
  Supervisor(const Supervisor&) = delete;
  Supervisor& operator=(const Supervisor&) = delete;

  // As if somebody had sent SIGTERM.
  void finish() {
    finished_ = true;
    signal(SIGTERM);
  }

  // The exit code.
  int run() {
    int last = kDone;
    milliseconds backoff = 0ms;
    for (bool first = true; !stopping(); first = false) {
      if (!wait_out(backoff)) break;
      auto child = Child::start(words_, variables_);
      if (!child) return program_.fail(kUsage, child.error().text);
      const auto began = Clock::now();
      adopt(**child);
      count_start(first, (*child)->pid());
      last = end_of(**child);
      adopt(nullptr);
      say("ended", last, "the server ended with " + std::to_string(last));
      if (stopping() || !always_) break;
      if (is_deleted()) {
        say("deleted", last, "its GameServer was deleted: not started again");
        break;
      }
      if (is_updating() || Clock::now() - began >= kWellAfter)
        backoff = 0ms;
      else
        backoff = std::clamp(backoff * 2, kFirstBackoff, kLastBackoff);
    }
    return last;
  }

 private:
  bool stopping() const { return finished_ || stop_.stop_requested(); }

  bool wait_out(milliseconds backoff) {
    if (backoff == 0ms) return true;
    say("backoff", backoff.count(), "starts again in " + base::format_duration(backoff));
    for (const auto until = Clock::now() + backoff; Clock::now() < until;)
      if (stopping() || !pause(kBetweenLooks, stop_)) return false;
    return true;
  }

  void signal(int number) {
    const std::lock_guard lock(mutex_);
    if (child_ != nullptr)
      child_->signal(number);
    else
      pending_ = number;
  }
  void adopt(Child& child) {
    const std::lock_guard lock(mutex_);
    child_ = &child;
    if (pending_ != 0) child.signal(pending_);
  }
  void adopt(std::nullptr_t) {
    const std::lock_guard lock(mutex_);
    child_ = nullptr;
  }

  int end_of(Child& child) {
    std::optional<Clock::time_point> kill_at;
    for (;;) {
      if (const auto code = child.wait(kBetweenLooks)) return *code;
      if (!stopping()) continue;
      if (!kill_at) kill_at = Clock::now() + grace_;
      if (Clock::now() < *kill_at) continue;
      say("killed", child.pid(),
          "the server has not ended in " + base::format_duration(grace_) + ": SIGKILL");
      child.signal(SIGKILL);
    }
  }

  void count_start(bool first, pid_t pid) {
    say("started", pid, (first ? "started: process " : "started again: process ") + std::to_string(pid));
    if (first) return;
    // A GameServer that was removed meanwhile is not made anew by this.
    (void)gameserver_.edit_surely([&](OrderedJson& json) {
      change_container(json, game_container(program_), [&](OrderedJson& container) {
        container["containerID"] = "local://" + base::make_uuid(program_.os);
        container["restartCount"] = base::get_int(base::Json(container), "restartCount").value_or(0) + 1;
      });
      return base::Status();
    });
  }

  bool is_deleted() const {
    const auto now = gameserver_.read();
    if (!now) return now.error().code == Code::not_found;
    return (*now)->deleting || (*now)->ops_state == keys::kKill;
  }
  bool is_updating() const {
    const auto now = gameserver_.read();
    const std::string* lifecycle = now ? (*now)->label(keys::kLifecycle) : nullptr;
    return lifecycle != nullptr && *lifecycle == "Updating";
  }

  void say(const char* event, std::int64_t number, const std::string& text) const {
    if (!program_.flags.json) return program_.output.complain("local run: " + text);
    program_.output.result_json({{"event", event},
                                 {"at", base::format_time(program_.os.realtime_ns())},
                                 {"number", number},
                                 {"text", text}});
  }

  Program& program_;
  LocalGameServer& gameserver_;
  const std::vector<std::string> words_;
  const std::map<std::string, std::string> variables_;
  const bool always_;
  const milliseconds grace_;
  const std::stop_token stop_;
  std::atomic<bool> finished_{false};
  std::mutex mutex_;
  Child* child_ = nullptr;
  int pending_ = 0;
};

// The GameServer of a pod that has just been started, or is started again. Its uid.
base::Result<std::string> prepare(const Program& program, LocalGameServer& gameserver, bool anew) {
  const auto before = gameserver.read();
  if (!before && before.error().code != Code::not_found) return before.error();
  if (before && (anew || (*before)->deleting || (*before)->ops_state == keys::kKill)) gameserver.remove();
  const auto written = gameserver.edit(
      [&](OrderedJson& json) {
        json.merge_patch({{"status", {{"podStatus", {{"podIP", "127.0.0.1"}}}}}});
        change_container(json, game_container(program), [&](OrderedJson& container) {
          if (container.contains("image")) return;
          const std::string image = gameserver.name() + ":1";
          container["image"] = image;
          container["imageID"] = "local://" + image;
          container["containerID"] = "local://" + base::make_uuid(program.os);
          container["restartCount"] = 0;
        });
        return base::Status();
      },
      program.interrupt.token());
  if (!written) return written.error();
  const auto now = gameserver.read();
  return now ? base::Result<std::string>((*now)->uid) : now.error();
}

}  // namespace

int local_run(Program& program, const LocalFlags& flags) {
  if (flags.words.empty()) return program.fail(kUsage, "CMD: is needed: okg local run -- CMD ARGS…");
  const std::string policy = flags.restart.value_or("always");
  if (policy != "always" && policy != "never")
    return program.fail(kUsage, "--restart " + base::quote(policy) + ": it is always or never");
  if (flags.conformance && policy != "always")
    return program.fail(kUsage, "--restart never: an update of the server is part of --conformance");
  const auto grace = duration_of(flags.grace, "--grace", 30s);
  if (!grace) return program.fail(grace.error());
  const auto timeout = duration_of(flags.timeout, "--timeout", 60s);
  if (!timeout) return program.fail(timeout.error());
  if (flags.timeout && !flags.conformance) return program.fail(kUsage, "--timeout: is for --conformance");
  auto faults = faults_of(program, flags);
  if (!faults) return program.fail(faults.error());
  const auto places = places_of(program, flags.words[0]);
  if (!places) return program.fail(places.error());
  const auto opened =
      LocalGameServer::open(program, places->directories.run, places->name, *std::move(faults));
  if (!opened) return program.fail(opened.error());
  LocalGameServer& gameserver = **opened;
  const auto lock = supervise(program.os, gameserver.directory());
  if (!lock) return program.fail(lock.error());
  std::optional<Conformance> conformance;
  if (flags.conformance) {
    conformance.emplace(program, gameserver, flags.words, *timeout);
    if (const auto fine = conformance->open_report(*flags.conformance); !fine)
      return program.fail(fine.error());
  }
  const auto uid = prepare(program, gameserver, conformance.has_value());
  if (!uid) return program.fail(uid.error());

  Supervisor supervisor(program, gameserver, flags.words,
                        {{"OKG_NAME", places->name},
                         {"OKG_RUN_DIR", places->directories.run},
                         {"OKG_PAYLOAD_DIR", places->directories.payload},
                         {"OKG_HOT_DIR", places->directories.hot},
                         {"OKG_CONTROLLER", "local"},
                         {"OKG_CONTAINER_NAME", game_container(program)},
                         {"OKG_POD_UID", *uid}},
                        policy == "always", *grace);
  std::jthread rattler, judge;
  if (gameserver.faults().garbles())
    rattler = std::jthread([&](const std::stop_token& stop) {
      while (pause(kBetweenRattles, stop)) gameserver.rattle();
    });
  if (conformance)
    judge = std::jthread([&](const std::stop_token& stop) {
      conformance->run(stop);
      supervisor.finish();
    });
  const int code = supervisor.run();
  if (!conformance) return code;
  judge.request_stop();
  judge.join();
  return conformance->report();
}

}  // namespace okg::cli
