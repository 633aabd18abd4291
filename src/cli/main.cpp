// The okg program.
#include <unistd.h>

#include <string_view>

#include "cli/command.hpp"

namespace {

// `okg run`, whatever flags stand before the command. Known before anything is parsed: a signal may come at
// once.
bool runs_a_server(int argc, char** argv) {
  for (int i = 1; i < argc; ++i) {
    const std::string_view word = argv[i];
    if (!word.starts_with("-")) return word == "run";
    if (word == "--run" || word == "--payload") ++i;
  }
  return false;
}

}  // namespace

int main(int argc, char** argv) {
  using okg::cli::Interrupt;
  // First of all: as PID 1 we have to handle what is to reach us, or the server.
  Interrupt interrupt(runs_a_server(argc, argv) ? Interrupt::Takes::everything : Interrupt::Takes::end);
  const auto environment = okg::base::process_environment();
  const bool colour = !environment("NO_COLOR") && environment("TERM").value_or("dumb") != "dumb";
  okg::cli::Output output(STDOUT_FILENO, STDERR_FILENO, colour);
  okg::cli::Program program{okg::base::Os::real(), environment, output, interrupt, {}, {}};
  return okg::cli::dispatch(program, {argv + (argc > 0 ? 1 : 0), argv + argc});
}
