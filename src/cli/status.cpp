// okg status: what a server is doing.
#include "base/text.hpp"
#include "cli/command.hpp"
#include "cli/places.hpp"
#include "cli/server.hpp"
#include "cli/status_table.hpp"

namespace okg::cli {
namespace {

constexpr std::chrono::milliseconds kBetweenLooks{250};
constexpr char kHome[] = "\x1b[H";        // to the top left
constexpr char kClearBelow[] = "\x1b[J";  // and nothing left of what stood there
constexpr char kClearAll[] = "\x1b[2J";

class StatusCommand final : public Command {
 public:
  const char* name() const override { return "status"; }
  const char* summary() const override {
    return "What a server has in use, wants, and made of the last reload";
  }
  std::vector<const char*> examples() const override { return {"okg status", "okg status --watch --json"}; }
  void define(Arguments& arguments) override {
    arguments.flag("--watch", "show every change until interrupted", &watch_);
  }

  int run(Program& program) override {
    const auto run = run_directory(program);
    if (!run) return program.fail(kUsage, run.error().text);
    auto answer = get_status(*run, kQuestion, program.interrupt.token());
    if (!answer) return fail_unanswered(program, *run, answer.error());
    if (watch_) return watch(program, *run, *std::move(answer));
    print(program, *answer);
    return kDone;
  }

 private:
  static void print(Program& program, const StatusAnswer& answer) {
    if (!program.flags.json) return program.output.result_text(status_table(program.output, answer.status));
    print_json(program, answer);
  }

  // As the server said it, on one line.
  static void print_json(Program& program, const StatusAnswer& answer) {
    const bool one_line = answer.body.find_first_of("\r\n") == answer.body.npos && base::is_utf8(answer.body);
    program.output.result(one_line ? answer.body : base::dump(answer.status.json));
  }

  static int watch(Program& program, const std::string& run, base::Result<StatusAnswer> answer) {
    Output& output = program.output;
    const std::stop_token stop = program.interrupt.token();
    program.interrupt.set_exit_code(kDone);
    const bool redraw = output.result_is_terminal() && !program.flags.json;
    if (redraw) output.result_text(kClearAll);
    std::optional<StatusAnswer> shown;
    bool gone = false;
    while (!stop.stop_requested() && output.result_alive()) {
      if (answer) {
        if (redraw) {
          output.result_text(kHome + cleared(status_table(output, answer->status)) + kClearBelow);
        } else if (gone || !shown || !same_status(shown->status, answer->status)) {
          if (program.flags.json)
            print_json(program, *answer);
          else
            output.result(base::format_time(program.os.realtime_ns()) + "  " + status_line(answer->status));
        }
        shown = *std::move(answer);
        gone = false;
      } else if (!std::exchange(gone, true) && !stop.stop_requested()) {
        const std::string line = socket_path(run) + ": no server answers: waiting for it";
        if (redraw)
          output.result_text(std::string(kHome) + kClearBelow + line + "\n");
        else
          output.complain("status: " + line);
      }
      if (!pause(kBetweenLooks, stop)) break;
      answer = get_status(run, kQuestion, stop);
    }
    return kDone;
  }

  // Each line wipes what an earlier, longer one left behind it.
  static std::string cleared(const std::string& table) {
    std::string out;
    for (const char c : table) out += c == '\n' ? std::string("\x1b[K\n") : std::string(1, c);
    return out;
  }

  bool watch_ = false;
};

}  // namespace

std::unique_ptr<Command> make_status() {
  return std::make_unique<StatusCommand>();
}

}  // namespace okg::cli
