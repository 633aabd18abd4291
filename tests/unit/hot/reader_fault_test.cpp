// A file that is damaged, cut off, or made by an enemy: one clear error, or an answer; no crash, no hang.
#include <random>

#include "unit/hot/reader_fixture.hpp"

namespace okg::hot {
namespace {

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
