// A set of files as a game server reads it on a reload, okg's and the peers' alike: what is on the disk right
// now, and whether it belongs together.
#pragma once

#include <cstdint>
#include <string>

namespace okg::benchmarks {

// The files are f00000.lua to f<count - 1>.lua; each begins with "generation <decimal>\n".
struct Set {
  enum class Change {
    all,  // each publish raises the generation of all files
    one,  // publish G gives generation G to file G modulo count, and leaves the others alone
  };
  unsigned count = 1;
  unsigned step = 1;        // reads every step-th file only; with Change::all
  std::uint64_t bytes = 0;  // of each file; 0: any
  Change change = Change::all;
};

struct Load {
  std::int64_t began_ns = 0;  // CLOCK_MONOTONIC
  std::int64_t ended_ns = 0;
  unsigned missing = 0;          // not there, or not whole
  std::uint64_t generation = 0;  // the highest seen
  bool mixed = false;            // files of several publishes, or some missing
};

Load load(int directory, const Set& set);

// "all" or "one"; false for anything else.
bool parse_change(const std::string& text, Set::Change* change);

std::int64_t now_ns();

}  // namespace okg::benchmarks
