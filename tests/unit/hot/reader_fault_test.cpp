// A file that is damaged, cut off, or made by an enemy: one clear error, or an answer; no crash, no hang.
#include <random>

#include "unit/hot/reader_fixture.hpp"

namespace okg::hot {
namespace {

struct CountingOs : base::Os {
  ssize_t pread(int fd, void* data, std::size_t size, off_t offset) override {
    const ssize_t got = Os::pread(fd, data, size, offset);
    if (got > 0) bytes += static_cast<std::uint64_t>(got);
    return got;
  }
  std::uint64_t bytes = 0;
};

class HotReaderFault : public HotReader {
 protected:
  // Small, so that much of it means something.
  std::string segment() {
    auto chosen = options();
    chosen.segment.max_bytes = 1 << 20;
    {
      fill(*open(chosen), 60);
    }
    return bytes();
  }
  base::Error error_of(const std::string& bytes) {
    const auto reader = Reader::open(os, copy_of(bytes));
    if (!reader) return reader.error();
    const auto usage = verify(**reader);
    return usage ? base::Error(base::Code::ok, "") : usage.error();
  }
  static void put_word(std::string& bytes, std::uint64_t offset, std::uint64_t word) {
    bytes.replace(offset, 8, reinterpret_cast<const char*>(&word), 8);
  }
  static std::uint64_t word_at(const std::string& bytes, std::uint64_t offset) {
    std::uint64_t word = 0;
    std::memcpy(&word, bytes.data() + offset, 8);
    return word;
  }
  static Header header_of(const std::string& bytes) {
    Header header{};
    std::memcpy(&header, bytes.data(), sizeof header);
    return header;
  }
  // Where the first shard's root of a table lies in which there is something.
  static std::uint64_t root_of(const std::string& bytes, std::size_t table) {
    std::uint64_t at = header_of(bytes).tables_offset + table * sizeof(Entry) + offsetof(Entry, shards);
    while (word_at(bytes, at) == 0) at += sizeof(ShardRoot);
    return at;
  }
  static std::uint64_t leaf_of(const std::string& bytes, std::size_t table) {
    return Rooted::from(word_at(bytes, Rooted::from(word_at(bytes, root_of(bytes, table))).offset)).offset;
  }
};

TEST_F(HotReaderFault, OfEveryKind) {
  EXPECT_EQ(Reader::open(os, top / "nothing").error().code, base::Code::not_found);
  EXPECT_EQ(Reader::open(os, top.path()).error().code, base::Code::invalid_argument);
  ASSERT_EQ(::mkfifo((top / "fifo").c_str(), 0600), 0);
  EXPECT_EQ(Reader::open(os, top / "fifo").error().code, base::Code::invalid_argument);
  ASSERT_EQ(::symlink(file().c_str(), (top / "link").c_str()), 0);
  EXPECT_EQ(Reader::open(os, top / "link").error().code, base::Code::denied);
  EXPECT_EQ(error_of("").code, base::Code::corrupt);
  EXPECT_EQ(error_of(std::string(1 << 20, 'x')).code, base::Code::corrupt);
}

TEST_F(HotReaderFault, CutOffAtManyLengths) {
  const std::string whole = segment();
  ASSERT_EQ(error_of(whole).code, base::Code::ok);
  std::vector<std::size_t> lengths;
  for (std::size_t length = 0; length < 400; ++length) lengths.push_back(length);
  for (std::size_t length = 400; length < whole.size(); length += 4093) lengths.push_back(length);
  lengths.push_back(whole.size() - 1);
  for (const std::size_t length : lengths) {
    const auto error = error_of(whole.substr(0, length));
    ASSERT_EQ(error.code, base::Code::corrupt) << length;
    ASSERT_NE(error.text.find(length < sizeof(Header) ? "header" : "cut off"), std::string::npos)
        << error.text;
  }
}

// Cut off while it is open.
TEST_F(HotReaderFault, CutOffUnderneath) {
  const std::string path = copy_of(segment());
  const auto reader = read(path);
  std::filesystem::resize_file(path, 4096 * 40);
  EXPECT_EQ(verify(*reader).error().code, base::Code::corrupt);
  look_through(os, path);
}

TEST_F(HotReaderFault, EveryBitOfTheHeader) {
  const std::string whole = segment();
  for (std::size_t bit = 0; bit < sizeof(Header) * 8; ++bit) {
    std::string damaged = whole.substr(0, sizeof(Header));
    damaged[bit / 8] = static_cast<char>(damaged[bit / 8] ^ 1 << bit % 8);
    const auto code = error_of(damaged).code;
    ASSERT_TRUE(code == base::Code::corrupt || code == base::Code::unsupported) << bit;
  }
}

TEST_F(HotReaderFault, SaysWhatIsWrong) {
  const std::string whole = segment();
  const auto patched = [&](std::uint64_t offset, std::uint64_t word) {
    std::string damaged = whole;
    damaged.replace(offset, 8, reinterpret_cast<const char*>(&word), 8);
    return error_of(damaged).text;
  };
  Header header{};
  std::memcpy(&header, whole.data(), sizeof header);
  EXPECT_NE(patched(kLogStatesOffset, LogState{true, 1, 1}.word()).find("an entry is cut off"),
            std::string::npos);
  EXPECT_NE(patched(kLogStatesOffset, LogState{true, 1, UINT32_MAX}.word()).find("its state is none"),
            std::string::npos);
  EXPECT_NE(patched(header.tables_offset, 77).find("entry 0: is damaged"), std::string::npos);
  EXPECT_NE(patched(header.tables_offset + offsetof(Entry, shards) + 8, 77).find("counted as 77"),
            std::string::npos);
  EXPECT_NE(patched(header.tables_offset + offsetof(Entry, shards), 1ULL << 57 | 4096).find("no directory"),
            std::string::npos);
  EXPECT_NE(patched(header.page_map_offset + header.data_offset / kPageBytes * 8, 0).find("a run of 0"),
            std::string::npos);
  // A bit of a value.
  std::string damaged = whole;
  const std::size_t at = damaged.find("value 42");
  ASSERT_NE(at, std::string::npos);
  damaged[at] = 'V';
  EXPECT_NE(error_of(damaged).text.find("checksum"), std::string::npos);
  const auto reader = read(copy_of(damaged));
  EXPECT_EQ(find_record(*reader, 0, key_of(42)).error().code, base::Code::corrupt);
  EXPECT_EQ(value(*reader, 0, key_of(41)), value_of(41));
  std::uint64_t records = 0, bad = 0;
  ASSERT_TRUE(for_each_record(*reader, 0, [&](const Record&) { return ++records != 0; }, &bad));
  EXPECT_EQ(records, 59U);
  EXPECT_EQ(bad, 1U);
}

TEST_F(HotReaderFault, CommittedLogsOfNoWords) {
  std::string bytes = segment();
  const std::uint64_t region = header_of(bytes).tables_offset + 3 * sizeof(Entry) + offsetof(Entry, region);
  put_word(bytes, kLogStatesOffset, LogState{true, 1, 0}.word());
  put_word(bytes, region, LogState{true, 1, 0}.word());
  EXPECT_EQ(error_of(bytes).code, base::Code::ok);
  EXPECT_TRUE(read(copy_of(bytes))->region(3, 1 << 20));
}

// Of a sparse file it could be as large as memory is.
TEST_F(HotReaderFault, ARegionsLogIsNoLargerThanItNeeds) {
  std::string bytes = segment();
  const std::uint64_t region = header_of(bytes).tables_offset + 3 * sizeof(Entry);
  const std::uint64_t log = word_at(bytes, region + offsetof(Entry, log_offset));
  const std::uint64_t words = (bytes.size() - log) / 8;
  ASSERT_GT(words, 1000U);
  put_word(bytes, region + offsetof(Entry, log_words), words);
  put_word(bytes, region + offsetof(Entry, region),
           LogState{true, 1, static_cast<std::uint32_t>(words)}.word());
  const auto got = read(copy_of(bytes))->region(3, 1 << 20);
  ASSERT_FALSE(got);
  EXPECT_NE(got.error().text.find("its state is none"), std::string::npos) << got.error().text;
}

TEST_F(HotReaderFault, ADirectoryLeadsToOneLeafAgainAndAgain) {
  std::string bytes = segment();
  const std::uint64_t leaf = leaf_of(bytes, 0), directory = bytes.size() - (8U << 12);
  for (std::uint64_t at = directory; at < bytes.size(); at += 8) put_word(bytes, at, Rooted{12, leaf}.word());
  put_word(bytes, root_of(bytes, 0), Rooted{12, directory}.word());
  const auto reader = read(copy_of(bytes));
  std::uint64_t records = 0, damaged = 0;
  const auto done = for_each_record(*reader, 0, [&](const Record&) { return ++records != 0; }, &damaged);
  EXPECT_EQ(done.error().code, base::Code::corrupt);
  EXPECT_LE(records, 60U);
  EXPECT_EQ(table_statistics(*reader, 0).error().code, base::Code::corrupt);
}

// No writer takes such a segment, so verify says that it is not sound.
TEST_F(HotReaderFault, ADirectoryReachesBehindItsRun) {
  std::string bytes = segment();
  const Header header = header_of(bytes);
  const std::uint64_t root = root_of(bytes, 0), leaf = leaf_of(bytes, 0);
  const std::uint64_t shard = (root - header.tables_offset - offsetof(Entry, shards)) / sizeof(ShardRoot);
  const std::uint64_t old = Rooted::from(word_at(bytes, root)).offset;
  const std::uint64_t made = word_at(bytes, kUsedPagesOffset);
  const auto set_page = [&](std::uint64_t page, PageKind kind, std::uint64_t of) {
    put_word(bytes, header.page_map_offset + page * 8,
             PageWord{kind, static_cast<std::uint8_t>(of), 0, 1}.word());
  };
  put_word(bytes, kUsedPagesOffset, made + 2);
  set_page(old / kPageBytes, PageKind::free, 0);
  set_page(made, PageKind::directory, shard);
  set_page(made + 1, PageKind::free, 0);
  for (std::uint64_t i = 0; i < 1024; ++i) put_word(bytes, made * kPageBytes + i * 8, Rooted{0, leaf}.word());
  put_word(bytes, root, Rooted{9, made * kPageBytes}.word());
  EXPECT_EQ(error_of(bytes).text, "");
  put_word(bytes, root, Rooted{10, made * kPageBytes}.word());
  EXPECT_NE(error_of(bytes).text.find("its directory is not its own"), std::string::npos);
}

TEST_F(HotReaderFault, CellsLeadToOneRecordAgainAndAgain) {
  std::string bytes = segment();
  const std::uint64_t players = leaf_of(bytes, 0);
  const std::size_t large = bytes.find(std::string(1000, 'x'));
  ASSERT_NE(large, std::string::npos);
  const std::uint64_t record = large - front_bytes(5, false);
  std::uint64_t cell = 0;
  for (std::uint64_t at = header_of(bytes).data_offset; at < bytes.size(); at += 8)
    if ((word_at(bytes, at) & kCellOffsetMask) == record / kSlotUnit && word_at(bytes, at) >> 40 != 0)
      cell = at;
  ASSERT_NE(cell, 0U);

  // Of another table: nobody reads a value that is not asked for.
  std::string other = bytes;
  for (std::uint64_t at = 0; at < kPageBytes; at += 8) put_word(other, players + at, word_at(bytes, cell));
  CountingOs counting;
  const auto reader = Reader::open(counting, copy_of(other));
  ASSERT_TRUE(reader);
  std::uint64_t damaged = 0;
  const auto visit = [](const Record&) { return true; };
  EXPECT_TRUE(for_each_record(**reader, 0, visit, &damaged));
  EXPECT_GE(damaged, 512U);
  EXPECT_LT(counting.bytes, 1U << 20);

  // Of this one: more than the file has room for.
  const std::uint64_t own = cell / kPageBytes * kPageBytes;
  for (std::uint64_t at = 0; at < kPageBytes; at += 8) put_word(bytes, own + at, word_at(bytes, cell));
  const auto again = Reader::open(counting, copy_of(bytes));
  ASSERT_TRUE(again);
  counting.bytes = 0;
  EXPECT_EQ(for_each_record(**again, 1, visit, &damaged).error().code, base::Code::corrupt);
  EXPECT_LT(counting.bytes, 3U << 20);
}

TEST_F(HotReaderFault, ReadsACommittedLogOnce) {
  std::string bytes = segment();
  const Header header = header_of(bytes);
  const std::uint64_t words = 500;
  put_word(bytes, header.logs_offset, LogHead{header.tables_offset, words - 1}.word());
  bytes.replace(header.logs_offset + 8, (words - 1) * 8, bytes, header.tables_offset, (words - 1) * 8);
  put_word(bytes, kLogStatesOffset, LogState{true, 1, words}.word());
  CountingOs counting;
  const auto reader = Reader::open(counting, copy_of(bytes));
  ASSERT_TRUE(reader);
  EXPECT_GE(counting.bytes, words * 8);
  counting.bytes = 0;
  ASSERT_TRUE((*reader)->refresh());
  EXPECT_LT(counting.bytes, words * 8);
  EXPECT_EQ(value(**reader, 1, "alice"), "hello");
}

TEST_F(HotReaderFault, RandomPatches) {
  const std::string whole = segment();
  Header header{};
  std::memcpy(&header, whole.data(), sizeof header);
  std::mt19937_64 random(7);
  const std::string path = copy_of(whole);
  const base::UniqueFd fd(::open(path.c_str(), O_RDWR | O_CLOEXEC));
  const std::uint64_t used = header.data_offset + 60 * kPageBytes;
  for (int round = 0; round < 1500; ++round) {
    std::vector<std::pair<std::uint64_t, std::string>> old;
    for (std::uint64_t patches = 1 + random() % 4; patches > 0; --patches) {
      // Behind the header, whose checksum would find it; half of them where most has a meaning.
      std::uint64_t offset = 1024 + random() % (used - 1024) / 8 * 8;
      if (random() % 2 == 0)
        offset = kStateOffset + random() % (header.logs_offset + 256 - kStateOffset) / 8 * 8;
      std::uint64_t word = 0;
      std::memcpy(&word, whole.data() + offset, 8);
      switch (random() % 5) {
        case 0:
          word ^= 1ULL << random() % 64;
          break;
        case 1:
          word = random();
          break;
        case 2:
          word = random() % (used / 4096) * 4096;
          break;
        case 3:
          word += 1 - random() % 3;
          break;
        default:
          word =
              LogState{true, static_cast<std::uint32_t>(random()), static_cast<std::uint32_t>(random() % 64)}
                  .word();
      }
      old.emplace_back(offset, whole.substr(offset, 8));
      ASSERT_EQ(::pwrite(fd.get(), &word, 8, static_cast<off_t>(offset)), 8);
    }
    look_through(os, path);
    for (const auto& [offset, bytes] : old)
      ASSERT_EQ(::pwrite(fd.get(), bytes.data(), 8, static_cast<off_t>(offset)), 8);
  }
  EXPECT_TRUE(verify(*read(path)));
}

}  // namespace
}  // namespace okg::hot
