// What was written, and is not there any more; and what failed.
#include "writer_fixture.hpp"

namespace okg::controller {
namespace {

TEST_F(WriterTest, AlsoWhenTheAnswerWasLost) {
  set("Allocated", {"None"}, 1);
  somebody_writes(kOpsStateField, "Allocated", "okg");
  take(writer_.patched(sent_[0].id, Error(Code::io, "reset"), now_));
  tell();
  EXPECT_EQ(ended(1), Code::ok);
  somebody_writes(kOpsStateField, "None", "manager");
  tell();
  EXPECT_EQ(sent_.size(), 2U);
  EXPECT_EQ(writer_.effective(kOpsStateField), "Allocated");
}

TEST_F(WriterTest, AlsoWhenTheWatchIsFasterThanTheAnswer) {
  set("Allocated", {"None"}, 1);
  somebody_writes(kOpsStateField, "Allocated", "okg");
  const auto written = copy();
  somebody_writes(kOpsStateField, "None", "manager");
  tell();
  take(writer_.patched(sent_[0].id, written, now_));
  EXPECT_EQ(ended(1), Code::ok);
  ASSERT_EQ(sent_.size(), 2U);
  answer();
  EXPECT_EQ(object_.ops_state, "Allocated");
}

TEST_F(WriterTest, WhoExpectsWhatIsToBeWrittenAgainGetsIt) {
  set("Allocated", {"None"}, 1);
  answer();
  for (int again = 0; again < 2; ++again) {  // the second time it waits a while
    somebody_writes(kOpsStateField, "None", "manager");
    tell();
    if (again == 0) answer();
  }
  EXPECT_EQ(writer_.effective(kOpsStateField), "Allocated");
  set("Draining", {}, 2, Value("Allocated"));
  answer();
  EXPECT_EQ(ended(2), Code::ok);
  EXPECT_EQ(object_.ops_state, "Draining");
}

TEST_F(WriterTest, WhatIsToBeWrittenAgainIsNotWrittenOverSomebodysSameValue) {
  set("Allocated", {"None"}, 1);
  answer();
  somebody_writes(kOpsStateField, "None", "manager");
  tell();
  ASSERT_EQ(sent_.size(), 2U);
  somebody_writes(kOpsStateField, "Kill");
  somebody_writes(kOpsStateField, "None");  // decided by somebody, this time
  answer();                                 // 409
  EXPECT_EQ(sent_.size(), 2U);
  EXPECT_EQ(writer_.effective(kOpsStateField), "None");
}

TEST_F(WriterTest, ANewerWishIsWrittenAlsoWhenItWasTakenBackWithTheOneBefore) {
  set("Allocated", {"None"}, 1);
  answer();
  set("Draining", {"Allocated"}, 2);
  somebody_writes(kOpsStateField, "Draining", "okg");
  somebody_writes(kOpsStateField, "None", "manager");  // a copy older than both
  take(writer_.patched(sent_[1].id, Error(Code::io, "reset"), now_));
  tell();
  answer();
  EXPECT_EQ(ended(2), Code::ok);
  EXPECT_EQ(object_.ops_state, "Draining");
}

TEST_F(WriterTest, AGameServerWithASmallerVersionIsOneWhenThereIsNone) {
  take(writer_.seen(nullptr, now_));
  object_.resource_version = "3";  // a backup was restored
  tell();
  set("Allocated", {"None"}, 1);
  answer();
  EXPECT_EQ(ended(1), Code::ok);
  EXPECT_EQ(object_.ops_state, "Allocated");
}

TEST_F(WriterTest, ANewerWishIsBasedOnWhatTheControllerTookBack) {
  set("Allocated", {"None"}, 1);
  answer();
  take(writer_.connected(false, now_));
  set("Draining", {"Allocated"}, 2);
  somebody_writes(kOpsStateField, "None", "manager");
  tell();
  EXPECT_EQ(writer_.effective(kOpsStateField), "Allocated") << "the game need not hear of it";
  take(writer_.connected(true, now_));
  answer();
  EXPECT_EQ(ended(2), Code::ok);
  EXPECT_EQ(object_.ops_state, "Draining");
}

TEST_F(WriterTest, WhatIsToBeWrittenAgainDoesNotHideSomebodyElses) {
  set("Allocated", {"None"}, 1);
  answer();
  take(writer_.connected(false, now_));
  somebody_writes(kOpsStateField, "None", "manager");
  tell();
  EXPECT_EQ(writer_.effective(kOpsStateField), "Allocated");
  somebody_writes(kOpsStateField, "Kill");
  tell();
  EXPECT_EQ(writer_.effective(kOpsStateField), "Kill");
  take(writer_.connected(true, now_));
  EXPECT_EQ(sent_.size(), 1U);
}

TEST_F(WriterTest, WhatSomebodyElsePutBackIsLeftAlone) {
  set("Allocated", {"None"}, 1);
  answer();
  somebody_writes(kOpsStateField, "None", "matchmaker");
  tell();
  EXPECT_EQ(sent_.size(), 1U);
  EXPECT_EQ(writer_.effective(kOpsStateField), "None");
}

TEST_F(WriterTest, NorIsWhatTheControllerWritesAMinuteLater) {
  set("Allocated", {"None"}, 1);
  answer();
  now_ += 60 * kSecond;
  somebody_writes(kOpsStateField, "None", "manager");
  tell();
  EXPECT_EQ(sent_.size(), 1U);
  EXPECT_EQ(writer_.effective(kOpsStateField), "None");
}

TEST_F(WriterTest, NorIsAnotherValueOfTheControllersAStaleCopy) {
  set("Allocated", {"None"}, 1);
  answer();
  somebody_writes(kOpsStateField, "Maintaining", "manager");  // the action of a service quality
  tell();
  EXPECT_EQ(sent_.size(), 1U);
}

TEST_F(WriterTest, OldEventsOfAWatchAreNoNews) {
  const auto old = copy();
  set("Allocated", {"None"}, 1);
  answer();
  take(writer_.seen(old, now_));
  EXPECT_EQ(sent_.size(), 1U);
  EXPECT_EQ(writer_.effective(kOpsStateField), "Allocated");
}

TEST_F(WriterTest, AGameServerMadeAnewHasLostWhatWeWrote) {
  set("Allocated", {"None"}, 1);
  answer();
  object_.uid = "u2";
  somebody_writes(kOpsStateField, "None", "manager");
  tell();
  EXPECT_EQ(sent_.size(), 1U) << "the game decides";
  EXPECT_EQ(writer_.effective(kOpsStateField), "None");
}

TEST_F(WriterTest, TheAnswerOfTheOneBeforeItChangesNothing) {
  set("Allocated", {"None"}, 1);
  somebody_writes(kOpsStateField, "Allocated", "okg");
  const auto before = copy();
  object_.uid = "u2";
  somebody_writes(kOpsStateField, "None", "manager");
  tell();  // the watch is faster
  take(writer_.patched(sent_[0].id, before, now_));
  EXPECT_EQ(ended(1), Code::ok);
  EXPECT_EQ(sent_.size(), 1U);
  EXPECT_EQ(writer_.object()->uid, "u2");
  EXPECT_EQ(writer_.effective(kOpsStateField), "None");
}

TEST_F(WriterTest, NorIsItWhatANewerWishIsComparedWith) {
  set("Allocated", {"None"}, 1);
  set("Draining", {}, 2, Value("Allocated"));
  somebody_writes(kOpsStateField, "Allocated", "okg");
  const auto before = copy();
  object_.uid = "u2";
  somebody_writes(kOpsStateField, "None", "manager");
  tell();
  take(writer_.patched(sent_[0].id, before, now_));
  EXPECT_EQ(ended(2), Code::conflict) << "the new one has never been Allocated";
  EXPECT_EQ(sent_.size(), 1U);
}

TEST_F(WriterTest, NorDoesItBringBackWhatWasDeleted) {
  set("Allocated", {"None"}, 1);
  somebody_writes(kOpsStateField, "Allocated", "okg");
  const auto before = copy();
  somebody_writes("label/x", "1");
  tell();
  take(writer_.seen(nullptr, now_));
  take(writer_.patched(sent_[0].id, before, now_));
  EXPECT_EQ(ended(1), Code::ok);
  EXPECT_EQ(writer_.object(), nullptr);
}

TEST_F(WriterTest, NorDoesItHoldItAfterATimeWithoutOne) {
  set("Allocated", {"None"}, 1);
  answer();
  take(writer_.seen(nullptr, now_));
  object_.uid = "u2";
  somebody_writes(kOpsStateField, "None", "manager");
  tell();
  EXPECT_EQ(sent_.size(), 1U);
  EXPECT_EQ(writer_.effective(kOpsStateField), "None");
}

TEST_F(WriterTest, WhatIsNotFoundIsLookedFor) {
  set("Allocated", {"None"}, 1);
  object_.uid = "u2";
  somebody_writes("label/x", "1");
  tell();  // there is another already
  take(writer_.patched(sent_[0].id, Error(Code::not_found, "gone"), now_));
  EXPECT_EQ(rereads_, 1);
  tell();
  ASSERT_EQ(sent_.size(), 2U);
  answer();
  EXPECT_EQ(ended(1), Code::ok);
}

TEST_F(WriterTest, WhatIsOursIsAlwaysWrittenAgain) {
  Wish wish;
  wish.field = label_field("okg-sdk/payload-version");
  wish.value = "1";
  wish.ours = true;
  take(writer_.set(wish, now_));
  answer();
  for (int i = 0; i < 5; ++i) {
    somebody_writes(wish.field, "0");
    tell();
    now_ += 100 * kSecond;
    take(writer_.tick(now_));
    EXPECT_EQ(sent_.size(), static_cast<unsigned>(i) + 2);
    answer();
    EXPECT_EQ(object_.labels["okg-sdk/payload-version"], "1");
  }
}

TEST_F(WriterTest, ARefusedFieldDoesNotTakeTheOthersWithIt) {
  take(writer_.connected(false, now_));
  set("Allocated", {"None"}, 1);
  Wish bad;
  bad.field = "label/bad";
  bad.value = "x";
  bad.ticket = 2;
  take(writer_.set(bad, now_));
  take(writer_.connected(true, now_));
  ASSERT_EQ(sent_.size(), 1U);
  EXPECT_EQ(sent_[0].fields.size(), 2U);
  take(writer_.patched(sent_[0].id, Error(Code::invalid_argument, "no"), now_));
  ASSERT_EQ(sent_.size(), 2U);
  ASSERT_EQ(sent_[1].fields.size(), 1U);
  ASSERT_EQ(sent_[1].fields.count("label/bad"), 1U);
  take(writer_.patched(sent_[1].id, Error(Code::invalid_argument, "no"), now_));
  EXPECT_EQ(ended(2), Code::invalid_argument);
  ASSERT_EQ(sent_.size(), 3U);
  answer();
  EXPECT_EQ(ended(1), Code::ok);
}

TEST_F(WriterTest, AServerThatFailsIsAskedLessAndLessOften) {
  set("Allocated", {"None"}, 1);
  for (int second = 0; second < 600; ++second) {
    if (sent_.size() > static_cast<unsigned>(rereads_)) {
      take(writer_.patched(sent_.back().id, Error(Code::io, "500"), now_));
      tell();
    }
    now_ += kSecond;
    take(writer_.tick(now_));
  }
  EXPECT_GE(sent_.size(), 10U);
  EXPECT_LE(sent_.size(), 20U);
}

TEST_F(WriterTest, AGameThatSetsALabelEveryTickSendsFewPatches) {
  for (int tick = 0; tick < 60 * 60; ++tick) {  // a minute at 60 Hz
    Wish wish;
    wish.field = "label/players";
    wish.value = std::to_string(tick);
    wish.known = {writer_.effective(wish.field)};
    take(writer_.set(wish, now_));
    now_ += kSecond / 60;
    take(writer_.tick(now_));
    if (!sent_.empty() && sent_.back().resource_version == object_.resource_version) answer();
  }
  EXPECT_LE(sent_.size(), 42U);
  EXPECT_GE(sent_.size(), 30U);
}

TEST_F(WriterTest, StoppingEndsWhatIsWaitedForOnce) {
  set("Allocated", {"None"}, 1);
  set("Draining", {"Allocated"}, 2);
  take(writer_.stop(Error(Code::closed, "closed")));
  EXPECT_EQ(ended(1), Code::closed);
  EXPECT_EQ(ended(2), Code::closed);
}

}  // namespace
}  // namespace okg::controller
