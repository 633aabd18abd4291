// What a subcommand is, and what it gets to work with. A new one: a file with a class, a make_…() here and a
// line in commands.cpp.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/environment.hpp"
#include "base/os.hpp"
#include "cli/arguments.hpp"
#include "cli/exit_codes.hpp"
#include "cli/interrupt.hpp"
#include "cli/output.hpp"

namespace okg::cli {

// The flags that every command has.
struct CommonFlags {
  bool json = false;
  Value run;
  Value payload;
};

struct Program {
  base::Os& os;
  base::Environment environment;
  Output& output;
  Interrupt& interrupt;
  CommonFlags flags;
  std::string_view command;  // the name of the one that runs

  // "okg: <command>: text" on stderr; returns `code`.
  int fail(int code, std::string_view text) const;
  // kDone if all of the result could be written, else kFailed with a line why: for what a script goes on
  // with.
  int done() const;
  int fail(const base::Error& error) const { return fail(cli::exit_code(error.code), error.text); }
};

// "<command>: text"; rooms that are named like a command say so themselves.
std::string prefixed(std::string_view command, std::string_view text);

class Command {
 public:
  virtual ~Command() = default;
  virtual const char* name() const = 0;
  virtual const char* summary() const = 0;
  // Lines shown under "Example:", without indentation.
  virtual std::vector<const char*> examples() const = 0;
  virtual void define(Arguments& arguments) = 0;
  // The exit code. Called once, after a successful parse.
  virtual int run(Program& program) = 0;
};

std::unique_ptr<Command> make_pack();
std::unique_ptr<Command> make_publish();
std::unique_ptr<Command> make_ready();
std::unique_ptr<Command> make_run();
std::unique_ptr<Command> make_status();
std::unique_ptr<Command> make_reload();
std::unique_ptr<Command> make_rollback();
std::unique_ptr<Command> make_probe();
std::unique_ptr<Command> make_set();
std::unique_ptr<Command> make_hot();
std::unique_ptr<Command> make_local();
std::unique_ptr<Command> make_manifest();

// All of them, in the order in which the overview shows them.
std::vector<std::unique_ptr<Command>> all_commands();

// Parses, answers --help and --version, runs. The exit code of the process.
int dispatch(Program& program, std::vector<std::string> arguments);

}  // namespace okg::cli
