// Hot state as a program has it: a segment opened, its engine, and the report on what was found.
#pragma once

#include <atomic>
#include <chrono>
#include <memory>
#include <mutex>
#include <string>

#include "hot/segment.hpp"
#include "hot/table.hpp"

namespace okg::hot {

// What to do when process after process died young while it had the segment: is the state itself what kills
// them?
enum class OnCrashLoop { resume, read_only, quarantine };

struct StoreOptions {
  SegmentOptions segment;
  OnCrashLoop on_crash_loop = OnCrashLoop::resume;
  // Opens in a row after a death within `young`; updates that end in SIGKILL count too, so not three.
  std::uint64_t crash_loop_opens = 5;
  std::chrono::seconds young{60};
};

enum class Opened { created, resumed, quarantined, read_only };

struct OpenReport {
  Opened opened = Opened::created;
  std::uint64_t epoch = 0;
  bool was_clean = true;            // who had it before closed it
  std::uint64_t unclean_opens = 0;  // in a row, this one included
  bool is_crash_loop = false;
  std::string held_before_by;           // who that was, as it said of itself
  std::uint64_t inherited_bytes = 0;    // memory that was there already: charged to whoever first touched it
  std::chrono::nanoseconds downtime{};  // since that one was last alive; negative: not known
  Size size;                            // without a look at any record
  std::string quarantined_as;           // the file that was put aside
  std::chrono::nanoseconds open_took{};
};

class Store {
 public:
  static base::Result<std::unique_ptr<Store>> open(base::Os& os, const StoreOptions& options);
  // Closed in good order: the next open is clean.
  ~Store();
  Store(const Store&) = delete;
  Store& operator=(const Store&) = delete;

  const std::string& name() const { return options_.segment.name; }
  const OpenReport& report() const { return report_; }
  bool is_read_only() const { return report_.opened == Opened::read_only; }

  // Each finds what has that name, or makes it; a table lives as long as the store, for the others see
  // engine(). schema_mismatch when something of that name keeps something else.
  base::Result<Table*> table(std::string_view name, TableSchema schema);
  base::Result<std::size_t> journal(std::string_view name, const JournalOptions& options);
  base::Result<std::size_t> region(std::string_view name, const RegionOptions& options);
  // What these change is refused where the engine says so: Engine::check_writable().
  Engine& engine() { return *engine_; }
  const Engine& engine() const { return *engine_; }

  // Work that can wait, for `budget` at most; the game loop calls it now and then. True: there is more.
  bool poll(std::chrono::nanoseconds budget);

 private:
  Store(std::unique_ptr<Segment> segment, const StoreOptions& options);
  base::Status begin();
  base::Status make_engine();
  template <class Open>
  auto open_named(Open&& open) -> decltype(open(true));
  bool migrate();
  void take_over();

  std::unique_ptr<Segment> segment_;  // outlives the engine
  std::unique_ptr<Engine> engine_;
  StoreOptions options_;
  OpenReport report_;
  std::int64_t opened_ns_;
  std::mutex poll_mutex_;
  std::uint64_t populated_ = 0;  // bytes of an inherited segment that are in the page table
  bool lived_ = false;
  std::mutex tables_mutex_;
  std::vector<std::unique_ptr<Table>> tables_;
};

}  // namespace okg::hot
