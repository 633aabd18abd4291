// One event of a run, as it is told to the reloader; and the word for a rule that was broken.
#pragma once

#include <optional>
#include <string>

#include "model/subject.hpp"

namespace okg::model {

enum class Event {
  start,
  desired,
  verified,
  prepared,
  begin_commit,
  committed,
  tick,
  reload,
  force,
  rollback,
  restart,
  report_bad,
};

struct Call {
  Event event = Event::start;
  Nanoseconds now = 0;
  JobId job = 0;
  std::optional<Target> target;
  std::string version;
  std::optional<Failure> failure;
  bool consistent = true;
  bool answer = false;  // of report_bad
};

// Thrown when an invariant does not hold.
struct Broken {
  std::string text;
};

inline void require(bool holds, const char* rule) {
  if (!holds) throw Broken{rule};
}

std::string describe(const Call& call);
std::string describe(const Action& action);
std::string name_of(const Target& target);
std::string name_of(const payload::Digest& digest);

}  // namespace okg::model
