// What a server would find on a volume at any moment, and a thread that keeps looking.
#pragma once

#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include "payload/layout.hpp"

namespace okg::test {

// What may be found while a publisher is at work or dead.
struct Expected {
  std::optional<payload::Digest> before;        // in use before; nullopt: nothing is
  std::optional<payload::VersionName> damaged;  // in use before, and not what its name says
  payload::Digest after;                        // being published
};

enum class Found { nothing, before, after, wrong };

struct Look {
  Found found = Found::wrong;
  std::string why;  // of what is wrong
};

// Opens what is current and verifies all of it. Anything but the whole payload before or after is wrong;
// nothing at all is wrong if something was in use before.
Look look(const std::string& volume, const Expected& expected);

// Looks again and again until it is destroyed.
class VolumeReader {
 public:
  VolumeReader(std::string volume, Expected expected);
  ~VolumeReader();
  VolumeReader(const VolumeReader&) = delete;
  VolumeReader& operator=(const VolumeReader&) = delete;

  // While held it does not look: for what no publisher would do to a volume.
  std::unique_lock<std::mutex> pause();
  std::uint64_t looks();
  std::string wrong();  // the first that was wrong, or ""

 private:
  void read_on();

  const std::string volume_;
  const Expected expected_;
  std::mutex mutex_;  // guards the rest
  std::uint64_t looks_ = 0;
  std::string wrong_;
  std::jthread thread_;  // last: it uses the others
};

}  // namespace okg::test
