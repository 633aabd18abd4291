// Sends the outbox on, on a thread of its own. A file plays the part of the database: what is written there
// is acknowledged, and what was written but not acknowledged before a kill is known by its key and not
// written twice. SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <thread>

#include "store.hpp"

namespace game2048 {

class Outbox {
 public:
  // To `file`, or to standard output where it is empty. `store` has to outlive it.
  Outbox(Store& store, std::string file);
  Outbox(const Outbox&) = delete;
  Outbox& operator=(const Outbox&) = delete;
  ~Outbox();

 private:
  void run(const std::stop_token& stop);
  std::string send();  // all that is there; what went wrong, or nothing
  bool open();
  bool write(const Store::Letter& letter);  // unless it is there
  void close();

  Store& store_;
  std::string file_;
  int descriptor_ = -1;
  std::uint64_t written_ = 0;
  std::jthread thread_;  // last: it uses the others
};

}  // namespace game2048
