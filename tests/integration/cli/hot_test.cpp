// okg hot on segments that this process writes, or has written.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "hot/store.hpp"
#include "integration/cli/support.hpp"

namespace okg::test {
namespace {

using hot::key_of;
using testing::HasSubstr;
using testing::IsEmpty;

class HotCommand : public testing::Test {
 protected:
  void SetUp() override {
    hot::StoreOptions options;
    options.segment.directory = directory_ / "hot";
    options.segment.name = "world";
    options.segment.max_bytes = 4 << 20;
    options.segment.shards = 2;
    options.segment.log_words = 512;
    options.segment.cgroup_root = directory_ / "no-cgroup";
    auto store = hot::Store::open(base::Os::real(), options);
    ASSERT_TRUE(store) << store.error().text;
    store_ = *std::move(store);
    auto& engine = store_->engine();
    ASSERT_TRUE(engine.table("players", {.value_bytes = 8, .fields = "hp:u32@0 name:char[4]@4"}));
    ASSERT_TRUE(engine.table("words", {.key_kind = hot::KeyKind::bytes, .schema_version = 3}));
    ASSERT_TRUE(engine.journal("outbox", {.bytes = 4096}));
    ASSERT_TRUE(engine.region("tick", {.bytes = 4, .fields = "value:u32@0"}));
    ASSERT_TRUE(engine.put(0, key_of(42), std::string("\7\0\0\0bob\0", 8)));
    ASSERT_TRUE(engine.put(1, "alice", "hello", 3));
    ASSERT_TRUE(engine.put(1, std::string_view("\0\1", 2), "x", 3));
    ASSERT_TRUE(engine.journal_at(2).append("sent"));
    std::memcpy(engine.region_at(3).data(), "\5", 1);
    ASSERT_TRUE(engine.region_at(3).commit());
  }
  std::string file() const { return directory_ / "hot/world.okghot"; }
  Finished run(Words words) const {
    words.insert(words.begin(), "hot");
    return okg(words, {{"OKG_HOT_DIR", directory_ / "hot"}});
  }

