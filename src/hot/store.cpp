#include "hot/store.hpp"

#include <algorithm>
#include <array>
#include <cstring>

#include "base/text.hpp"

namespace okg::hot {

using base::Code;
using base::Error;
using base::Result;
using base::Status;

namespace {

constexpr std::uint64_t kPopulateStep = 2ULL << 20;

// The kernel's name for this boot as two words; zeros where it does not say.
std::array<std::uint64_t, 2> boot_words(base::Os& os) {
  std::array<std::uint64_t, 2> words{};
  std::size_t digit = 0;
  for (const char c : os.boot_id()) {
    const int value = c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
    if (value < 0 || digit >= 32) continue;
    words[digit / 16] = words[digit / 16] << 4 | static_cast<std::uint64_t>(value);
    ++digit;
  }
  return words;
}

}  // namespace

Result<std::unique_ptr<Store>> Store::open(base::Os& os, const StoreOptions& options) {
  const std::int64_t begin = os.monotonic_ns();
  auto segment = Segment::open(os, options.segment);
  if (!segment) return segment.error();
  std::unique_ptr<Store> store(new Store(*std::move(segment), options));
  if (auto begun = store->begin(); !begun) return begun.error();
  store->report_.open_took = std::chrono::nanoseconds(os.monotonic_ns() - begin);
  return store;
}

Store::Store(std::unique_ptr<Segment> segment, const StoreOptions& options)
    : segment_(std::move(segment)), options_(options), opened_ns_(segment_->os().monotonic_ns()) {}

Status Store::begin() {
  if (auto made = make_engine(); !made) return made;
  take_over();
  if (!report_.is_crash_loop || options_.on_crash_loop == OnCrashLoop::resume) return {};
  report_.opened = Opened::read_only;  // it is not marked as closed in good order, whatever happens now
  engine_->seal(Error(Code::denied, "hot state " + segment_->path() + ": was opened read-only, for " +
                                        std::to_string(report_.unclean_opens) +
                                        " processes in a row died young with it"));
  if (options_.on_crash_loop == OnCrashLoop::read_only) return {};
  const OpenReport before = report_;
  engine_.reset();
  auto aside = segment_->begin_anew();
  if (!aside) return aside.error();
  if (auto made = make_engine(); !made) return made;
  take_over();
  report_.opened = Opened::quarantined;
  report_.quarantined_as = *std::move(aside);
  report_.unclean_opens = before.unclean_opens;
  report_.is_crash_loop = true;
  report_.was_clean = false;
  report_.held_before_by = before.held_before_by;
  report_.downtime = before.downtime;
  return {};
}

Status Store::make_engine() {
  auto engine = Engine::open(segment_->memory(), segment_->header());
  if (!engine)
    return Error(engine.error().code, "hot state " + segment_->path() + ": " + engine.error().text);
  engine_ = *std::move(engine);
  engine_->belongs_to_this_process();
  engine_->set_grow([this](std::uint64_t from, std::uint64_t to) { return segment_->allocate(from, to); });
  engine_->set_clock([&os = segment_->os()] { return os.boottime_ns(); });
  // What was to be there from the beginning stays there.
  if (options_.segment.first_bytes != 0)
    engine_->set_punch(
        [this](std::uint64_t from, std::uint64_t to) { return segment_->give_back(from, to); });
  return {};
}

// What the file says of whoever had it before, and that it is ours now.
void Store::take_over() {
  base::Os& os = segment_->os();
  State& state = engine_->image().state();
  report_.opened = segment_->was_created() ? Opened::created : Opened::resumed;
  report_.epoch = ordered::load(&state.epoch.word);
  report_.was_clean = ordered::load(&state.clean.word) == 1;
  report_.unclean_opens = report_.was_clean ? 0 : ordered::load(&state.unclean_opens.word) + 1;
  report_.is_crash_loop = report_.unclean_opens >= options_.crash_loop_opens;
  report_.held_before_by = segment_->was_created() ? "" : segment_->held_before_by();
  report_.inherited_bytes = segment_->inherited_bytes();
  report_.size = engine_->size();
  const std::array<std::uint64_t, 2> boot = boot_words(os);
  const bool same_boot =
      boot[0] == ordered::load(&state.boot[0].word) && boot[1] == ordered::load(&state.boot[1].word);
  const auto alive = static_cast<std::int64_t>(ordered::load(&state.alive_ns.word));
  const std::int64_t now = os.boottime_ns();
  report_.downtime = std::chrono::nanoseconds(
      segment_->was_created() || !same_boot || alive <= 0 || alive > now ? -1 : now - alive);

  ordered::store(&state.unclean_opens.word, report_.unclean_opens);
  ordered::store(&state.clean.word, 0);
  ordered::store(&state.boot[0].word, boot[0]);
  ordered::store(&state.boot[1].word, boot[1]);
  ordered::store(&state.alive_ns.word, static_cast<std::uint64_t>(now));
}

Store::~Store() {
  if (engine_ == nullptr || !engine_->is_here() || is_read_only()) return;
  State& state = engine_->image().state();
  ordered::store(&state.alive_ns.word, static_cast<std::uint64_t>(segment_->os().boottime_ns()));
  ordered::store(&state.unclean_opens.word, 0);
  ordered::store(&state.clean.word, 1);
}

// `open(may_make)` in a store that may be read-only: what is not there then cannot be made.
template <class Open>
auto Store::open_named(Open&& open) -> decltype(open(true)) {
  auto may = engine_->check_writable();
  if (!may && may.error().code == Code::closed) return may.error();
  auto opened = open(may.has_value());
  if (!opened && opened.error().code == Code::not_found) return may.error();
  return opened;
}

Result<Table*> Store::table(std::string_view name, TableSchema schema) {
  auto opened =
      open_named([&](bool may_make) { return Table::open(*engine_, name, std::move(schema), may_make); });
  if (!opened) return opened.error();
  const std::lock_guard lock(tables_mutex_);
  for (const auto& known : tables_)
    if (known->entry() == (*opened)->entry()) return known.get();
  tables_.push_back(*std::move(opened));
  return tables_.back().get();
}

Result<std::size_t> Store::journal(std::string_view name, const JournalOptions& options) {
  return open_named([&](bool may_make) { return engine_->journal(name, options, may_make); });
}

Result<std::size_t> Store::region(std::string_view name, const RegionOptions& options) {
  return open_named([&](bool may_make) { return engine_->region(name, options, may_make); });
}

bool Store::migrate() {
  const std::lock_guard lock(tables_mutex_);
  bool more = false;
  for (const auto& table : tables_) more = table->migrate() || more;
  return more;
}

bool Store::poll(std::chrono::nanoseconds budget) {
  if (!engine_->is_here() || is_read_only()) return false;
  // One thread at a time; another one's work is as good as ours.
  const std::unique_lock lock(poll_mutex_, std::try_to_lock);
  if (!lock.owns_lock()) return true;
  base::Os& os = segment_->os();
  const std::int64_t now = os.monotonic_ns();
  State& state = engine_->image().state();
  ordered::store(&state.alive_ns.word, static_cast<std::uint64_t>(os.boottime_ns()));
  if (!lived_ && now - opened_ns_ >= std::chrono::nanoseconds(options_.young).count()) {
    lived_ = true;
    ordered::store(&state.unclean_opens.word, 0);
  }
  const std::uint64_t inherited = report_.opened == Opened::resumed ? engine_->image().bytes() : 0;
  bool more = false;
  do {
    more = engine_->work();
    more = migrate() || more;
    if (populated_ >= inherited) continue;
    const std::uint64_t step = std::min(kPopulateStep, inherited - populated_);
    // Where the kernel cannot, pages come by themselves, one by one.
    populated_ = os.populate(segment_->memory() + populated_, step) == 0 ? populated_ + step : inherited;
    more = more || populated_ < inherited;
  } while (more && os.monotonic_ns() - now < budget.count());
  return more;
}

}  // namespace okg::hot
