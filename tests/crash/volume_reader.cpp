#include "crash/volume_reader.hpp"

#include <fcntl.h>

#include <chrono>
#include <utility>

#include "base/os.hpp"
#include "base/unique_fd.hpp"
#include "payload/read.hpp"
#include "payload/verify.hpp"

namespace okg::test {
namespace {

// Leaves the processors to the publisher, which is what is watched.
constexpr std::chrono::milliseconds kPause{4};

}  // namespace

Look look(const std::string& volume, const Expected& expected) {
  base::Os& os = base::Os::real();
  const int fd = os.open(AT_FDCWD, volume.c_str(), O_RDONLY | O_DIRECTORY);
  if (fd < 0) return {Found::wrong, "the volume cannot be opened"};
  const base::UniqueFd root(fd);
  const auto version = payload::open_current(os, fd);
  if (!version) {
    if (version.error().code == base::Code::not_found && !expected.before && !expected.damaged)
      return {Found::nothing, ""};
    return {Found::wrong, version.error().text};
  }
  const std::string name = version->name.text();
  const auto payload = payload::verify(os, version->fd.get(), version->name.digest);
  if (expected.damaged && version->name == *expected.damaged)
    return payload ? Look{Found::wrong, name + " was damaged, and is sound"} : Look{Found::before, ""};
  if (!payload) return {Found::wrong, name + ": " + payload.error().text};
  if (payload->digest == expected.after) return {Found::after, ""};
  if (expected.before && payload->digest == *expected.before) return {Found::before, ""};
  return {Found::wrong, name + ": is neither the payload before nor the one after"};
}

VolumeReader::VolumeReader(std::string volume, Expected expected)
    : volume_(std::move(volume)),
      expected_(std::move(expected)),
      thread_([this](const std::stop_token& stop) {
        do {
          read_on();
          std::this_thread::sleep_for(kPause);
        } while (!stop.stop_requested());
      }) {}

VolumeReader::~VolumeReader() {
  thread_.request_stop();
  thread_.join();
}

void VolumeReader::read_on() {
  const std::lock_guard hold(mutex_);
  const Look seen = look(volume_, expected_);
  ++looks_;
  if (seen.found == Found::wrong && wrong_.empty()) wrong_ = seen.why;
}

std::unique_lock<std::mutex> VolumeReader::pause() {
  return std::unique_lock(mutex_);
}

std::uint64_t VolumeReader::looks() {
  const std::lock_guard hold(mutex_);
  return looks_;
}

std::string VolumeReader::wrong() {
  const std::lock_guard hold(mutex_);
  return wrong_;
}

}  // namespace okg::test
