// Where payloads come from, as the io thread sees it: it looks when fd() is readable, when the poll interval
// is over, and when somebody asks.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "reload/reloader.hpp"

namespace okg::reload {

class Source {
 public:
  virtual ~Source() = default;

  // Looks now. What is desired, when that is not what the last call returned.
  virtual std::optional<Target> look() = 0;
  // The same, for when the poll interval is over.
  virtual std::optional<Target> look_after_interval() = 0;
  // The same, after fd() was readable.
  virtual std::optional<Target> look_after_events() = 0;

  virtual int fd() const = 0;  // -1: there is none
  // Counts up each time fd() was closed or opened, so that the caller knows to watch it anew.
  virtual unsigned fd_generation() const = 0;
  virtual bool polling() const = 0;
  virtual int poll_interval_ms() const = 0;
  virtual std::uint64_t overflows() const = 0;
  virtual int root() const = 0;  // -1 while the volume is not there
  // Why nothing is desired: "" when something is.
  virtual const std::string& trouble() const = 0;
};

}  // namespace okg::reload
