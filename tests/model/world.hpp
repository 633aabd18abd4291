// A random world around one reloader: publishers, a worker, a game loop, operators and SIGKILL, in random
// order and with random delays. The same seed gives the same run.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "model/caller.hpp"

namespace okg::model {

// How often what was reached: a run that never gets somewhere proves nothing about it.
struct Reached {
  std::uint64_t steps = 0, commits = 0, failed = 0, superseded = 0, rolled_back = 0;
  std::uint64_t deaths = 0, killed_in_carry_out = 0, crash_loops = 0, quiet = 0, holds = 0, refused_asks = 0;
  std::uint64_t inconsistent = 0, restores = 0, exhausted = 0, full_memory = 0;

  void add(const Reached& other);
};

class World {
 public:
  World(std::uint64_t seed, MakeSubject make, bool remember);

  // Throws Broken.
  void run(std::uint64_t steps);
  const std::vector<std::string>& history() const { return history_; }
  const Reached& reached() const { return reached_; }

 private:
  struct Payload {
    Content content{};
    unsigned copy = 0;
    std::uint64_t inode = 0;
    bool deadly = false;  // kills the server while it is taken into use
  };
  // Probabilities of this run.
  struct Habits {
    double fails = 0.1, passes = 0.5, inconsistent = 0.3, kills = 0.005, refuses_commit = 0.2, asks = 0.05;
    double publishes = 0.1, no_thread = 0.01, other_binary = 0.2;
  };

  bool chance(double probability);
  std::size_t pick(std::size_t count);
  payload::Digest digest(std::size_t index) const;
  std::size_t index(const payload::Digest& digest) const { return digest.bytes[0]; }
  Target target(std::size_t index) const;

  void boot();
  void die();
  void step();
  void publish();
  void operate();
  void work();
  void poll();
  void pass_time();
  void settle();
  std::optional<Failure> failure_of(reload::Stage stage, std::optional<bool> passing);
  reload::Stage stage_of_work();
  void end_commit(const std::optional<Failure>& failure);

  std::mt19937_64 random_;
  MakeSubject make_;
  bool remember_;
  Habits habits_;
  std::vector<Payload> payloads_;
  std::vector<std::string> binaries_;
  std::string binary_;
  Nanoseconds probation_ = 0;
  Nanoseconds now_ = 1;
  std::uint64_t next_inode_ = 100;
  std::optional<std::size_t> current_;
  bool told_ = false;                // of `current`
  bool calm_ = false;                // nobody kills, threads can be made
  std::optional<unsigned> kill_in_;  // actions
  Rules rules_;
  std::unique_ptr<Subject> subject_;
  std::unique_ptr<Caller> caller_;
  std::vector<std::string> history_;
  Reached reached_;
};

}  // namespace okg::model
