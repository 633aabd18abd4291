// What a server has to do to get along with OpenKruiseGame, checked one by one while it runs:
// docs/conformance.md.
#pragma once

#include <chrono>
#include <functional>
#include <stop_token>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "base/unique_fd.hpp"
#include "cli/local.hpp"
#include "cli/server.hpp"
#include "cli/status_table.hpp"

namespace okg::cli {

class Conformance {
 public:
  // `timeout`: for each thing that is waited for.
  Conformance(Program& program, LocalGameServer& gameserver, std::vector<std::string> words,
              std::chrono::milliseconds timeout);

  // What is written there in the end is begun with, so that nobody waits for what cannot be written.
  base::Status open_report(const std::string& file);
  // All checks, while the server runs and is started again. A thread of its own.
  void run(std::stop_token stop);
  // Writes the report; the exit code. After run().
  int report();

 private:
  struct Check {
    std::string name, text;
    bool ok = false;
  };

  void note(const char* name, bool ok, const std::string& text);
  bool failed() const;
  // A status that `wanted` holds of; false when the time is up. `last` gets what the last one told.
  bool status_shows(const std::function<bool(const ServerStatus&)>& wanted, std::string* last = nullptr);
  void check_start();
  void check_ops_state();
  void check_update();

  Program& program_;
  LocalGameServer& gameserver_;
  std::vector<std::string> words_;
  std::chrono::milliseconds timeout_;
  std::string file_;
  base::UniqueFd out_;
  std::stop_token stop_;
  std::vector<Check> checks_;
  bool answers_ = false;
  std::string own_state_;  // what the server has set
};

}  // namespace okg::cli
