// What can happen to a write on its way to the GameServer, on purpose: `--faults
// drop=0.2,delay=500ms,garble=0.1`.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <mutex>
#include <random>
#include <string>

#include "base/error.hpp"
#include "base/os.hpp"

namespace okg::cli {

class Faults {
 public:
  // drop and garble are probabilities, 0 to 1; delay is how late a write comes at most; seed=N makes it
  // happen the same way again. invalid_argument.
  static base::Result<Faults> parse(base::Os& os, const std::string& text);

  bool any() const { return drop_ > 0 || garble_ > 0 || delay_.count() > 0; }
  bool garbles() const { return garble_ > 0; }

  // For the next write. Any thread.
  bool is_lost() { return happens(drop_); }
  bool is_garbled() { return happens(garble_); }
  std::chrono::milliseconds lateness();
  // What somebody sees of `text` who looks while it is being written: the beginning, or nonsense.
  std::string garbled(const std::string& text);

 private:
  bool happens(double probability);

  double drop_ = 0, garble_ = 0;
  std::chrono::milliseconds delay_{0};
  std::unique_ptr<std::mutex> mutex_ = std::make_unique<std::mutex>();
  std::mt19937_64 random_;
};

}  // namespace okg::cli
