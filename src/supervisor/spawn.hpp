// A program that is started as a shell or a kubelet would.
#pragma once

#include <sys/types.h>

#include <map>
#include <string>
#include <vector>

#include "base/error.hpp"

namespace okg::supervisor {

// Its file, looked for in PATH where no '/' is in it. not_found.
base::Result<std::string> find_program(const std::string& name);

struct Spawn {
  std::vector<std::string> words;                // the first is looked for in PATH
  std::map<std::string, std::string> variables;  // put over our environment
  int output = -1;                               // its stdout and stderr; -1: ours
  // It leads a process group, so that all it starts can be ended with it.
  bool leads_group = false;
  // It gets SIGTERM should the calling thread end.
  bool follows_us = false;
};

// Starts it with our input and directory, and with signals as a shell leaves them. not_found, denied: there
// is no such program. Nobody else may wait for children meanwhile.
base::Result<pid_t> spawn(const Spawn& what);

// What waitpid() said, as a shell tells it: 128 + N for signal N.
int exit_code_of(int status);

}  // namespace okg::supervisor
