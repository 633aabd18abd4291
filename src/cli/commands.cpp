#include <CLI/CLI.hpp>
#include <algorithm>
#include <system_error>

#include "base/text.hpp"
#include "cli/command.hpp"

namespace okg::cli {
namespace {

constexpr char kOverview[] =
    "Hot updates for game servers: packs payloads, publishes them, asks servers.\n"
    "\n"
    "Example:\n"
    "  okg pack payload --version 2.4.1            in the image build\n"
    "  okg publish --from /data                    the sidecar's entry point\n"
    "  okg ready --from /data                      the sidecar's readiness probe\n"
    "  okg run --on-reload CMD -- nginx            a server that cannot be changed\n"
    "  okg status --watch                          what a server is doing\n"
    "  okg rollback                                back to what was good\n"
    "  okg set ops-state Maintaining               tells OpenKruiseGame\n"
    "  okg hot ls                                  what is in shared memory\n"
    "  okg local run -- ./server                   plays OpenKruiseGame on a laptop\n"
    "\n"
    "Results go to stdout, messages to stderr. Exit codes: 0 done, 1 not so or failed, 2 usage or bad "
    "input,\n"
    "69 no server answers, 75 try again.";

// One command with its place in the parser.
struct Entry {
  std::unique_ptr<Command> command;
  CLI::App* app = nullptr;
  std::unique_ptr<Arguments> arguments;
  CommonFlags flags;
  bool version = false;
};

void define_common(Arguments& arguments, CommonFlags& flags) {
  arguments.flag("--json", "print JSON: one object, or one a line for what goes on", &flags.json);
  arguments.value("--run", "DIR", "run directory (OKG_RUN_DIR, /okg/run)", &flags.run);
  arguments.value("--payload", "DIR", "payload volume (OKG_PAYLOAD_DIR, /okg/payload)", &flags.payload);
}

void define(Entry& entry, CLI::App& program) {
  entry.app = program.add_subcommand(entry.command->name(), entry.command->summary());
  entry.app->allow_extras();
  entry.arguments = std::make_unique<Arguments>(*entry.app);
  entry.command->define(*entry.arguments);
  define_common(*entry.arguments, entry.flags);
  // Where --version is the payload's, `okg --version` tells the program's.
  if (entry.app->get_option_no_throw("--version") == nullptr)
    entry.arguments->flag("--version", "print the program's version", &entry.version);
  std::string footer = "Example:";
  for (const char* line : entry.command->examples()) footer += std::string("\n  ") + line;
  entry.app->footer(footer);
}

// Flags may stand before or after the command; twice with different values is a contradiction.
std::string merge(CommonFlags& into, const CommonFlags& from) {
  into.json = into.json || from.json;
  const auto take = [](Value& value, const Value& other, const char* name) -> std::string {
    if (value && other && *value != *other)
      return std::string(name) + ": given twice: " + base::quote(*value) + " and " + base::quote(*other);
    if (other) value = other;
    return {};
  };
  std::string problem = take(into.run, from.run, "--run");
  return problem.empty() ? take(into.payload, from.payload, "--payload") : problem;
}

std::string unknown(const std::vector<std::string>& rest) {
  const std::string& first = rest.front();
  return base::quote(first) + (first.starts_with("-") ? ": unknown flag" : ": not expected here");
}

int print_version(Program& program) {
  if (program.flags.json)
    program.output.result_json(base::OrderedJson{{"okg", OKG_VERSION}});
  else
    program.output.result("okg " OKG_VERSION);
  return kDone;
}

}  // namespace

std::vector<std::unique_ptr<Command>> all_commands() {
  std::vector<std::unique_ptr<Command>> commands;
  commands.push_back(make_pack());
  commands.push_back(make_publish());
  commands.push_back(make_ready());
  commands.push_back(make_run());
  commands.push_back(make_status());
  commands.push_back(make_reload());
  commands.push_back(make_rollback());
  commands.push_back(make_probe());
  commands.push_back(make_set());
  commands.push_back(make_hot());
  commands.push_back(make_local());
  commands.push_back(make_manifest());
  return commands;
}

std::string prefixed(std::string_view command, std::string_view text) {
  const std::string prefix = std::string(command) + ": ";
  return text.starts_with(prefix) ? std::string(text) : prefix + std::string(text);
}

int Program::fail(int code, std::string_view text) const {
  output.complain(command.empty() ? std::string(text) : prefixed(command, text));
  return code;
}

int Program::done() const {
  const int failed = output.result_error();
  if (failed == 0) return kDone;
  return fail(kFailed, "stdout: cannot be written: " + std::generic_category().message(failed));
}

int dispatch(Program& program, std::vector<std::string> arguments) {
  CLI::App app;
  app.name("okg");
  app.allow_extras();
  // One at most: without this CLI11 would read the word after `okg probe` as a command, too.
  app.require_subcommand(0, 1);
  app.set_help_flag("-h,--help", "print this help");
  app.footer(kOverview);
  bool version = false;
  Arguments common(app);
  define_common(common, program.flags);
  common.flag("--version", "print the program's version", &version);

  std::vector<Entry> entries;
  for (auto& command : all_commands()) {
    entries.emplace_back().command = std::move(command);
  }
  for (Entry& entry : entries)
    define(entry, app);  // after the vector stopped growing: the parser keeps pointers

  // CLI11 would hand what stands behind "--" to the program instead of the command.
  const auto mark = std::find(arguments.begin(), arguments.end(), "--");
  std::vector<std::string> rest;
  if (mark != arguments.end()) {
    rest.assign(mark + 1, arguments.end());
    arguments.erase(mark, arguments.end());
  }
  std::string problem;
  try {
    std::reverse(arguments.begin(), arguments.end());  // CLI11 takes them from the back
    app.parse(std::move(arguments));
  } catch (const CLI::CallForHelp&) {
    program.output.result_text(app.help());
    return kDone;
  } catch (const CLI::ParseError& error) {
    problem = base::one_line(error.what());
  }

  Entry* chosen = nullptr;
  for (Entry& entry : entries)
    if (entry.app->parsed()) {
      if (chosen != nullptr) problem = "one command at a time";
      chosen = &entry;
    }
  std::string see = "see okg --help";
  if (chosen != nullptr) {
    program.command = chosen->command->name();
    see = "see okg " + std::string(program.command) + " --help";
  }
  // What was not understood comes first: it explains what is missing elsewhere.
  if (const auto left = app.remaining(); !left.empty())
    problem = chosen == nullptr && !left.front().starts_with("-")
                  ? base::quote(left.front()) + ": no such command"
                  : unknown(left);
  if (chosen != nullptr && !chosen->app->remaining().empty()) problem = unknown(chosen->app->remaining());
  if (problem.empty() && !rest.empty() && (chosen == nullptr || !chosen->arguments->take_rest(rest)))
    problem = base::quote(rest.front()) + ": not expected here";
  if (problem.empty()) problem = common.complaint();
  if (problem.empty() && chosen != nullptr) problem = chosen->arguments->complaint();
  if (problem.empty() && chosen != nullptr) problem = merge(program.flags, chosen->flags);
  if (problem.empty() && (version || (chosen != nullptr && chosen->version))) return print_version(program);
  if (problem.empty() && chosen == nullptr) problem = "no command given";
  if (!problem.empty()) return program.fail(kUsage, problem + ": " + see);
  return chosen->command->run(program);
}

}  // namespace okg::cli
