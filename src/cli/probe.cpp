// okg probe: the server's own health, for the probes of its container, and what it says to OKG without
// rights.
#include <fcntl.h>

#include <cerrno>

#include "base/text.hpp"
#include "base/unique_fd.hpp"
#include "cli/command.hpp"
#include "cli/places.hpp"
#include "cli/server.hpp"
#include "controller/ops_token.hpp"

namespace okg::cli {
namespace {

// A reason is nice to have: a probe has to be done in time.
constexpr std::chrono::milliseconds kReasonInTime{300};

class Probe final : public Command {
 public:
  const char* name() const override { return "probe"; }
  const char* summary() const override {
    return "Is the server alive, is it ready, and what does it say to OKG? For probes";
  }
  std::vector<const char*> examples() const override {
    return {
        "okg probe live", "/okg/payload/bin/okg probe ready      in the game container",
        "/okg/payload/bin/okg probe ops        as a service quality, where there are no rights to the API"};
  }
  void define(Arguments& arguments) override { arguments.positional("WHAT", "live, ready or ops", &what_); }

  int run(Program& program) override {
    if (!what_) return program.fail(kUsage, "WHAT: is needed: live, ready or ops");
    if (*what_ == "ops") return ops(program);
    if (*what_ != "live" && *what_ != "ready")
      return program.fail(kUsage, base::quote(*what_) + ": it is live, ready or ops");
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
  // One token, whatever is there: kruise-daemon takes anything else for a state of the container's. It does
  // not ask the server, which may be stopped while the answer to its update is waited for.
  static int ops(Program& program) {
    const auto token = read_token(program);
    if (!token) program.fail(kDone, token.error().text);
    const std::string text = (token ? *token : controller::OpsToken{}).text();
    if (program.flags.json)
      program.output.result_json(base::OrderedJson{{"ops", text}});
    else
      program.output.result(text);
    return kDone;
  }

  static base::Result<controller::OpsToken> read_token(const Program& program) {
    const auto run = run_directory(program);
    if (!run) return run.error();
    const base::UniqueFd directory(program.os.open(AT_FDCWD, run->c_str(), O_RDONLY | O_DIRECTORY));
    if (!directory) return base::error_from_errno(-directory.get(), "run directory " + *run);
    struct stat there{};
    if (program.os.stat(directory.get(), controller::kOpsTokenFile, &there) == -ENOENT)
      return base::Error(base::Code::not_found, *run + "/" + controller::kOpsTokenFile +
                                                    ": nothing has been said yet: does a server run that has "
                                                    "no rights to the API?");
    return controller::read_ops_token(program.os, directory.get());
  }

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
