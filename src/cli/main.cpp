// The okg program.
#include <unistd.h>

#include <string_view>

#include "cli/command.hpp"

int main(int argc, char** argv) {
  okg::cli::Interrupt interrupt;  // first of all: as PID 1 we have to handle what is to reach us
  const auto environment = okg::base::process_environment();
  const bool colour = !environment("NO_COLOR") && environment("TERM").value_or("dumb") != "dumb";
  okg::cli::Output output(STDOUT_FILENO, STDERR_FILENO, colour);
  okg::cli::Program program{okg::base::Os::real(), environment, output, interrupt, {}, {}};
  return okg::cli::dispatch(program, {argv + (argc > 0 ? 1 : 0), argv + argc});
}
