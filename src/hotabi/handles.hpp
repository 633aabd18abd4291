// What the handles of okg_hot_* hold, and what their functions share.
#pragma once

#include <memory>
#include <mutex>
#include <vector>

#include "hot/commit_times.hpp"
#include "hot/store.hpp"
#include "hotabi/arguments.hpp"
#include "hotabi/errors.hpp"
#include "hotabi/home.hpp"

struct okg_hot_table {
  okg::hot::Store* store = nullptr;
  okg::hot::Table* table = nullptr;
};

struct okg_hot_journal {
  okg::hot::Engine* engine = nullptr;
  std::size_t entry = 0;
  okg::hot::Journal* journal = nullptr;
};

struct okg_hot_region {
  okg::hot::Engine* engine = nullptr;
  okg::hot::CommitTimes* commits = nullptr;
  std::size_t entry = 0;
  okg::hot::Region* region = nullptr;
};

struct okg_hot {
  okg::abi::LogAdapter adapter{};
  std::unique_ptr<okg::hot::Store> store;
  okg::hot::CommitTimes commits;
  okg::abi::Shown shown;  // before the store ends
  std::mutex mutex;       // of what follows
  std::vector<std::unique_ptr<okg_hot_table>> tables;
  std::vector<std::unique_ptr<okg_hot_journal>> journals;
  std::vector<std::unique_ptr<okg_hot_region>> regions;
};

namespace okg::abi {

inline std::string_view view(const void* data, std::size_t bytes) {
  return {static_cast<const char*>(data), bytes};
}
inline bool is_given(const void* data, std::size_t bytes) {
  return data != nullptr || bytes == 0;
}

// The handle of an entry, the same each time.
template <class Handle>
Handle* handle_of(okg_hot* hot, std::vector<std::unique_ptr<Handle>>& handles, std::size_t entry) {
  for (const auto& known : handles)
    if (known->entry == entry) return known.get();
  auto made = std::make_unique<Handle>();
  made->engine = &hot->store->engine();
  made->entry = entry;
  handles.push_back(std::move(made));
  return handles.back().get();
}

// Runs a commit, and counts how long it took.
template <class Commit>
auto timed(hot::CommitTimes& times, Commit commit) {
  base::Os& os = base::Os::real();
  const std::int64_t began = os.monotonic_ns();
  auto result = commit();
  if (result) times.add(os.monotonic_ns() - began);
  return result;
}

// CLOCK_BOOTTIME in so many ns from now; 0: none.
std::int64_t deadline_in(std::int64_t after_ns);

// invalid_argument when they are not what okg.h says.
base::Result<std::vector<hot::Migration>> migrations_of(const okg_hot_migration* from, std::size_t count);

// What a get has come to.
okg_code tell_got(hot::Got got, std::size_t size, std::size_t* length, okg_error* error) noexcept;

}  // namespace okg::abi
