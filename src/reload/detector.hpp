// Notices that `current` moved. Events are only a hint to look: nothing in them is interpreted, the link is
// compared with what was last seen. Lives on the io thread, which calls it when fd() is readable and when its
// poll interval is over.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/log.hpp"
#include "base/os.hpp"
#include "base/unique_fd.hpp"
#include "reload/source.hpp"

namespace okg::reload {

class Detector final : public Source {
 public:
  Detector(base::Os& os, std::string root, base::Log log);

  // Looks now: (re)opens the volume's root and the watch where needed, in the order watch, then look. Returns
  // what `current` leads to when that is not what the last call returned.
  std::optional<Target> look() override;

  // The same, for when the poll interval is over: a change that the watch should have told proves inotify
  // deaf.
  std::optional<Target> look_after_interval() override;

  // fd() was readable: takes the events off the queue, then looks.
  std::optional<Target> look_after_events() override;

  int fd() const override { return inotify_.get(); }  // -1 while there is no inotify instance
  unsigned fd_generation() const override { return generation_; }

  bool polling() const override { return deaf_ || watch_ < 0; }
  int poll_interval_ms() const override { return polling() ? 250 : 1000; }
  std::uint64_t overflows() const override { return overflows_; }
  int root() const override { return root_.get(); }  // -1 while the volume is not there
  const std::string& trouble() const override { return trouble_; }

 private:
  void open_root();
  void open_watch();
  bool drain();
  bool root_is_gone();
  void close_root();
  std::optional<Target> check();
  void say_once(const std::string& text);

  base::Os& os_;
  std::string path_;
  base::Log log_;
  base::UniqueFd root_;
  base::UniqueFd inotify_;
  int watch_ = -1;
  bool inotify_failed_ = false;  // said so
  bool deaf_ = false;
  unsigned generation_ = 0;
  std::uint64_t overflows_ = 0;
  std::optional<Target> seen_;
  std::string trouble_, said_;
};

}  // namespace okg::reload
