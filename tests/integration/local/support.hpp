// A laptop with a run directory, a payload volume and hot state, and servers on it that `okg local run` runs.
#pragma once

#include <functional>
#include <string>

#include "integration/cli/support.hpp"

namespace okg::test {

class Laptop {
 public:
  Laptop();

  std::string run() const { return place_.run(); }
  std::string operator/(std::string_view name) const { return place_ / name; }
  Variables variables() const;

  // The GameServer; null while there is none.
  base::Json gameserver() const;
  void write(const base::Json& gameserver) const;
  std::string ops_state() const;
  std::string label(const std::string& key) const;
  // GET /v1/status; null when nobody answers.
  base::Json status() const;

  Finished okg(const Words& words) const;
  Process::Surroundings surroundings() const { return {variables()}; }
  // A payload for servers that want one.
  void publish() const;

 private:
  Place place_;
};

// `okg local run FLAGS -- WORDS`, until the end of this; waits until the server is connected.
class Running {
 public:
  Running(const Laptop& laptop, const Words& words, const Words& flags = {});
  Process& process() { return process_; }
  // Ends it by SIGTERM.
  Finished end();

 private:
  Process process_;
};

inline constexpr char kUpdateHook[] = "gs-sync/update-block";
inline constexpr char kLifecycle[] = "lifecycle.apps.kruise.io/state";

}  // namespace okg::test
