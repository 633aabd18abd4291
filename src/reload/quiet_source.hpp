// A volume that a plain copy writes in place: what lies there is desired once nobody has written for a while.
// Each look walks the whole tree: a watch on every directory would need thousands, and tells no more.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/log.hpp"
#include "base/os.hpp"
#include "base/unique_fd.hpp"
#include "payload/digest.hpp"
#include "reload/source.hpp"

namespace okg::reload {

class QuietSource final : public Source {
 public:
  QuietSource(base::Os& os, std::string root, std::int64_t quiet_ns, base::Log log);

  std::optional<Target> look() override;
  std::optional<Target> look_after_interval() override { return look(); }
  std::optional<Target> look_after_events() override { return look(); }
  int fd() const override { return -1; }
  unsigned fd_generation() const override { return 0; }
  bool polling() const override { return true; }
  int poll_interval_ms() const override { return interval_ms_; }
  std::uint64_t overflows() const override { return 0; }
  int root() const override { return root_.get(); }
  const std::string& trouble() const override { return trouble_; }

 private:
  std::optional<payload::Digest> stamp();
  int interval_after(std::int64_t look_ns) const;
  void say(const std::string& text);

  base::Os& os_;
  const std::string path_;
  const std::int64_t quiet_ns_;
  base::Log log_;
  base::UniqueFd root_;
  std::optional<payload::Digest> seen_, told_;
  std::int64_t since_ = 0;  // `seen_` is what is there
  int interval_ms_;
  std::string trouble_;
};

}  // namespace okg::reload
