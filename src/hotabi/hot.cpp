// okg_hot_*: an open segment.
#include <cstdio>

#include "base/environment.hpp"
#include "base/text.hpp"
#include "hotabi/handles.hpp"

namespace {

using okg::abi::guarded;
using okg::abi::Home;
using okg::abi::LogAdapter;
using okg::abi::read_options;
using okg::abi::tell;
using okg::abi::tell_ok;
using okg::abi::text_of;
using okg::base::Code;
using okg::base::Error;
using okg::base::OrderedJson;
using okg::base::Result;
using okg::hot::Store;
using okg::hot::StoreOptions;

constexpr std::chrono::nanoseconds kLongestWait = std::chrono::hours(24 * 365);

Result<StoreOptions> translate(const okg_hot_options& given, const Home& home, LogAdapter* adapter) {
  StoreOptions options;
  const auto wrong = [](const char* text) { return Error(Code::invalid_argument, text); };
  if (given.name == nullptr) return wrong("okg_hot_open: options.name is required");
  if (given.policy < OKG_HOT_RESUME || given.policy > OKG_HOT_QUARANTINE)
    return wrong("okg_hot_open: options.policy is none of okg_hot_policy");
  std::optional<okg::base::LogLevel> level;
  if (!okg::abi::read_log_level(given.log_level, &level))
    return wrong("okg_hot_open: options.log_level is none of okg_log_level");
  const auto environment = okg::base::process_environment();
  const auto decided = okg::base::log_level(environment, level);
  if (!decided) return decided.error();
  if (adapter->log != nullptr) options.segment.log = okg::base::Log(&LogAdapter::write, adapter, *decided);
  if (given.lock_wait_ns < -1) return wrong("okg_hot_open: options.lock_wait_ns is negative and not -1");
  options.segment.name = given.name;
  options.segment.directory = text_of(given.directory);
  if (options.segment.directory.empty()) options.segment.directory = home.directory;
  if (options.segment.directory.empty()) {
    auto directory = okg::base::default_hot_directory(okg::base::Os::real(), environment);
    if (!directory) return directory.error();
    options.segment.directory = *std::move(directory);
  }
  if (given.max_bytes != 0) options.segment.max_bytes = given.max_bytes;
  options.segment.first_bytes = given.first_bytes;
  if (given.shards != 0) options.segment.shards = given.shards;
  if (given.crash_loop_opens != 0) options.crash_loop_opens = given.crash_loop_opens;
  options.on_crash_loop = static_cast<okg::hot::OnCrashLoop>(given.policy);
  if (given.lock_wait_ns != 0)
    options.segment.lock_wait = std::chrono::duration_cast<std::chrono::milliseconds>(
        std::min(std::chrono::nanoseconds(std::max<std::int64_t>(given.lock_wait_ns, 0)), kLongestWait));
  return options;
}

const char* opened_name(okg::hot::Opened opened) {
  switch (opened) {
    case okg::hot::Opened::created:
      return "created";
    case okg::hot::Opened::resumed:
      return "resumed";
    case okg::hot::Opened::quarantined:
      return "quarantined";
    case okg::hot::Opened::read_only:
      break;
  }
  return "read_only";
}

// As a server's status has it.
OrderedJson describe(const Store& store) {
  const okg::hot::OpenReport& report = store.report();
  const okg::hot::Size size = store.engine().size();
  OrderedJson out;
  out["name"] = store.name();
  out["opened"] = opened_name(report.opened);
  out["epoch"] = report.epoch;
  out["was_clean"] = report.was_clean;
  out["crash_loop"] = report.is_crash_loop;
  out["downtime_ms"] =
      report.downtime.count() < 0 ? OrderedJson(nullptr) : OrderedJson(report.downtime.count() / 1'000'000);
  out["open_us"] = report.open_took.count() / 1000;
  out["tables"] = size.tables;
  out["records"] = size.records;
  out["bytes"] = size.bytes;
  out["file_bytes"] = store.engine().image().bytes();
  out["max_bytes"] = store.engine().image().header().max_bytes;
  return out;
}

template <std::size_t Size>
void copy_text(const std::string& from, char (&to)[Size]) {
  std::snprintf(to, Size, "%s", from.c_str());
}

}  // namespace

