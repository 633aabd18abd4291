// okg_hot_*: regions.
#include "hotabi/handles.hpp"

namespace {

using okg::abi::finish;
using okg::abi::guarded;
using okg::abi::handle_of;
using okg::abi::read_options;
using okg::abi::tell;
using okg::abi::tell_ok;
using okg::abi::text_of;
using okg::base::Code;

}  // namespace

extern "C" {

okg_code okg_hot_open_region(okg_hot* hot, const char* name, const okg_hot_region_options* options,
                             okg_hot_region** region, void** data, okg_error* error) {
  if (region != nullptr) *region = nullptr;
  if (data != nullptr) *data = nullptr;
  if (hot == nullptr || name == nullptr || options == nullptr || region == nullptr || data == nullptr)
    return tell(error, Code::invalid_argument,
                "okg_hot_open_region: hot, name, options, region and data are required");
  return guarded(error, [&]() -> okg_code {
    okg_hot_region_options given = OKG_HOT_REGION_OPTIONS_INIT;
    if (!read_options(options, &given) || given.mode < OKG_HOT_DIFF || given.mode > OKG_HOT_IN_PLACE)
      return tell(error, Code::invalid_argument,
                  "okg_hot_open_region: options are not what this library knows; begin with "
                  "OKG_HOT_REGION_OPTIONS_INIT");
    okg::hot::RegionOptions wanted;
    wanted.bytes = given.bytes;
    wanted.mode = static_cast<okg::hot::RegionMode>(given.mode);
    wanted.schema_version = given.version == 0 ? 1 : given.version;
    wanted.fingerprint = given.fingerprint;
    wanted.fields = text_of(given.fields);
    auto migrations = okg::abi::migrations_of(given.migrations, given.migration_count);
    if (!migrations) return tell(error, migrations.error());
    wanted.migrations = *std::move(migrations);
    const std::lock_guard lock(hot->mutex);
    const auto entry = hot->store->region(name, wanted);
    if (!entry) return tell(error, entry.error());
    okg_hot_region* const handle = handle_of(hot, hot->regions, *entry);
    handle->commits = &hot->commits;
    handle->region = &hot->store->engine().region_at(*entry);
    if (given.checks_touches != 0)
      if (auto checking = handle->region->check_touches(); !checking) return tell(error, checking.error());
    *region = handle;
    *data = handle->region->data();
    return tell_ok(error);
  });
}

okg_code okg_hot_region_touch(okg_hot_region* region, const void* begin, size_t bytes, okg_error* error) {
  if (region == nullptr || begin == nullptr)
    return tell(error, Code::invalid_argument, "okg_hot_region_touch: region and begin are required");
  return guarded(error, [&]() -> okg_code {
    if (auto may = region->engine->check_writable(); !may) return finish(error, may);
    const auto offset = static_cast<const std::byte*>(begin) - region->region->data();
    auto touched = region->region->touch(static_cast<std::uint64_t>(offset), bytes);
    return touched && error == nullptr ? OKG_OK : finish(error, touched);
  });
}

okg_code okg_hot_region_commit(okg_hot_region* region, okg_error* error) {
  if (region == nullptr)
    return tell(error, Code::invalid_argument, "okg_hot_region_commit: region is required");
  return guarded(error, [&]() -> okg_code {
    if (auto may = region->engine->check_writable(); !may) return finish(error, may);
    return finish(error, okg::abi::timed(*region->commits, [&] { return region->region->commit(); }));
  });
}

okg_code okg_hot_region_rollback(okg_hot_region* region, okg_error* error) {
  if (region == nullptr)
    return tell(error, Code::invalid_argument, "okg_hot_region_rollback: region is required");
  return guarded(error, [&]() -> okg_code {
    if (auto may = region->engine->check_writable(); !may) return finish(error, may);
    return finish(error, region->region->roll_back());
  });
}

}  // extern "C"
