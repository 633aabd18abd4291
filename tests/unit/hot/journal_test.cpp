// Journals: messages come out in the order in which they went in, until they are acknowledged.
#include <deque>
#include <random>

#include "unit/hot/hot_fixture.hpp"

namespace okg::hot {
namespace {

class JournalTest : public HotTest {
 protected:
  Journal& journal(Store& store, std::uint64_t bytes = 8192) {
    const auto entry = store.journal("outbox", {bytes, 1, 0});
    EXPECT_TRUE(entry) << entry.error().text;
    return store.engine().journal_at(*entry);
  }
  // "" at the end; else "sequence too small" and the like cannot be mistaken for it.
  static std::string peek(const Journal& journal, std::uint64_t after, std::uint64_t* sequence) {
    std::string buffer(100'000, '\0');
    Journal::Message message;
    const auto peeked = journal.peek(after, buffer.data(), buffer.size(), &message);
    *sequence = message.sequence;
    if (!peeked) return peeked.error().code == base::Code::not_found ? "(end)" : peeked.error().text;
    return buffer.substr(0, message.bytes);
  }
};

TEST_F(JournalTest, MessagesComeOutAsTheyWentIn) {
  auto store = open();
  Journal& outbox = journal(*store);
  std::uint64_t sequence = 0;
  EXPECT_EQ(peek(outbox, 0, &sequence), "(end)");
  const auto one = outbox.append("one"), none = outbox.append(""), three = outbox.append("three");
  ASSERT_TRUE(one && none && three);
  EXPECT_LT(*one, *none);
  EXPECT_LT(*none, *three);
  EXPECT_EQ(peek(outbox, 0, &sequence), "one");
  EXPECT_EQ(sequence, *one);
  EXPECT_EQ(peek(outbox, *one, &sequence), "");
  EXPECT_EQ(peek(outbox, *none, &sequence), "three");
  EXPECT_EQ(peek(outbox, *three, &sequence), "(end)");
  ASSERT_TRUE(outbox.acknowledge(*none));
  EXPECT_EQ(peek(outbox, 0, &sequence), "three");
  ASSERT_TRUE(outbox.acknowledge(*one)) << "again is no error";
  EXPECT_EQ(peek(outbox, 0, &sequence), "three");
}

TEST_F(JournalTest, WhatIsNotAcknowledgedIsThereForTheNextProcess) {
  std::uint64_t first = 0, sequence = 0;
  {
    auto store = open();
    first = *journal(*store).append("to be sent");
  }
  auto store = open();
  Journal& outbox = journal(*store);
  EXPECT_EQ(peek(outbox, 0, &sequence), "to be sent");
  EXPECT_EQ(sequence, first) << "an idempotency key has to stay the same";
  ASSERT_TRUE(outbox.acknowledge(sequence));
  EXPECT_GT(*outbox.append("next"), first);
}

TEST_F(JournalTest, ItGoesRoundAndRound) {
  auto store = open();
  Journal& outbox = journal(*store, 4096);
  std::mt19937_64 random(1);
  std::deque<std::pair<std::uint64_t, std::string>> model;
  for (int i = 0; i < 5000; ++i) {
    const std::string message(random() % 700, static_cast<char>(random()));
    const auto appended = outbox.append(message);
    if (appended) {
      model.emplace_back(*appended, message);
    } else {
      ASSERT_EQ(appended.error().code, base::Code::no_space) << appended.error().text;
      ASSERT_GT(outbox.lag() + message.size() + 32, outbox.capacity()) << "there was room";
    }
    if (random() % 3 == 0 || !appended) {
      std::uint64_t sequence = 0;
      ASSERT_EQ(peek(outbox, 0, &sequence), model.front().second);
      ASSERT_EQ(sequence, model.front().first);
      ASSERT_TRUE(outbox.acknowledge(sequence));
      model.pop_front();
    }
  }
  ASSERT_TRUE(store->engine().verify());
}

TEST_F(JournalTest, WrongSequencesAndSizesAreRefused) {
  auto store = open();
  Journal& outbox = journal(*store);
  // A message that looks like a message inside of it.
  FrameHeader inside{0, 0, 0};
  const std::uint64_t first = *outbox.append("x");
  inside.sequence = first + 32 + 16;
  std::string nested(16, '\0');
  nested.append(reinterpret_cast<const char*>(&inside), sizeof inside);
  ASSERT_TRUE(outbox.append(nested));
  for (const std::uint64_t wrong : {std::uint64_t{0}, first + 1, first + 16, first + 32 + 16, UINT64_MAX})
    EXPECT_FALSE(outbox.acknowledge(wrong)) << wrong;
  EXPECT_EQ(outbox.append(std::string(8192, 'x')).error().code, base::Code::invalid_argument);
  char small[2];
  Journal::Message message;
  EXPECT_EQ(outbox.peek(first, small, sizeof small, &message).error().code, base::Code::no_space);
  EXPECT_EQ(message.bytes, nested.size());
}

TEST_F(JournalTest, AnotherSchemaOrKindIsNotTakenForOurs) {
  auto store = open();
  (void)journal(*store);
  EXPECT_EQ(store->journal("outbox", {8192, 2, 0}).error().code, base::Code::schema_mismatch);
  EXPECT_EQ(store->table("outbox", {}).error().code, base::Code::schema_mismatch);
  EXPECT_EQ(store->journal("tiny", {100, 1, 0}).error().code, base::Code::invalid_argument);
  EXPECT_EQ(store->journal("huge", {1ULL << 30, 1, 0}).error().code, base::Code::no_space);
}

TEST_F(JournalTest, ADamagedMessageIsSaidToBeOne) {
  {
    auto store = open();
    ASSERT_TRUE(journal(*store).append("a message that can be found in the file"));
  }
  damage("a message that can be found", 'A');
  auto store = open();
  std::uint64_t sequence = 0;
  EXPECT_NE(peek(journal(*store), 0, &sequence).find("checksum"), std::string::npos);
  EXPECT_FALSE(store->engine().verify());
}

}  // namespace
}  // namespace okg::hot
