// A segment with something of each kind in it, and what is read of it from outside.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "hot/contents.hpp"
#include "hot/reader.hpp"
#include "hot/statistics.hpp"
#include "hot/verify.hpp"
#include "unit/hot/hot_fixture.hpp"

namespace okg::hot {

class HotReader : public HotTest {
 protected:
  std::unique_ptr<Reader> read(const std::string& path) {
    auto reader = Reader::open(os, path);
    EXPECT_TRUE(reader) << reader.error().text;
    return reader ? *std::move(reader) : nullptr;
  }
  std::unique_ptr<Reader> read() { return read(file()); }

  // Tables "players" (0) and "words" (1), a journal "outbox" (2), a region of each mode (3, 4).
  void fill(Store& store, std::uint64_t players) {
    auto& engine = store.engine();
    ASSERT_TRUE(engine.table("players", {}));
    ASSERT_TRUE(engine.table("words", {.key_kind = KeyKind::bytes}));
    ASSERT_TRUE(engine.journal("outbox", {.bytes = 4096}));
    ASSERT_TRUE(engine.region("world", {.bytes = 300}));
    ASSERT_TRUE(engine.region("board", {.mode = RegionMode::in_place, .bytes = 300}));
    for (std::uint64_t key = 0; key < players; ++key) ASSERT_TRUE(engine.put(0, key_of(key), value_of(key)));
    ASSERT_TRUE(engine.put(1, "alice", "hello"));
    ASSERT_TRUE(engine.put(1, "large", std::string(100'000, 'x')));
    for (const char* message : {"one", "two", "three"}) ASSERT_TRUE(engine.journal_at(2).append(message));
  }
  static std::string value_of(std::uint64_t key) {
    return "value " + std::to_string(key) + std::string(key % 50, '.');
  }

  static std::map<std::string, std::string> records(Source& source, std::size_t table) {
    std::map<std::string, std::string> found;
    std::uint64_t damaged = 0;
    const auto done = for_each_record(
        source, table,
        [&](const Record& record) {
          EXPECT_TRUE(found.emplace(record.key, record.value).second) << "twice";
          return true;
        },
        &damaged);
    EXPECT_TRUE(done) << done.error().text;
    EXPECT_EQ(damaged, 0U);
    return found;
  }
  static std::vector<std::string> messages(Source& source, std::size_t journal) {
    std::vector<std::string> found;
    const auto done = for_each_message(source, journal, [&](std::uint64_t, std::string_view message) {
      found.emplace_back(message);
      return true;
    });
    EXPECT_TRUE(done) << done.error().text;
    return found;
  }
  static std::string value(Reader& reader, std::size_t table, std::string_view key) {
    const auto record = find_record(reader, table, key);
    EXPECT_TRUE(record) << record.error().text;
    return record && *record ? (**record).value : "(none)";
  }

  std::string bytes() const { return test::read_file(file()); }
  std::string copy_of(const std::string& bytes) const {
    const std::string path = top / "copy.okghot";
    test::write_file(path, bytes);
    return path;
  }
};

// Everything that `okg hot` does; it may fail, no more.
inline void look_through(base::Os& os, const std::string& path) {
  const auto reader = Reader::open(os, path);
  if (!reader) return;
  (void)verify(**reader);
  (void)verify_readable(**reader);
  (void)page_statistics(**reader);
  const auto names = names_in(**reader);
  if (!names) return;
  for (const Named& named : *names) {
    std::uint64_t damaged = 0;
    if (named.kind() == EntryKind::table) {
      (void)table_statistics(**reader, named.at);
      (void)find_record(**reader, named.at, key_of(7));
      (void)for_each_record(**reader, named.at, [](const Record&) { return true; }, &damaged);
    } else if (named.kind() == EntryKind::journal) {
      (void)for_each_message(**reader, named.at, [](std::uint64_t, std::string_view) { return true; });
    } else {
      (void)(*reader)->region(named.at, 1 << 20);
    }
  }
}

}  // namespace okg::hot
