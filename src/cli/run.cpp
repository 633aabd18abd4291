// okg run: PID 1 for a server that cannot be changed, with okg beside it.
#include "base/text.hpp"
#include "cli/command.hpp"
#include "supervisor/supervisor.hpp"

namespace okg::cli {
namespace {

using supervisor::Supervisor;

// The server has our stdout: what we say goes to stderr, whatever the format.
void say(void* user, base::LogLevel level, std::string_view category, std::string_view text) {
  const auto& program = *static_cast<const Program*>(user);
  if (!program.flags.json)
    return program.output.complain("run: " + std::string(category) + ": " + std::string(text));
  program.output.draw(base::dump(base::OrderedJson{{"level", base::log_level_name(level)},
                                                   {"at", base::format_time(program.os.realtime_ns())},
                                                   {"category", category},
                                                   {"text", text}}) +
                      "\n");
}

class Run final : public Command {
 public:
  const char* name() const override { return "run"; }
  const char* summary() const override { return "Run a server that cannot be changed, and hot-update it"; }
  std::vector<const char*> examples() const override {
    return {"okg run --on-reload 'nginx -s reload' -- nginx -g 'daemon off;'",
            "okg run --prepare 'nginx -t' --on-reload 'nginx -s reload' \\",
            "        --confirm 'http:http://127.0.0.1/version={version}' -- nginx -g 'daemon off;'"};
  }
  void define(Arguments& arguments) override {
    arguments.words("SERVER", "-- SERVER ARGS…: it finds the files in use at <run>/active ($OKG_ACTIVE_DIR)",
                    &server_);
    arguments.value("--on-reload", "CMD", "tells the server, once <run>/active leads to the new files",
                    &on_reload_);
    arguments.value("--prepare", "CMD", "tests the new files, $OKG_RELOAD_DIR, before anything moves",
                    &prepare_);
    arguments.value("--confirm", "exit|http:URL[=TEXT]",
                    "what proves the reload: 200 and TEXT, with {version} and {digest} in it (exit)",
                    &confirm_);
    arguments.value("--timeout", "DURATION", "for each CMD, and for the proof (30s)", &timeout_);
    arguments.value("--wait-payload", "DURATION", "for the first payload (60s)", &wait_payload_);
    arguments.value("--quiet-period", "DURATION",
                    "the volume is written in place, as by rsync: reload once nobody has written for so long",
                    &quiet_period_);
  }

  int run(Program& program) override {
    if (server_.empty()) return program.fail(kUsage, "SERVER: is needed: okg run -- SERVER ARGS…");
    supervisor::Options options;
    options.server = server_;
    options.prepare = prepare_.value_or("");
    options.on_reload = on_reload_.value_or("");
    const auto confirmation = supervisor::parse_confirmation(confirm_.value_or("exit"));
    if (!confirmation) return program.fail(kUsage, "--confirm: " + confirmation.error().text);
    options.confirmation = *confirmation;
    const auto timeout = duration_of(timeout_, "--timeout", options.timeout);
    if (!timeout) return program.fail(timeout.error());
    options.timeout = *timeout;
    const auto wait = duration_of(wait_payload_, "--wait-payload", options.wait_payload);
    if (!wait) return program.fail(wait.error());
    options.wait_payload = *wait;
    const auto quiet = duration_of(quiet_period_, "--quiet-period", {});
    if (!quiet) return program.fail(quiet.error());
    if (quiet_period_) options.quiet_period = *quiet;
    options.run_directory = program.flags.run.value_or("");
    options.payload_directory = program.flags.payload.value_or("");
    options.log = say;
    options.log_user = &program;

    Supervisor supervisor(program.os, program.environment, std::move(options));
    program.interrupt.hand_over(
        [&](int number, bool from_terminal) { supervisor.signal(number, from_terminal); });
    const auto end = supervisor.run();
    program.interrupt.hand_over([](int, bool) {});
    return end.error ? program.fail(*end.error) : end.code;
  }

 private:
  std::vector<std::string> server_;
  Value on_reload_, prepare_, confirm_, timeout_, wait_payload_, quiet_period_;
};

}  // namespace

std::unique_ptr<Command> make_run() {
  return std::make_unique<Run>();
}

}  // namespace okg::cli
