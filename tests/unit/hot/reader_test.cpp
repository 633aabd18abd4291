// A segment seen from outside: while somebody writes, after a kill in mid-commit, and when it is damaged.
#include <random>
#include <thread>

#include "unit/hot/reader_fixture.hpp"

namespace okg::hot {
namespace {

TEST_F(HotReader, SeesWhatWasWritten) {
  const auto store = open();
  fill(*store, 2000);
  const auto reader = read();
  EXPECT_TRUE(reader->is_live());
  const auto names = names_in(*reader);
  ASSERT_TRUE(names);
  ASSERT_EQ(names->size(), 5U);
  EXPECT_EQ((*names)[2].name, "outbox");
  const auto players = records(*reader, 0);
  EXPECT_EQ(players.size(), 2000U);
  for (std::uint64_t key = 0; key < 2000; ++key) {
    EXPECT_EQ(value(*reader, 0, key_of(key)), value_of(key));
    EXPECT_EQ(players.at(std::string(key_of(key))), value_of(key));
  }
  EXPECT_EQ(value(*reader, 0, key_of(2000)), "(none)");
  EXPECT_EQ(records(*reader, 1).at("large"), std::string(100'000, 'x'));
  EXPECT_EQ(messages(*reader, 2), (std::vector<std::string>{"one", "two", "three"}));
}

TEST_F(HotReader, TellsWhoHoldsIt) {
  auto store = open();
  const auto reader = read();
  EXPECT_TRUE(reader->is_live());
  EXPECT_TRUE(reader->is_live());  // and asking takes no lock
  store.reset();
  EXPECT_FALSE(reader->is_live());
  EXPECT_NE(open(), nullptr);
}

TEST_F(HotReader, NeitherWritesNorAllocates) {
  {
    fill(*open(), 100);
  }
  struct stat before{}, after{};
  ASSERT_EQ(::stat(file().c_str(), &before), 0);
  const std::string content = bytes();
  // Its end has never been touched: a hole, which stays one.
  const std::string sparse = top / "sparse.okghot";
  test::write_file(sparse, content.substr(0, content.find_last_not_of('\0') + 1));
  ASSERT_EQ(::truncate(sparse.c_str(), static_cast<off_t>(content.size())), 0);
  ASSERT_EQ(::chmod(sparse.c_str(), 0400), 0);
  ASSERT_EQ(::stat(sparse.c_str(), &before), 0);
  const auto reader = read(sparse);
  const auto usage = verify(*reader);
  ASSERT_TRUE(usage) << usage.error().text;
  EXPECT_EQ(usage->records, 102U);
  look_through(os, sparse);
  ASSERT_EQ(::stat(sparse.c_str(), &after), 0);
  EXPECT_EQ(after.st_blocks, before.st_blocks);
  EXPECT_EQ(test::read_file(sparse), content);
}

TEST_F(HotReader, CountsWhatIsInUse) {
  const auto store = open();
  fill(*store, 500);
  const auto reader = read();
  const auto mapped = store->engine().verify();
  ASSERT_TRUE(mapped);
  const auto usage = verify(*reader);
  ASSERT_TRUE(usage) << usage.error().text;
  EXPECT_EQ(usage->records, mapped->records);
  EXPECT_EQ(usage->free_slots, mapped->free_slots);
  const auto pages = page_statistics(*reader);
  ASSERT_TRUE(pages);
  EXPECT_EQ(pages->slots, mapped->slots);
  EXPECT_EQ(pages->slots - pages->used_slots, mapped->free_slots);
  EXPECT_EQ(pages->without_meaning, 0U);
  const auto table = table_statistics(*reader, 0);
  ASSERT_TRUE(table);
  EXPECT_EQ(table->records, 500U);
  EXPECT_GT(table->load_factor(), 0.0);
}

// A process killed between step 3 and step 4: its log is committed, and nothing of it carried out.
TEST_F(HotReader, CarriesOutWhatAKilledProcessHadCommitted) {
  std::string before, after;
  {
    const auto store = open();
    fill(*store, 10);
    before = bytes();
    ASSERT_TRUE(store->engine().put(1, "alice", "changed"));
    after = bytes();
  }
  Header header{};
  std::memcpy(&header, before.data(), sizeof header);
  // The words of the operation's log are still there; so are the bytes of the new record, which nothing leads
  // to.
  std::size_t logs = 0;
  for (std::uint64_t shard = 0; shard < header.shards; ++shard) {
    const std::uint64_t state_at = kLogStatesOffset + shard * kLineBytes;
    const auto word_at = [](const std::string& of, std::uint64_t offset) {
      std::uint64_t word = 0;
      std::memcpy(&word, of.data() + offset, 8);
      return word;
    };
    if (word_at(before, state_at) == word_at(after, state_at)) continue;
    ++logs;
    std::string killed = after;
    const std::uint64_t log = header.logs_offset + shard * header.log_words * 8;
    // What its entries lead to gets its old bytes back, up to the first that is not of this operation.
    std::uint32_t words = 0;
    while (words < header.log_words) {
      const LogHead head = LogHead::from(word_at(after, log + words * 8));
      const std::uint64_t size = head.words * 8;
      if (size == 0 || head.offset + size > after.size()) break;
      if (after.compare(head.offset, size, after, log + words * 8 + 8, size) != 0) break;
      killed.replace(head.offset, size, before, head.offset, size);
      words += 1 + static_cast<std::uint32_t>(head.words);
    }
    ASSERT_GE(words, 4U);
    const LogState state = LogState::from(word_at(after, state_at));
    const std::uint64_t committed = LogState{true, state.sequence, words}.word();
    killed.replace(state_at, 8, reinterpret_cast<const char*>(&committed), 8);
    const std::string path = copy_of(killed);
    const auto reader = read(path);
    EXPECT_EQ(value(*reader, 1, "alice"), "changed");
    EXPECT_EQ(records(*reader, 1).at("alice"), "changed");
    const auto usage = verify(*reader);
    EXPECT_TRUE(usage) << usage.error().text;

    // The same bytes without the commit are those of before.
    const std::uint64_t idle = LogState{false, state.sequence, 0}.word();
    killed.replace(state_at, 8, reinterpret_cast<const char*>(&idle), 8);
    const auto uncommitted = read(copy_of(killed));
    EXPECT_EQ(value(*uncommitted, 1, "alice"), "hello");
  }
  EXPECT_EQ(logs, 1U);
}

TEST_F(HotReader, SeesARegionAsItWasCommittedLast) {
  const auto store = open();
  fill(*store, 1);
  Region& world = store->engine().region_at(3);
  Region& board = store->engine().region_at(4);
  std::memcpy(world.data(), "first", 6);
  ASSERT_TRUE(world.commit());
  ASSERT_TRUE(board.touch(0, 6));
  std::memcpy(board.data(), "first", 6);
  ASSERT_TRUE(board.commit());
  // Not committed: of the one in ordinary memory, of the other under an undo entry.
  std::memcpy(world.data(), "other", 6);
  ASSERT_TRUE(board.touch(0, 6));
  std::memcpy(board.data(), "other", 6);
  const auto reader = read();
  for (const std::size_t at : {3U, 4U}) {
    const auto bytes = reader->region(at, 1 << 20);
    ASSERT_TRUE(bytes) << bytes.error().text;
    EXPECT_EQ(bytes->size(), 300U);
    EXPECT_EQ(bytes->substr(0, 5), "first") << at;
  }
  ASSERT_TRUE(board.commit());
  EXPECT_EQ(reader->region(4, 1 << 20)->substr(0, 5), "other");
  EXPECT_EQ(reader->region(4, 299).error().code, base::Code::unsupported);
}

// The pieces of a transaction need not be seen together from outside, but each record is whole, and what is
// there all the while is seen.
TEST_F(HotReader, ReadsWhileSomebodyWrites) {
  auto chosen = options();
  chosen.segment.max_bytes = 32 << 20;
  const auto store = open(chosen);
  fill(*store, 3000);
  std::jthread writer([&](const std::stop_token& stop) {
    std::mt19937_64 random(1);
    auto& engine = store->engine();
    Region& board = engine.region_at(4);
    for (std::uint64_t i = 0; !stop.stop_requested(); ++i) {
      const std::uint64_t key = random() % 3000;
      EXPECT_TRUE(engine.put(0, key_of(key), value_of(key) + std::string(i % 40, '!')));
      const std::uint64_t other = 3000 + random() % 9000;
      if (i % 3 == 0) {
        EXPECT_TRUE(engine.put(0, key_of(other), value_of(other)));
      } else {
        (void)engine.erase(0, key_of(other));
      }
      if (engine.journal_at(2).append("message " + std::to_string(i))) {
      } else {
        std::array<char, 64> buffer{};
        Journal::Message message;
        ASSERT_TRUE(engine.journal_at(2).peek(0, buffer.data(), buffer.size(), &message));
        ASSERT_TRUE(engine.journal_at(2).acknowledge(message.sequence));
      }
      ASSERT_TRUE(board.touch(0, 300));
      std::memset(board.data(), static_cast<int>('a' + i % 26), 300);
      ASSERT_TRUE(board.commit());
    }
  });
  const auto reader = read();
  for (int round = 0; round < 20; ++round) {
    const auto found = records(*reader, 0);
    for (std::uint64_t key = 0; key < 3000; ++key) {
      const auto record = found.find(std::string(key_of(key)));
      ASSERT_NE(record, found.end()) << key;
      ASSERT_TRUE(record->second.starts_with(value_of(key))) << key;
    }
    for (std::uint64_t key = 0; key < 3000; key += 7) {
      const auto record = find_record(*reader, 0, key_of(key));
      ASSERT_TRUE(record) << record.error().text;
      ASSERT_TRUE(*record) << key;
    }
    (void)messages(*reader, 2);
    const auto board = reader->region(4, 1 << 20);
    if (board) {
      EXPECT_EQ(*board, std::string(300, board->front()));
    } else {
      EXPECT_EQ(board.error().code, base::Code::busy);
    }
    const auto readable = verify_readable(*reader);
    EXPECT_TRUE(readable || readable.error().code == base::Code::busy) << readable.error().text;
    EXPECT_TRUE(page_statistics(*reader));
  }
  writer.request_stop();
  writer.join();
  EXPECT_TRUE(store->engine().verify());
}

// A writer that acts between the reader's reads: the same as above, with no luck in it.
TEST_F(HotReader, IsOvertakenBetweenItsReads) {
  const auto store = open();
  fill(*store, 200);
  auto& engine = store->engine();
  okg::test::FaultyOs slow;
  const auto opened = Reader::open(slow, file());
  ASSERT_TRUE(opened);
  Reader& reader = **opened;
  std::mt19937_64 random(3);
  std::uint64_t reads = 0, pace = 0;
  slow.before_each([&](std::uint64_t, okg::test::Call kind) {
    if (kind != okg::test::Call::pread || ++reads % pace != 0) return;
    // Of one size and so many that slots are written anew which the reader was just led to.
    for (int i = 0; i < 500; ++i) {
      const std::uint64_t key = random() % 200;
      EXPECT_TRUE(engine.put(0, key_of(key), value_of(key) + std::string(100 - value_of(key).size(), '!')));
    }
  });
  for (pace = 5; pace < 40; pace += 4) {
    const auto found = records(reader, 0);
    ASSERT_EQ(found.size(), 200U);
    for (std::uint64_t key = 0; key < 200; ++key)
      ASSERT_TRUE(found.at(std::string(key_of(key))).starts_with(value_of(key)));
    for (std::uint64_t key = 0; key < 200; ++key) ASSERT_NE(value(reader, 0, key_of(key)), "(none)");
    ASSERT_EQ(value(reader, 0, key_of(1000)), "(none)");
  }

  // Half of what is to be committed, then all of it.
  Region& board = engine.region_at(4);
  std::uint64_t step = 0;
  slow.before_each([&](std::uint64_t, okg::test::Call kind) {
    if (kind != okg::test::Call::pread || ++reads % pace != 0) return;
    if (step % 2 == 0 && !board.touch(0, 300)) ADD_FAILURE();
    std::memset(board.data(), static_cast<int>('a' + step / 2 % 26), step % 2 == 0 ? 150 : 300);
    if (step % 2 == 1 && !board.commit()) ADD_FAILURE();
    ++step;
  });
  int whole = 0;
  for (pace = 7; pace < 20; ++pace)
    for (int i = 0; i < 20; ++i) {
      const auto bytes = reader.region(4, 1 << 20);
      if (!bytes) {  // the writer keeps step with it
        ASSERT_EQ(bytes.error().code, base::Code::busy);
        continue;
      }
      ++whole;
      ASSERT_EQ(*bytes, std::string(300, bytes->front()));
    }
  EXPECT_GT(whole, 100);
}

TEST_F(HotReader, FailsWhenReadingFails) {
  {
    fill(*open(), 10);
  }
  const auto reader = read();
  os.fail_every(test::Call::pread, EIO);
  const auto usage = verify(*reader);
  ASSERT_FALSE(usage);
  EXPECT_EQ(usage.error().code, base::Code::io);
}

TEST_F(HotReader, StopsWhenItIsTold) {
  {
    fill(*open(), 10);
  }
  std::stop_source stop;
  const auto reader = Reader::open(os, file(), stop.get_token());
  ASSERT_TRUE(reader);
  stop.request_stop();
  EXPECT_EQ(verify(**reader).error().code, base::Code::superseded);
  EXPECT_EQ(find_record(**reader, 0, key_of(1)).error().code, base::Code::superseded);
}

}  // namespace
}  // namespace okg::hot
