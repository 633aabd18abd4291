// Segments of format 1.0 as they were written once: what opens them today has to open them tomorrow.
//
// A golden file is text: a line with the size in bytes, then "OFFSET HEX" for each 32 bytes that are not
// zeros. OKG_WRITE_GOLDEN=1 writes them anew: only when the format's number changed.
#include <cstdlib>

#include "base/text.hpp"
#include "unit/hot/reader_fixture.hpp"

namespace okg::hot {
namespace {

constexpr std::size_t kPiece = 32;

class Golden : public HotReader {
 protected:
  static std::string path_of(const std::string& name) {
    return OKG_GOLDEN + std::string("/") + name + ".txt";
  }
  static bool writes() { return std::getenv("OKG_WRITE_GOLDEN") != nullptr; }

  std::string bytes() const { return okg::test::read_file(file()); }

  void keep(const std::string& name, const std::string& bytes) const {
    std::ofstream out(path_of(name));
    out << bytes.size() << '\n';
    for (std::size_t at = 0, times = 1; at < bytes.size(); at += times * kPiece) {
      const std::string piece = bytes.substr(at, kPiece);
      for (times = 1;
           at + times * kPiece < bytes.size() && bytes.compare(at + times * kPiece, kPiece, piece) == 0;)
        ++times;
      if (piece.find_first_not_of('\0') != std::string::npos)
        out << at << ' ' << times << ' '
            << base::to_hex(reinterpret_cast<const std::uint8_t*>(piece.data()), piece.size()) << '\n';
    }
  }
  void lay_down(const std::string& name) {
    std::ifstream in(path_of(name));
    std::size_t size = 0, at = 0, times = 0;
    ASSERT_TRUE(in >> size) << path_of(name) << " is not there";
    std::string bytes(size, '\0'), hex;
    while (in >> at >> times >> hex)
      for (std::size_t i = 0; i < times * kPiece; ++i)
        bytes.at(at + i) = static_cast<char>(std::stoi(hex.substr(i % kPiece * 2, 2), nullptr, 16));
    std::filesystem::create_directories(top / "hot");
    std::filesystem::permissions(top / "hot", std::filesystem::perms::owner_all);
    okg::test::write_file(file(), bytes, 0600);
  }

  StoreOptions small() {
    StoreOptions chosen = options();
    chosen.segment.max_bytes = kLeastBytes;
    return chosen;
  }
  void write_contents(Store& store) {
    fill(store, 20);
    Engine& engine = store.engine();
    ASSERT_TRUE(engine.erase(0, key_of(3)));
    ASSERT_TRUE(engine.set_deadline(1, "alice", INT64_MAX));
    std::uint64_t first = 0;
    ASSERT_TRUE(for_each_message(*read(), 2, [&](std::uint64_t sequence, std::string_view) {
      first = sequence;
      return false;
    }));
    ASSERT_TRUE(engine.journal_at(2).acknowledge(first));
    std::memcpy(engine.region_at(3).data(), "the world", 9);
    ASSERT_TRUE(engine.region_at(3).commit());
    ASSERT_TRUE(engine.region_at(4).touch(0, 300));
    std::memcpy(engine.region_at(4).data(), "the board", 9);
    ASSERT_TRUE(engine.region_at(4).commit());
  }

  // What is read from outside; `seven` is the value of key 7.
  void expect_read(const std::string& seven) {
    const auto reader = read();
    ASSERT_TRUE(reader->refresh());
    std::map<std::string, std::string> players = records(*reader, 0);
    EXPECT_EQ(players.size(), 19U);
    EXPECT_FALSE(players.contains(std::string(key_of(3))));
    EXPECT_EQ(players.at(std::string(key_of(7))), seven);
    EXPECT_EQ(players.at(std::string(key_of(19))), value_of(19));
    const auto words = records(*reader, 1);
    EXPECT_EQ(words.at("alice"), "hello");
    EXPECT_EQ(words.at("large"), std::string(100'000, 'x'));
    EXPECT_EQ(messages(*reader, 2), (std::vector<std::string>{"two", "three"}));
    for (const auto& [at, text] : {std::pair(3, "the world"), std::pair(4, "the board")}) {
      const auto region = reader->region(static_cast<std::size_t>(at), 1 << 20);
      ASSERT_TRUE(region) << region.error().text;
      EXPECT_EQ(region->substr(0, 10), text + std::string(1, '\0'));
    }
  }
  // And what the next process has.
  void expect_resumed(const std::string& seven) {
    const auto store = open();
    EXPECT_EQ(store->report().opened, Opened::resumed);
    Engine& engine = store->engine();
    const auto usage = engine.verify();
    EXPECT_TRUE(usage) << usage.error().text;
    const auto players = store->table("players", {});
    ASSERT_TRUE(players) << players.error().text;
    EXPECT_EQ(get(**players, 7), seven);
    EXPECT_EQ(get(**players, 3), "(missing)");
    EXPECT_EQ(store->report().size.records, 21U);
    ASSERT_TRUE((*players)->put(key_of(7), "from now on"));
    EXPECT_EQ(get(**players, 7), "from now on");
    const auto region = engine.region("world", {.bytes = 300});
    ASSERT_TRUE(region);
    EXPECT_EQ(std::memcmp(engine.region_at(*region).data(), "the world", 10), 0);
  }
};

TEST_F(Golden, ClosedInGoodOrder) {
  if (writes()) {
    {
      const auto store = open(small());
      write_contents(*store);
    }
    keep("closed", bytes());
  }
  lay_down("closed");
  expect_read(value_of(7));
  expect_resumed(value_of(7));
}

// The log says that key 7 has a new value; the record itself is the old one.
TEST_F(Golden, KilledBetweenCommitAndApply) {
  const std::string wanted = "VALUE 7" + std::string(7, '!');
  if (writes()) {
    std::string before, after;
    {
      const auto store = open(small());
      write_contents(*store);
      before = bytes();
      ASSERT_TRUE(store->engine().put(0, key_of(7), wanted));
      after = bytes();
    }
    ASSERT_EQ(wanted.size(), value_of(7).size());
    const std::size_t at = after.rfind(wanted), record = at - front_bytes(8, false);
    const std::uint64_t words = padded(front_bytes(8, false) + wanted.size(), 8) / 8;
    after.replace(record, words * 8, before.substr(record, words * 8));
    for (std::size_t log = 0; log < options().segment.shards; ++log) {
      const std::size_t state_at = kLogStatesOffset + log * kLineBytes;
      LogState state{};
      std::uint64_t word = 0;
      std::memcpy(&word, after.data() + state_at, 8);
      if (std::memcmp(before.data() + state_at, &word, 8) == 0) continue;
      state = LogState::from(word);
      word = LogState{true, state.sequence, static_cast<std::uint32_t>(1 + words)}.word();
      std::memcpy(after.data() + state_at, &word, 8);
    }
    keep("killed", after);
  }
  lay_down("killed");
  expect_read(wanted);
  expect_resumed(wanted);
}

}  // namespace
}  // namespace okg::hot
