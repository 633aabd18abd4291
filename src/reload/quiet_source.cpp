#include "reload/quiet_source.hpp"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <utility>

#include "payload/plain_tree.hpp"

namespace okg::reload {
namespace {

constexpr std::int64_t kMillisecond = 1'000'000;
constexpr std::int64_t kLooksAQuietPeriod = 4;
constexpr std::int64_t kShareOfTime = 20;  // at most a twentieth of the time is spent looking
constexpr std::int64_t kShortest = 20, kOften = 1000, kLongest = 60'000;  // milliseconds

}  // namespace

QuietSource::QuietSource(base::Os& os, std::string root, std::int64_t quiet_ns, base::Log log)
    : os_(os), path_(std::move(root)), quiet_ns_(quiet_ns), log_(log), interval_ms_(interval_after(0)) {}

// Some looks a quiet period, at least one a second; less often where a look takes long.
int QuietSource::interval_after(std::int64_t look_ns) const {
  const std::int64_t wanted = std::clamp(quiet_ns_ / kLooksAQuietPeriod / kMillisecond, kShortest, kOften);
  return static_cast<int>(std::clamp(look_ns * kShareOfTime / kMillisecond, wanted, kLongest));
}

void QuietSource::say(const std::string& text) {
  if (text != trouble_ && !text.empty()) log_.warn("reload", text);
  trouble_ = text;
}

std::optional<payload::Digest> QuietSource::stamp() {
  root_.reset(os_.open(AT_FDCWD, path_.c_str(), O_RDONLY | O_DIRECTORY));
  if (!root_) {
    say("no volume at " + path_);
    return std::nullopt;
  }
  struct stat info{};
  if (os_.stat(root_.get(), payload::kCurrent, &info) >= 0 && S_ISLNK(info.st_mode)) {
    say(path_ + ": is written by `okg publish`: leave out --quiet-period");
    return std::nullopt;
  }
  const auto stamp = payload::stamp_of_tree(os_, root_.get());
  if (!stamp) {
    say(path_ + ": " + stamp.error().text);
    return std::nullopt;
  }
  return *stamp;
}

std::optional<Target> QuietSource::look() {
  const std::int64_t began = os_.monotonic_ns();
  const auto now = stamp();
  const std::int64_t ended = os_.monotonic_ns();
  interval_ms_ = interval_after(ended - began);
  if (!now) {
    seen_.reset();
    return std::nullopt;
  }
  if (seen_ != now) {
    seen_ = now;
    since_ = began;
  }
  if (told_ == now || ended - since_ < quiet_ns_) return std::nullopt;
  say("");
  told_ = now;
  return Target{{*now, 0}, 0};
}

}  // namespace okg::reload
