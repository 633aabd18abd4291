// okg set: has the server write to its own GameServer, by whichever way it talks to OKG.
#include <algorithm>

#include "base/text.hpp"
#include "cli/command.hpp"
#include "cli/places.hpp"
#include "cli/server.hpp"
#include "cli/setting.hpp"

namespace okg::cli {
namespace {

using std::chrono::milliseconds;
using Clock = std::chrono::steady_clock;
using namespace std::chrono_literals;

constexpr milliseconds kDefaultWait = 10s;
constexpr milliseconds kBetweenLooks{50};

class Set final : public Command {
 public:
  const char* name() const override { return "set"; }
  const char* summary() const override {
    return "Have the server set opsState, a priority, a label or an annotation of its GameServer";
  }
  std::vector<const char*> examples() const override {
    return {"okg set ops-state Maintaining", "okg set deletion-priority 10 --wait 30s",
            "okg set label gs-sync/map dust-2", "okg set annotation gs-sync/motd --remove"};
  }
  void define(Arguments& arguments) override {
    arguments.words("WHAT",
                    "ops-state STATE, update-priority N, deletion-priority N, label KEY VALUE or annotation "
                    "KEY VALUE",
                    &words_);
    arguments.flag("--remove", "remove the label or annotation: its key alone is given", &remove_);
    arguments.value("--wait", "DURATION", "until the GameServer shows it (10s); 75 when it does not", &wait_);
  }

  int run(Program& program) override {
    const auto setting = parse_setting(words_, remove_);
    if (!setting) return program.fail(kUsage, setting.error().text);
    const auto wait = duration_of(wait_, "--wait", kDefaultWait);
    if (!wait) return program.fail(kUsage, wait.error().text);
    const auto run = run_directory(program);
    if (!run) return program.fail(kUsage, run.error().text);
    const auto deadline = Clock::now() + *wait;
    control::Request post;
    post.method = "POST";
    post.target = "/v1/gameserver";
    post.headers["X-OKG-Request"] = "1";
    post.headers["Content-Type"] = "application/json";
    post.body = base::dump(to_body(*setting));
    const auto response = control::ask_socket(*run, post, kQuestion, program.interrupt.token());
    if (!response) return fail_unanswered(program, *run, response.error());
    if (response->status != 202) return refused(program, *response, *setting);
    return follow(program, *run, *setting, *response, deadline);
  }

 private:
  static int refused(const Program& program, const control::Response& response, const Setting& setting) {
    const int status = response.status;
    const int code = status == 400 ? kUsage : status == 429 || status == 503 ? kTryAgain : kFailed;
    std::string text = error_text(response);
    if (status == 404) text = "this server has no such route: its okg is older than this one";
    return end(program, setting, code, "refused", text);
  }

  static int end(const Program& program, const Setting& setting, int code, const std::string& result,
                 const std::string& text) {
    if (program.flags.json) {
      base::OrderedJson json{{"result", result}, {"field", setting.field}};
      json["value"] = setting.value ? base::OrderedJson(*setting.value) : base::OrderedJson(nullptr);
      json["text"] = text.empty() ? base::OrderedJson(nullptr) : base::OrderedJson(text);
      program.output.result_json(json);
    } else if (code == kDone) {
      program.output.result(program.output.paint(Colour::good, result) + ": " + setting.text());
    }
    if (code != kDone)
      program.fail(code, text.starts_with(setting.field) ? text : setting.text() + ": " + text);
    return code;
  }

  // Is it there? What the status does not show (labels, annotations), its record of the write tells.
  static bool shows(const ControllerStatus& controller, const Setting& setting) {
    if (setting.field == controller::kOpsStateField) return controller.ops_state == setting.value;
    if (setting.field == controller::kUpdatePriorityField) return controller.update_priority == setting.value;
    if (setting.field == controller::kDeletionPriorityField)
      return controller.deletion_priority == setting.value;
    return false;
  }

  static int follow(const Program& program, const std::string& run, const Setting& setting,
                    const control::Response& accepted, Clock::time_point deadline) {
    const auto body = base::parse_json_object(accepted.body, "answer", base::Code::io);
    const auto number = body ? base::get_uint(*body, "write") : std::nullopt;
    if (!number)
      return program.fail(kFailed, socket_path(run) + ": is no answer of an okg server: see okg status");
    const std::stop_token stop = program.interrupt.token();
    std::string waits_for = "the controller has not answered yet";
    for (;;) {
      const auto answer = get_status(run, kQuestion, stop);
      if (stop.stop_requested()) return program.fail(kTryAgain, "interrupted: see okg status");
      if (!answer) return fail_unanswered(program, run, answer.error());
      const ControllerStatus controller = answer->status.controller.value_or(ControllerStatus{});
      const auto own = std::find_if(controller.writes.begin(), controller.writes.end(),
                                    [&](const WriteStatus& write) { return write.write == *number; });
      const std::string result = own == controller.writes.end() ? "" : own->result;
      if (result == "written" || shows(controller, setting)) return end(program, setting, kDone, "set", "");
      if (result == "timeout")
        waits_for = own->text;
      else if (!result.empty() && result != "pending")
        return end(program, setting, kFailed, result, own->text);
      else if (!controller.trouble.empty())
        waits_for = controller.trouble;
      if (Clock::now() >= deadline) break;
      if (!pause(kBetweenLooks, stop)) continue;
    }
    return end(program, setting, kTryAgain, "pending", waits_for + ": it may still come: see okg status");
  }

  std::vector<std::string> words_;
  bool remove_ = false;
  Value wait_;
};

}  // namespace

std::unique_ptr<Command> make_set() {
  return std::make_unique<Set>();
}

}  // namespace okg::cli
