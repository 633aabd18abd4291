// What `okg publish` reports on stdout: one line an event, for people or as JSON.
#pragma once

#include <chrono>
#include <string>

#include "base/json.hpp"
#include "cli/output.hpp"
#include "cli/server_status.hpp"
#include "payload/publish.hpp"

namespace okg::cli {

class PublishReport {
 public:
  PublishReport(Output& output, bool json) : output_(output), json_(json) {}

  void published(const payload::Published& published);
  // The events below are about what was published, `after` so long since.
  void active(std::chrono::nanoseconds after);
  void failed(const Attempt& attempt);
  void rolled_back(const Attempt& attempt);
  // `by`: the version or digest that is wanted now, "" when not known.
  void superseded(const std::string& by);
  // An outcome; none is nothing.
  void outcome(const OutcomeOf& outcome, std::chrono::nanoseconds after);
  // Publishing itself failed: as an event only, people read stderr.
  void publish_failed(const base::Error& error);

 private:
  base::OrderedJson event(const char* name) const;
  void failure(const char* name, const Attempt& attempt);

  Output& output_;
  bool json_;
  std::string version_;
  std::string digest_;
};

// One line why an outcome is not `active`, for stderr and probes.
std::string describe(const OutcomeOf& outcome, const std::string& version);

}  // namespace okg::cli
