// okg local: plays OpenKruiseGame, Kruise and the kubelet for a server on a laptop.
#include "cli/local.hpp"

#include <cstdio>

#include "base/text.hpp"
#include "cli/places.hpp"

namespace okg::cli {
namespace {

constexpr char kActions[] = "run, set, allocate, update or kill";

class Local final : public Command {
 public:
  const char* name() const override { return "local"; }
  const char* summary() const override {
    return "Play OpenKruiseGame off-cluster: run, set, allocate, update, kill";
  }
  std::vector<const char*> examples() const override {
    return {"okg local run -- ./server --port 7777               starts it, and again when it ends",
            "okg local allocate --match m-42                     as a match maker, if it is free",
            "okg local set network ready --address 10.0.0.7:7777/UDP",
            "okg local update --image game:2 --grace 10s         an in-place update, step by step",
            "okg local kill                                      deletes the GameServer, as OKG does",
            "okg local run --conformance report.json -- ./server checks what it does against the contract"};
  }
  void define(Arguments& arguments) override {
    arguments.positional("ACTION", kActions, &action_);
    arguments.words(
        "WHAT",
        "run: -- CMD ARGS…; set: ops-state STATE, update-priority N, deletion-priority N, label KEY "
        "VALUE, annotation KEY VALUE, network ready|not-ready",
        &flags_.words);
    arguments.values("--address", "IP:PORT/PROTO", "set network: where players reach it; may be given again",
                     &flags_.addresses);
    arguments.flag("--remove", "set: remove the label or annotation, whose key alone is given",
                   &flags_.remove);
    arguments.value("--match", "ID", "allocate: gs-sync/match-id (made up)", &flags_.match);
    arguments.values("--container", "NAME", "update: one that is replaced (game); may be given again",
                     &flags_.containers);
    arguments.value("--image", "IMAGE", "update: the new image (the tag counted up)", &flags_.image);
    arguments.flag("--no-hook", "update: without asking the server", &flags_.no_hook);
    arguments.value(
        "--grace", "DURATION",
        "update: inPlaceUpdateStrategy.gracePeriodSeconds (none); kill, run: from SIGTERM to SIGKILL "
        "(30s)",
        &flags_.grace);
    arguments.value("--timeout", "DURATION",
                    "update, kill, run --conformance: for each thing waited for (60s)", &flags_.timeout);
    arguments.value("--restart", "POLICY", "run: always or never (always)", &flags_.restart);
    arguments.value("--conformance", "FILE", "run: check the server, write a report in JSON, and end",
                    &flags_.conformance);
    arguments.value("--faults", "SPEC",
                    "set, update, run: drop=0.2,delay=500ms,garble=0.1: what happens to writes on purpose",
                    &flags_.faults);
  }

  int run(Program& program) override {
    if (!action_) return program.fail(kUsage, std::string("ACTION: is needed: ") + kActions);
    struct Action {
      const char *name, *command;
      int (*call)(Program&, const LocalFlags&);
    };
    static constexpr Action kAll[] = {{"run", "local run", local_run},
                                      {"set", "local set", local_set},
                                      {"allocate", "local allocate", local_allocate},
                                      {"update", "local update", local_update},
                                      {"kill", "local kill", local_kill}};
    for (const Action& action : kAll) {
      if (*action_ != action.name) continue;
      program.command = action.command;
      if (const std::string flag = not_for(action.name); !flag.empty())
        return program.fail(kUsage, flag + ": is not for okg " + action.command);
      const bool takes_words = action.call == local_run || action.call == local_set;
      if (!takes_words && !flags_.words.empty())
        return program.fail(kUsage, base::quote(flags_.words[0]) + ": not expected here");
      return action.call(program, flags_);
    }
    return program.fail(kUsage, base::quote(*action_) + ": it is " + kActions);
  }

 private:
  // A flag that was given and that this action does not have; "" none.
  std::string not_for(const std::string& action) const {
    struct Flag {
      const char* name;
      bool given;
      std::string actions;
    };
    const Flag all[] = {{"--address", !flags_.addresses.empty(), "set"},
                        {"--remove", flags_.remove, "set"},
                        {"--match", flags_.match.has_value(), "allocate"},
                        {"--container", !flags_.containers.empty(), "update"},
                        {"--image", flags_.image.has_value(), "update"},
                        {"--no-hook", flags_.no_hook, "update"},
                        {"--grace", flags_.grace.has_value(), "update kill run"},
                        {"--timeout", flags_.timeout.has_value(), "update kill run"},
                        {"--restart", flags_.restart.has_value(), "run"},
                        {"--conformance", flags_.conformance.has_value(), "run"},
                        {"--faults", flags_.faults.has_value(), "set update run"}};
    for (const Flag& flag : all)
      if (flag.given && flag.actions.find(action) == std::string::npos) return flag.name;
    return {};
  }

  Value action_;
  LocalFlags flags_;
};

}  // namespace

std::unique_ptr<Command> make_local() {
  return std::make_unique<Local>();
}

base::Result<std::unique_ptr<LocalGameServer>> open_local(const Program& program, const LocalFlags& flags) {
  auto faults = faults_of(program, flags);
  if (!faults) return faults.error();
  const auto run = run_directory(program);
  if (!run) return run.error();
  return LocalGameServer::open(program, *run, gameserver_name(program, *run), *std::move(faults));
}

base::Result<Faults> faults_of(const Program& program, const LocalFlags& flags) {
  if (!flags.faults) return Faults();
  auto faults = Faults::parse(program.os, *flags.faults);
  if (!faults) return base::Error(faults.error().code, "--faults " + faults.error().text);
  return faults;
}

std::string game_container(const Program& program) {
  return program.environment("OKG_CONTAINER_NAME").value_or("game");
}

std::string hook_label(const Program& program, const char* variable, const char* otherwise) {
  const std::string key = program.environment(variable).value_or(otherwise);
  return key == "-" ? "" : key;
}

Steps::Steps(const Program& program) : program_(program), began_ns_(program.os.monotonic_ns()) {}

void Steps::say(const char* event, const std::string& text) const {
  const std::int64_t ms = (program_.os.monotonic_ns() - began_ns_) / 1'000'000;
  if (program_.flags.json) {
    program_.output.result_json(
        {{"event", event}, {"at", base::format_time(program_.os.realtime_ns())}, {"ms", ms}, {"text", text}});
    return;
  }
  char time[32];
  std::snprintf(time, sizeof time, "%8.3f s  ", static_cast<double>(ms) / 1000);
  program_.output.result(program_.output.paint(Colour::dim, time) + text);
}

}  // namespace okg::cli