namespace okg::abi {

std::int64_t deadline_in(std::int64_t after_ns) {
  if (after_ns == 0) return 0;
  const std::int64_t now = base::Os::real().boottime_ns();
  // A time that is past is one, too.
  return after_ns < 0 ? 1 : after_ns > INT64_MAX - now ? INT64_MAX : now + after_ns;
}

Result<std::vector<hot::Migration>> migrations_of(const okg_hot_migration* from, std::size_t count) {
  if (from == nullptr && count != 0) return Error(Code::invalid_argument, "migrations are NULL");
  if (count > 1000) return Error(Code::invalid_argument, "so many migrations there are not");
  const auto call = [](okg_hot_convert_fn convert, void* user) -> hot::Migration::Convert {
    if (convert == nullptr) return {};
    return [convert, user](std::string_view value) -> Result<std::string> {
      std::string made(value.size() + 64, '\0');
      for (int attempt = 0; attempt < 3; ++attempt) {
        std::size_t bytes = 0;
        okg_code code = OKG_CRASHED;
        try {
          code = convert(user, value.data(), value.size(), made.data(), made.size(), &bytes);
        } catch (...) {  // said by `code`
        }
        if (code == OKG_OK && bytes <= made.size()) {
          made.resize(bytes);
          return made;
        }
        if (code != OKG_NO_SPACE || bytes <= made.size() || bytes > hot::kMostBytes)
          return Error(Code::rejected, "a migration failed: " + std::string(okg_strerror(code)));
        made.resize(bytes);
      }
      return Error(Code::rejected, "a migration asks for more and more room");
    };
  };
  std::vector<hot::Migration> migrations;
  migrations.reserve(count);
  for (std::size_t i = 0; i < count; ++i)
    migrations.push_back({from[i].from, call(from[i].up, from[i].user), call(from[i].down, from[i].user)});
  return migrations;
}

}  // namespace okg::abi

extern "C" {

okg_code okg_hot_open(const okg_hot_options* options, okg_hot** hot, okg_error* error) {
  if (hot == nullptr) return tell(error, Code::invalid_argument, "okg_hot_open: hot is NULL");
  *hot = nullptr;
  return guarded(error, [&]() -> okg_code {
    okg_hot_options given = OKG_HOT_OPTIONS_INIT;
    if (options == nullptr || !read_options(options, &given))
      return tell(error, Code::invalid_argument,
                  "okg_hot_open: options.size is not that of a struct this library knows; begin with "
                  "OKG_HOT_OPTIONS_INIT");
    auto made = std::make_unique<okg_hot>();
    made->adapter = {given.log, given.log_user};
    const Home home = given.server == nullptr ? Home{} : okg::abi::home_of(*given.server);
    const auto inside = translate(given, home, &made->adapter);
    if (!inside) return tell(error, inside.error());
    auto opened = okg::hot::Store::open(okg::base::Os::real(), *inside);
    if (!opened) return tell(error, opened.error());
    made->store = *std::move(opened);
    if (home.show)
      made->shown = home.show(
          [hot = made.get()] { return okg::abi::Said{describe(*hot->store), hot->commits.read()}; });
    *hot = made.release();
    return tell_ok(error);
  });
}

void okg_hot_close(okg_hot* hot) {
  delete hot;
}

okg_code okg_hot_get_report(okg_hot* hot, okg_hot_report* report) {
  std::size_t size = 0;
  if (report != nullptr) std::memcpy(&size, report, sizeof size);
  if (hot == nullptr || size < sizeof size || size > 4096) return OKG_INVALID_ARGUMENT;
  const okg::hot::OpenReport& found = hot->store->report();
  okg_hot_report filled = OKG_HOT_REPORT_INIT;
  filled.size = size;
  filled.opened = static_cast<okg_hot_opened>(found.opened);
  filled.was_clean = found.was_clean ? 1 : 0;
  filled.is_crash_loop = found.is_crash_loop ? 1 : 0;
  filled.epoch = found.epoch;
  filled.unclean_opens = found.unclean_opens;
  filled.inherited_bytes = found.inherited_bytes;
  filled.records = found.size.records;
  filled.bytes = found.size.bytes;
  filled.downtime_ns = std::max<std::int64_t>(found.downtime.count(), -1);
  filled.open_ns = found.open_took.count();
  copy_text(found.held_before_by, filled.held_before_by);
  copy_text(found.quarantined_as, filled.quarantined_as);
  // As much as the caller's header knows.
  std::memcpy(report, &filled, std::min(size, sizeof filled));
  return OKG_OK;
}

int okg_hot_poll(okg_hot* hot, int64_t budget_ns) {
  if (hot == nullptr) return 0;
  try {
    return hot->store->poll(std::chrono::nanoseconds(std::max<std::int64_t>(budget_ns, 0))) ? 1 : 0;
  } catch (...) {
    return 0;
  }
}

}  // extern "C"
