// A hot-state directory in memory, and stores in it.
#pragma once

#include <gtest/gtest.h>

#include <fstream>
#include <memory>

#include "hot/store.hpp"
#include "support/faulty_os.hpp"
#include "support/temporary_directory.hpp"

namespace okg::hot {

class HotTest : public testing::Test {
 protected:
  StoreOptions options() {
    StoreOptions options;
    options.segment.directory = top.path() + "/hot";
    options.segment.name = "world";
    options.segment.max_bytes = 4 << 20;
    options.segment.shards = 2;
    options.segment.log_words = 512;
    options.segment.lock_wait = std::chrono::milliseconds(0);
    options.segment.cgroup_root = top / "no-cgroup";
    return options;
  }
  std::string file() const { return top / "hot/world.okghot"; }

  std::unique_ptr<Store> open(const StoreOptions& chosen) {
    auto store = Store::open(os, chosen);
    EXPECT_TRUE(store) << store.error().text;
    return store ? *std::move(store) : nullptr;
  }
  std::unique_ptr<Store> open() { return open(options()); }
  base::Error open_error(const StoreOptions& chosen) {
    const auto store = Store::open(os, chosen);
    EXPECT_FALSE(store);
    return store ? base::Error() : store.error();
  }
  base::Error open_error() { return open_error(options()); }

  static std::string get(const Table& table, std::uint64_t key) {
    static thread_local std::string value(1 << 20, '\0');
    std::size_t size = 0;
    const Got got = table.get(key_of(key), value.data(), value.size(), &size);
    if (got != Got::found) return got == Got::missing ? "(missing)" : "(damaged)";
    return value.substr(0, size);
  }

  // All the work that can wait, in this moment.
  static void poll_to_the_end(Store& store) {
    for (int i = 0; i < 100'000 && store.poll(std::chrono::nanoseconds(0)); ++i) {
    }
  }
  // Changes the first byte of `text` in the file.
  void damage(std::string_view text, char byte) {
    std::string bytes = okg::test::read_file(file());
    const std::size_t at = bytes.find(text);
    ASSERT_NE(at, std::string::npos);
    bytes[at] = byte;
    okg::test::write_file(file(), bytes, 0600);
  }

  okg::test::TemporaryDirectory top;
  okg::test::FaultyOs os;
};

}  // namespace okg::hot