  TemporaryDirectory directory_;
  std::unique_ptr<hot::Store> store_;
};

TEST_F(HotCommand, LsNamesWhatThereIs) {
  const Finished done = run({"ls"});
  EXPECT_EQ(done.code, 0) << done.err;
  EXPECT_THAT(done.err, IsEmpty());
  EXPECT_EQ(done.out, file() +
                          "\n"
                          "KIND     NAME     SCHEMA  COUNT  BYTES\n"
                          "table    players  1       1      16 B\n"
                          "table    words    3       2      13 B\n"
                          "journal  outbox   1       1      32 B\n"
                          "region   tick     1       -      4 B\n");
  const auto json = run({"ls", "--json", file()}).events();
  ASSERT_EQ(json.size(), 1U);
  EXPECT_EQ(json[0]["file"], file());
  EXPECT_EQ(json[0]["entries"][1],
            base::Json({{"kind", "table"}, {"name", "words"}, {"schema", 3}, {"records", 2}, {"bytes", 13}}));
}

TEST_F(HotCommand, StatTellsHowFullItIs) {
  const auto live = run({"stat", "--json"}).events();
  ASSERT_EQ(live.size(), 1U);
  EXPECT_EQ(live[0]["live"], true);
  EXPECT_EQ(live[0]["epoch"], 1);
  EXPECT_EQ(live[0]["slots_used"], 3);
  EXPECT_EQ(live[0]["bytes_max"], 4 << 20);
  EXPECT_EQ(live[0]["entries"][0]["records"], 1);
  EXPECT_GT(live[0]["entries"][0]["load_factor"], 0.0);
  EXPECT_EQ(live[0]["entries"][2]["lag_messages"], 1);
  EXPECT_EQ(live[0]["entries"][2]["lag_bytes"], 32);
  EXPECT_THAT(run({"stat"}).out, HasSubstr("open: a process holds it"));
  store_.reset();
  EXPECT_THAT(run({"stat"}).out, HasSubstr("closed in good order"));
}

TEST_F(HotCommand, GetShowsARecord) {
  Finished done = run({"get", "players", "42"});
  EXPECT_EQ(done.code, 0) << done.err;
  EXPECT_EQ(done.out, "hp    7\nname  bob\n");
  EXPECT_EQ(run({"get", file(), "words", "alice"}).out, "68656c6c6f\n");
  done = run({"get", file(), "words", "0x0001", "--json"});
  ASSERT_EQ(done.events().size(), 1U);
  EXPECT_EQ(done.events()[0],
            base::Json({{"table", "words"}, {"key", "0x0001"}, {"schema", 3}, {"value", {{"hex", "78"}}}}));
}

TEST_F(HotCommand, GetEndsWith1WhenItIsNotThere) {
  for (const Words& words :
       {Words{"get", "players", "43"}, Words{"get", "words", "bob"}, Words{"get", "nobody", "1"}}) {
    const Finished done = run(words);
    EXPECT_EQ(done.code, 1);
    EXPECT_THAT(done.out, IsEmpty());
    EXPECT_THAT(done.err, HasSubstr("okg: hot get: "));
  }
  for (const Words& words : {Words{"get", "players", "bob"}, Words{"get", "words", "0x1"},
                             Words{"get", "words"}, Words{"get", "/nonexistent", "words", "a"}})
    EXPECT_EQ(run(words).code, 2);
}

TEST_F(HotCommand, ExportIsALineForEach) {
  const auto lines = run({"export"}).events();
  ASSERT_EQ(lines.size(), 5U);
  EXPECT_EQ(lines[0],
            base::Json::parse(R"({"table":"players","key":42,"schema":1,"value":{"hp":7,"name":"bob"}})"));
  EXPECT_EQ(lines[3],
            base::Json::parse(R"({"journal":"outbox","sequence":16,"schema":1,"value":{"hex":"73656e74"}})"));
  EXPECT_EQ(lines[4], base::Json::parse(R"({"region":"tick","schema":1,"value":{"value":5}})"));
  EXPECT_EQ(run({"export", "--table", "words"}).events().size(), 2U);
  EXPECT_EQ(run({"export", "--table", "nobody"}).code, 1);
}

TEST_F(HotCommand, ExportTellsHowLongARecordHas) {
  ASSERT_TRUE(store_->engine().set_deadline(1, "alice", base::Os::real().boottime_ns() + 3'600'000'000'000));
  for (const auto& line : run({"export", "--table", "words"}).events()) {
    if (line["key"] != "alice") continue;
    EXPECT_GT(line["deadline_ms"], 3'000'000);
    EXPECT_LE(line["deadline_ms"], 3'600'000);
  }
}

TEST_F(HotCommand, VerifyFindsTheFirstThingThatIsWrong) {
  Finished done = run({"verify"});
  EXPECT_EQ(done.code, 0) << done.out;
  EXPECT_THAT(done.out, HasSubstr("is sound: 3 records"));
  store_.reset();
  std::string bytes = read_file(file());
  bytes[bytes.find("hello")] = 'H';
  write_file(directory_ / "bad.okghot", bytes);
  done = run({"verify", directory_ / "bad.okghot"});
  EXPECT_EQ(done.code, 1);
  EXPECT_THAT(done.out, HasSubstr("checksum"));
  EXPECT_THAT(done.err, HasSubstr("okg: hot verify: hot state "));
  write_file(directory_ / "none.okghot", "nothing");
  const auto json = run({"verify", "--json", directory_ / "none.okghot"}).events();
  ASSERT_EQ(json.size(), 1U);
  EXPECT_EQ(json[0]["sound"], false);
  EXPECT_EQ(run({"verify", "/nonexistent"}).code, 2);
}

TEST_F(HotCommand, LeavesTheWriterAlone) {
  const std::string before = read_file(file());
  for (const char* what : {"ls", "stat", "verify", "export"}) EXPECT_EQ(run({what}).code, 0);
  EXPECT_EQ(read_file(file()), before);
  EXPECT_TRUE(store_->engine().put(1, "bob", "still here", 3));
}

TEST_F(HotCommand, ReadsWhileSomebodyWrites) {
  std::atomic<bool> is_done{false};
  std::thread writer([&] {
    for (std::uint64_t i = 0; !is_done; ++i)
      EXPECT_TRUE(store_->engine().put(1, "key " + std::to_string(i % 500), std::string(1 + i % 90, 'x'), 3));
  });
  for (int round = 0; round < 5; ++round) {
    const Finished verified = run({"verify", "--json"});
    EXPECT_EQ(verified.code, 0) << verified.out << verified.err;
    EXPECT_EQ(verified.events()[0]["sound"], true);
    const Finished exported = run({"export"});
    EXPECT_EQ(exported.code, 0) << exported.err;
    EXPECT_EQ(run({"get", "players", "42"}).out, "hp    7\nname  bob\n");
    EXPECT_EQ(run({"get", "players", "43"}).code, 1);
    EXPECT_EQ(run({"stat"}).code, 0);
  }
  is_done = true;
  writer.join();
}

TEST_F(HotCommand, WithoutSegmentsSaysWhereItLooked) {
  const Finished done = okg({"hot", "ls"}, {{"OKG_HOT_DIR", directory_ / "nowhere"}});
  EXPECT_EQ(done.code, 2);
  EXPECT_THAT(done.err, HasSubstr(directory_ / "nowhere"));
}

TEST_F(HotCommand, SchemaDiffOfASegmentAndAProgram) {
  const Finished done = run({"schema-diff", file(), OKG_SCHEMA_1});
  EXPECT_EQ(done.code, 1);
  EXPECT_THAT(done.out, HasSubstr("players / Player: changed without a new version"));
  EXPECT_THAT(done.out, HasSubstr("  ~ name:char[4]@4 -> char[16]@4\n"));
  EXPECT_EQ(run({"schema-diff", file(), file()}).code, 0);
}

TEST(HotSchemaDiff, SaysFieldByFieldWhatChanged) {
  const Finished done = okg({"hot", "schema-diff", OKG_SCHEMA_1, OKG_SCHEMA_2});
  EXPECT_EQ(done.code, 1) << done.err;
  EXPECT_EQ(done.out,
            "Chest: changed without a new version: both are version 5: raise it, or the server refuses the "
            "segment\n"
            "  ~ gold:u32@0 -> i32@0\n"
            "Item: added, version 1\n"
            "Monster: removed, was version 1\n"
            "Player: version 1 -> 2\n"
            "  + score:u64@24\n");
  const auto json = okg({"hot", "schema-diff", "--json", OKG_SCHEMA_1, OKG_SCHEMA_2}).events();
  ASSERT_EQ(json.size(), 1U);
  EXPECT_EQ(json[0]["same"], false);
  EXPECT_EQ(json[0]["changes"][0]["needs_version"], true);
  EXPECT_EQ(json[0]["changes"][3]["fields"][0],
            base::Json({{"name", "score"}, {"change", "added"}, {"to", "u64@24"}}));
}

TEST(HotSchemaDiff, OfTheSameIs0) {
  const Finished done = okg({"hot", "schema-diff", OKG_SCHEMA_1, OKG_SCHEMA_1});
  EXPECT_EQ(done.code, 0);
  EXPECT_EQ(done.out, "the same: 3 schemas\n");
}

TEST(HotSchemaDiff, OfWhatHasNoneIsBadInput) {
  const Finished done = okg({"hot", "schema-diff", OKG_SCHEMA_1, "/etc/passwd"});
  EXPECT_EQ(done.code, 2);
  EXPECT_THAT(done.err, HasSubstr("/etc/passwd: holds no schema"));
}

}  // namespace
}  // namespace okg::test
