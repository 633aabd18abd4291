// okg probe: the server's own health, for the probes of its container.
#include "base/text.hpp"
#include "cli/command.hpp"
#include "cli/places.hpp"
#include "cli/server.hpp"

namespace okg::cli {
namespace {

// A reason is nice to have: a probe has to be done in time.
constexpr std::chrono::milliseconds kReasonInTime{300};

class Probe final : public Command {
 public:
  const char* name() const override { return "probe"; }
  const char* summary() const override {
    return "Is the server alive, is it ready? For a container's probes";
  }
  std::vector<const char*> examples() const override {
    return {"okg probe live", "/okg/payload/bin/okg probe ready      in the game container"};
  }
  void define(Arguments& arguments) override { arguments.positional("WHAT", "live or ready", &what_); }

  int run(Program& program) override {
    if (!what_) return program.fail(kUsage, "WHAT: is needed: live or ready");
    if (*what_ != "live" && *what_ != "ready")
      return program.fail(kUsage, base::quote(*what_) + ": it is live or ready");
    const auto run = run_directory(program);
    if (!run) return program.fail(kUsage, run.error().text);
    const std::stop_token stop = program.interrupt.token();
    const auto response = get(*run, *what_ == "live" ? "/livez" : "/readyz", kQuestion, stop);
    if (!response) return fail_unanswered(program, *run, response.error());
    const bool yes = response->status == 200;
    std::string line = yes ? *what_ : "not " + *what_;
    // 503 comes with an empty body; the status knows why.
    if (!yes) {
      if (response->status != 503) line += ": " + error_text(*response);
      if (const auto answer = get_status(*run, kReasonInTime, stop)) line += ": " + why(answer->status);
    }
    if (program.flags.json)
      program.output.result_json(base::OrderedJson{{*what_, yes}, {"text", line}});
    else
      program.output.result(line);
    return yes ? kDone : kFailed;
  }

 private:
  static std::string why(const ServerStatus& status) {
    std::string out = "the server is " + status.state;
    if (!status.not_ready_reason.empty()) out += ", " + status.not_ready_reason;
    if (status.tick_age_ms)
      out += ", last poll " + base::format_duration(std::chrono::milliseconds(*status.tick_age_ms)) + " ago";
    return out;
  }

  Value what_;
};

}  // namespace

std::unique_ptr<Command> make_probe() {
  return std::make_unique<Probe>();
}

}  // namespace okg::cli
