#include "writer_fixture.hpp"

namespace okg::controller {
namespace {

TEST_F(WriterTest, SendsAPatchBasedOnWhatItSaw) {
  set("Allocated", {"None"}, 1);
  ASSERT_EQ(sent_.size(), 1U);
  EXPECT_EQ(sent_[0].resource_version, "10");
  EXPECT_EQ(sent_[0].fields.at("opsState"), "Allocated");
  EXPECT_EQ(ended(1), Code::busy);
  answer();
  EXPECT_EQ(ended(1), Code::ok);
}

TEST_F(WriterTest, WhatIsSoAlreadyIsNotSent) {
  set("None", {"None"}, 1);
  EXPECT_TRUE(sent_.empty());
  EXPECT_EQ(ended(1), Code::ok);
}

TEST_F(WriterTest, AConflictOverAnotherFieldIsTriedAgain) {
  set("Allocated", {"None"}, 1);
  somebody_writes("label/x", "1");
  answer();
  EXPECT_EQ(rereads_, 1);
  ASSERT_EQ(sent_.size(), 2U);
  EXPECT_EQ(sent_[1].resource_version, "11");
  answer();
  EXPECT_EQ(ended(1), Code::ok);
}

TEST_F(WriterTest, AFreshAllocatedIsNotOverwrittenByAnOldNone) {
  set("Draining", {"None"}, 1);
  answer();
  set("None", {"Draining"}, 2);
  somebody_writes(kOpsStateField, "Allocated");
  answer();  // 409
  EXPECT_EQ(sent_.size(), 2U);
  EXPECT_EQ(ended(2), Code::conflict);
  EXPECT_EQ(writer_.effective(kOpsStateField), "Allocated");
}

TEST_F(WriterTest, NorWhenItWasSeenBeforeTheGameHeardOfIt) {
  somebody_writes(kOpsStateField, "Allocated");
  tell();
  set("Maintaining", {"None"}, 1);  // the game has not polled yet
  EXPECT_TRUE(sent_.empty());
  EXPECT_EQ(ended(1), Code::conflict);
}

TEST_F(WriterTest, WithoutAnyKnowledgeOnlyWhatNobodySetIsOverwritten) {
  set("Maintaining", {}, 1);
  answer();
  EXPECT_EQ(ended(1), Code::ok);
  somebody_writes(kOpsStateField, "Allocated");
  tell();
  set("None", {}, 2);
  EXPECT_EQ(ended(2), Code::conflict);
}

TEST_F(WriterTest, ExpectComparesAndSets) {
  set("Allocated", {}, 1, Value("None"));
  answer();
  EXPECT_EQ(ended(1), Code::ok);
  set("Allocated", {}, 2, Value("None"));
  EXPECT_EQ(ended(2), Code::conflict);
}

TEST_F(WriterTest, ANewerWishTakesThePlaceOfOneThatWaits) {
  take(writer_.connected(false, now_));
  set("Allocated", {"None"}, 1);
  set("Draining", {"Allocated"}, 2);  // the game believes its own wish
  EXPECT_EQ(ended(1), Code::superseded);
  take(writer_.connected(true, now_));
  ASSERT_EQ(sent_.size(), 1U);
  EXPECT_EQ(sent_[0].fields.at("opsState"), "Draining");
  answer();
  EXPECT_EQ(ended(2), Code::ok);
}

TEST_F(WriterTest, ANewerWishWhileAPatchIsUnderWayFollowsIt) {
  set("Allocated", {"None"}, 1);
  set("Draining", {"Allocated"}, 2);
  EXPECT_EQ(sent_.size(), 1U);
  answer();
  EXPECT_EQ(ended(1), Code::ok);
  ASSERT_EQ(sent_.size(), 2U);
  answer();
  EXPECT_EQ(ended(2), Code::ok);
  EXPECT_EQ(object_.ops_state, "Draining");
}

TEST_F(WriterTest, WhatWasOvertakenOnItsWayEndsAlsoWhenItFails) {
  set("Allocated", {"None"}, 1);
  set("Draining", {"Allocated"}, 2);
  somebody_writes("label/x", "1");
  answer();  // 409
  EXPECT_EQ(ended(1), Code::superseded);
  set("Maintaining", {"Draining"}, 3);
  take(writer_.patched(sent_.back().id, Error(Code::io, "reset"), now_));
  EXPECT_EQ(ended(2), Code::superseded);
  tell();
  set("None", {"Maintaining"}, 4);
  take(writer_.patched(sent_.back().id, Error(Code::not_found, "gone"), now_));
  EXPECT_EQ(ended(3), Code::superseded);
}

TEST_F(WriterTest, OfflineTheLatestIsKeptAndSentUnlessTheObjectSaysOtherwise) {
  take(writer_.connected(false, now_));
  set("Draining", {"None"}, 1);
  now_ += 60 * kSecond;
  take(writer_.tick(now_));
  EXPECT_EQ(ended(1), Code::timeout);
  take(writer_.connected(true, now_));
  ASSERT_EQ(sent_.size(), 1U);
  answer();
  take(writer_.connected(false, now_));
  set("None", {"Draining"}, 2);
  somebody_writes(kOpsStateField, "Kill");
  tell();  // the list after reconnecting comes first
  take(writer_.connected(true, now_));
  EXPECT_EQ(ended(2), Code::conflict);
  EXPECT_EQ(sent_.size(), 1U);
}

TEST_F(WriterTest, AnExpectIsNotWrittenAfterItsDeadline) {
  take(writer_.connected(false, now_));
  set("Allocated", {}, 1, Value("None"));
  now_ += 60 * kSecond;
  take(writer_.tick(now_));
  EXPECT_EQ(ended(1), Code::timeout);
  EXPECT_EQ(texts_[1], "opsState: was not written in time");
  take(writer_.connected(true, now_));
  EXPECT_TRUE(sent_.empty());
}

TEST_F(WriterTest, WhatIsOnItsWayCannotBeTakenBackAtItsDeadline) {
  set("Allocated", {}, 1, Value("None"));
  ASSERT_EQ(sent_.size(), 1U);
  now_ += 60 * kSecond;
  take(writer_.tick(now_));
  EXPECT_EQ(ended(1), Code::timeout);
  EXPECT_EQ(texts_[1], "opsState: no answer in time: it may still arrive");
  answer();  // it does, and nobody waits any more
  EXPECT_EQ(object_.ops_state, "Allocated");
  EXPECT_EQ(sent_.size(), 1U);
}

TEST_F(WriterTest, WithoutAnAnswerTheObjectTellsWhetherItArrived) {
  set("Allocated", {}, 1, Value("None"));
  object_.ops_state = "Allocated";  // it did, the answer was lost
  object_.resource_version = "11";
  take(writer_.patched(sent_[0].id, Error(Code::timeout, "no answer"), now_));
  EXPECT_EQ(rereads_, 1);
  tell();
  EXPECT_EQ(ended(1), Code::ok);
  EXPECT_EQ(sent_.size(), 1U);
}

TEST_F(WriterTest, AndIsSentAgainWhenItDidNot) {
  set("Allocated", {"None"}, 1);
  take(writer_.patched(sent_[0].id, Error(Code::io, "reset"), now_));
  tell();
  ASSERT_EQ(sent_.size(), 2U);
  answer();
  EXPECT_EQ(ended(1), Code::ok);
}

TEST_F(WriterTest, WhatTheControllersStaleCopyTookBackIsWrittenAgainThreeTimesAtMost) {
  set("Allocated", {"None"}, 1);
  answer();
  for (int again = 1; again <= 3; ++again) {
    somebody_writes(kOpsStateField, "None", "manager");
    tell();
    EXPECT_EQ(writer_.effective(kOpsStateField), "Allocated") << "the game need not hear of it";
    now_ += 10 * kSecond;
    take(writer_.tick(now_));
    ASSERT_EQ(sent_.size(), 1U + static_cast<unsigned>(again));
    answer();
  }
  somebody_writes(kOpsStateField, "None", "manager");
  tell();
  now_ += 60 * kSecond;
  take(writer_.tick(now_));
  EXPECT_EQ(sent_.size(), 4U);
  EXPECT_EQ(writer_.effective(kOpsStateField), "None");
}

}  // namespace
}  // namespace okg::controller
