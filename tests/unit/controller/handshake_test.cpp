#include "controller/handshake.hpp"

#include <gtest/gtest.h>

#include "controller/keys.hpp"

namespace okg::controller {
namespace {

constexpr Nanoseconds kSecond = 1'000'000'000;
constexpr char kGraceOf[] = R"({"revision":"r2","containerImages":{"sidecar":"r/s:v2"},"graceSeconds":10})";
constexpr char kStateOf[] =
    R"({"revision":"r2","updateTimestamp":"2026-04-24T09:00:00Z","lastContainerStatuses":null,"updateImages":true})";

class HandshakeTest : public ::testing::Test {
 protected:
  HandshakeTest() { handshake_.asks(true); }

  void see(const char* lifecycle, const char* hook) {
    object_.lifecycle = lifecycle;
    if (hook != nullptr) object_.labels[keys::kUpdateHook] = hook;
    take(handshake_.seen(object_, {now_, real_}));
  }
  void take(const HandshakeActions& actions) {
    told_.clear();
    hook_.reset();
    for (const auto& action : actions) {
      if (const auto* tell = std::get_if<handshake_action::Tell>(&action)) told_.push_back(tell->notice);
      if (const auto* hook = std::get_if<handshake_action::SetHook>(&action)) {
        hook_ = hook->armed;
        field_ = hook->field;
      }
    }
  }
  bool told(Notice::Phase phase) const { return told_.size() == 1 && told_[0].phase == phase; }

  Handshake handshake_{{keys::kUpdateHook, keys::kDeleteHook}};
  Object object_;
  Nanoseconds now_ = 1000 * kSecond;
  std::int64_t real_ = *parse_time("2026-04-24T09:00:02Z");
  std::vector<Notice> told_;
  std::optional<bool> hook_;
  Field field_;
};

TEST_F(HandshakeTest, AnUpdateIsToldOnceAllowedReleasedAndArmedAgain) {
  see("Normal", "true");
  EXPECT_TRUE(told_.empty());
  see("PreparingUpdate", "true");
  ASSERT_TRUE(told(Notice::Phase::coming));
  EXPECT_TRUE(told_[0].waits);
  EXPECT_FALSE(told_[0].containers) << "a plain hook of OKG 1.0.0 does not say";
  const auto id = told_[0].id;
  see("PreparingUpdate", "true");
  EXPECT_TRUE(told_.empty()) << "once";
  HandshakeActions actions;
  EXPECT_FALSE(handshake_.allow(id + 1, &actions));
  EXPECT_TRUE(handshake_.allow(id, &actions));
  take(actions);
  EXPECT_EQ(hook_, false);
  EXPECT_EQ(field_, label_field(keys::kUpdateHook));
  actions.clear();
  EXPECT_TRUE(handshake_.allow(id, &actions));
  EXPECT_TRUE(actions.empty()) << "released already";
  see("PreparingUpdate", "false");
  EXPECT_TRUE(told_.empty());
  see("Updating", "false");
  EXPECT_TRUE(told(Notice::Phase::started));
  see("Updated", "false");
  EXPECT_TRUE(told(Notice::Phase::finished));
  EXPECT_EQ(told_[0].id, id);
  EXPECT_EQ(hook_, true) << "or the rollout stands still";
  see("Normal", "true");
  EXPECT_TRUE(told_.empty());
  EXPECT_FALSE(hook_);
}

TEST_F(HandshakeTest, AllowsByItselfAtTheDeadline) {
  see("PreparingUpdate", "true");
  ASSERT_TRUE(handshake_.next_deadline());
  take(handshake_.tick(now_ + 59 * kSecond));
  EXPECT_FALSE(hook_);
  take(handshake_.tick(now_ + 60 * kSecond));
  EXPECT_EQ(hook_, false);
  EXPECT_TRUE(handshake_.notice()->allowed_by_deadline);
  EXPECT_FALSE(handshake_.next_deadline());
}

TEST_F(HandshakeTest, WithNobodyToAskItIsAllowedAtOnce) {
  handshake_.asks(false);
  see("PreparingUpdate", "true");
  EXPECT_EQ(hook_, false);
}

TEST_F(HandshakeTest, IsToldThatItWillNotHappenAfterAll) {
  see("PreparingUpdate", "true");
  see("Normal", "true");
  EXPECT_TRUE(told(Notice::Phase::withdrawn));
  EXPECT_FALSE(handshake_.notice());
}

TEST_F(HandshakeTest, SkippedStatesChangeNothing) {
  see("PreparingUpdate", "true");
  HandshakeActions actions;
  handshake_.allow(told_[0].id, &actions);
  see("Updated", "false");
  EXPECT_TRUE(told(Notice::Phase::finished));
  EXPECT_EQ(hook_, true);
}

TEST_F(HandshakeTest, ANewProcessArmsTheHookThatTheOldOneReleased) {
  see("Updating", "false");
  EXPECT_TRUE(told_.empty()) << "that is why it was started";
  EXPECT_FALSE(hook_);
  see("Updating", "false");
  EXPECT_TRUE(told_.empty()) << "still so, when something else of the object has changed";
  see("Updated", "false");
  EXPECT_TRUE(told_.empty());
  EXPECT_EQ(hook_, true);
}

TEST_F(HandshakeTest, AProcessThatDiedBetweenAskedAndAllowedIsAskedAgain) {
  see("PreparingUpdate", "true");
  EXPECT_TRUE(told(Notice::Phase::coming));
}

TEST_F(HandshakeTest, AndOneThatDiedAfterItAllowedIsToldThatItCannotBeHeldBack) {
  see("PreparingUpdate", "false");
  ASSERT_TRUE(told(Notice::Phase::coming));
  EXPECT_FALSE(told_[0].waits);
}

TEST_F(HandshakeTest, WhatIsTakenBackWhileItIsAllowedIsReleasedAgain) {
  see("PreparingUpdate", "true");
  HandshakeActions actions;
  handshake_.allow(told_[0].id, &actions);
  see("PreparingUpdate", "false");
  EXPECT_FALSE(hook_);
  see("PreparingUpdate", "true");
  EXPECT_EQ(hook_, false);
  EXPECT_TRUE(told_.empty()) << "it is the same update";
}

TEST_F(HandshakeTest, AnOperatorMayReleaseIt) {
  see("PreparingUpdate", "true");
  see("PreparingUpdate", "false");
  EXPECT_FALSE(handshake_.next_deadline());
  see("Updating", "false");
  EXPECT_TRUE(told(Notice::Phase::started));
}

TEST_F(HandshakeTest, WithoutAHookTheGracePeriodIsTheNotice) {
  object_.annotations[keys::kGrace] = kGraceOf;
  object_.annotations[keys::kUpdateState] = kStateOf;
  see("Updating", nullptr);
  ASSERT_TRUE(told(Notice::Phase::coming));
  EXPECT_FALSE(told_[0].waits);
  ASSERT_TRUE(told_[0].containers);
  EXPECT_EQ(told_[0].containers->at(0), (std::pair<std::string, std::string>("sidecar", "r/s:v2")));
  EXPECT_EQ(told_[0].revision, "r2");
  EXPECT_EQ(told_[0].deadline, now_ + 8 * kSecond);
  see("Updating", nullptr);
  EXPECT_TRUE(told_.empty());
  object_.annotations.erase(keys::kGrace);
  see("Updating", nullptr);
  EXPECT_TRUE(told(Notice::Phase::started));
  see("Normal", nullptr);
  EXPECT_TRUE(told(Notice::Phase::finished));
  EXPECT_FALSE(hook_);
}

TEST_F(HandshakeTest, WithBothTheContainersAreKnownWhenItStarts) {
  see("PreparingUpdate", "true");
  HandshakeActions actions;
  handshake_.allow(told_[0].id, &actions);
  object_.annotations[keys::kGrace] = kGraceOf;
  object_.annotations[keys::kUpdateState] = kStateOf;
  see("Updating", "false");
  ASSERT_TRUE(told(Notice::Phase::started));
  ASSERT_TRUE(told_[0].containers);
  EXPECT_EQ(told_[0].containers->at(0).first, "sidecar");
  EXPECT_EQ(told_[0].deadline, now_ + 8 * kSecond);
}

TEST_F(HandshakeTest, NewerOkgTellsTheContainersBeforehand) {
  object_.annotations[keys::kUpdatingContainers] = "game,sidecar";
  see("PreparingUpdate", "true");
  ASSERT_TRUE(told_[0].containers);
  EXPECT_EQ(told_[0].containers->size(), 2U);
}

TEST_F(HandshakeTest, KnowsOkgsOwnStateToo) {
  object_.labels[keys::kUpdateHook] = "true";
  object_.state = "PreUpdate";
  take(handshake_.seen(object_, {now_, real_}));
  EXPECT_TRUE(told(Notice::Phase::coming));
  object_.state = "NotReady";
  object_.labels[keys::kUpdateHook] = "false";
  take(handshake_.seen(object_, {now_, real_}));
  EXPECT_EQ(hook_, true);
}

TEST_F(HandshakeTest, ADeletionIsAskedForTheSameWay) {
  object_.labels[keys::kDeleteHook] = "true";
  see("PreparingDelete", "true");
  ASSERT_TRUE(told(Notice::Phase::coming));
  EXPECT_EQ(told_[0].kind, Notice::Kind::deletion);
  HandshakeActions actions;
  handshake_.allow(told_[0].id, &actions);
  take(actions);
  EXPECT_EQ(hook_, false);
  EXPECT_EQ(field_, label_field(keys::kDeleteHook));
}

TEST_F(HandshakeTest, WhatTheLastUpdateReplacedIsNotToldOfThisOne) {
  object_.annotations[keys::kUpdateState] =
      R"({"revision":"r1","updateTimestamp":"2026-04-23T09:00:00Z","containerBatchesRecord":[{"containers":["game"]}]})";
  see("Normal", nullptr);
  see("Updating", nullptr);  // OKG's state comes before the annotations of the pod's volume
  ASSERT_EQ(told_.size(), 2U);
  EXPECT_FALSE(told_[1].containers);
  EXPECT_EQ(told_[1].revision, "");
  object_.annotations[keys::kGrace] = kGraceOf;
  object_.annotations[keys::kUpdateState] = kStateOf;
  see("Updating", nullptr);
  EXPECT_TRUE(told_.empty()) << "the same update";
  EXPECT_EQ(handshake_.notice()->revision, "r2");
}

TEST_F(HandshakeTest, NorWhenTheNextOneIsAskedForAtOnce) {
  object_.annotations[keys::kUpdateState] = R"({"revision":"r0","updateTimestamp":"2026-04-22T09:00:00Z"})";
  see("Normal", "true");
  object_.annotations[keys::kUpdateState] =
      R"({"revision":"r1","updateTimestamp":"2026-04-23T09:00:00Z","containerBatchesRecord":[{"containers":["game"]}]})";
  see("Updating", "false");
  ASSERT_EQ(told_.size(), 2U);
  EXPECT_EQ(told_[1].revision, "r1");
  see("PreparingUpdate", "false");  // "Ready" was skipped; the volume is behind
  ASSERT_EQ(told_.size(), 2U);
  see("Updating", "false");
  ASSERT_TRUE(told(Notice::Phase::started));
  EXPECT_FALSE(told_[0].containers);
}

TEST_F(HandshakeTest, AnOlderStateOfOkgsDoesNotEndTheGracePeriod) {
  see("Updating", nullptr);  // of the update before
  see("Updating", nullptr);
  object_.annotations[keys::kGrace] = kGraceOf;  // the volume is ahead
  see("Updating", nullptr);
  ASSERT_TRUE(told(Notice::Phase::coming));
  see("Normal", nullptr);
  EXPECT_TRUE(told_.empty());
  see("Updating", nullptr);
  EXPECT_TRUE(told_.empty());
  object_.annotations.erase(keys::kGrace);
  see("Updating", nullptr);
  EXPECT_TRUE(told(Notice::Phase::started));
  see("Normal", nullptr);
  EXPECT_TRUE(told(Notice::Phase::finished));
}

TEST_F(HandshakeTest, AnUpdateThatNobodyWasAskedAboutDoesNotAllowTheNext) {
  object_.annotations[keys::kGrace] = kGraceOf;
  see("Updating", "false");
  ASSERT_TRUE(told(Notice::Phase::coming));
  EXPECT_FALSE(told_[0].waits);
  see("PreparingUpdate", "true");
  EXPECT_TRUE(told_.empty()) << "the volume is behind, or OKG's state is";
  EXPECT_FALSE(hook_);
  object_.annotations.erase(keys::kGrace);
  see("PreparingUpdate", "true");  // it was the volume
  ASSERT_EQ(told_.size(), 2U);
  EXPECT_EQ(told_[0].phase, Notice::Phase::finished);
  EXPECT_TRUE(told_[1].waits);
  EXPECT_FALSE(hook_) << "of this one nobody said that it may";
}

TEST_F(HandshakeTest, AGracePeriodThatIsOverIsNotTakenForTheNext) {
  see("PreparingUpdate", "true");
  HandshakeActions actions;
  handshake_.allow(told_.at(0).id, &actions);
  object_.annotations[keys::kGrace] = kGraceOf;
  see("Updating", "false");
  object_.annotations.erase(keys::kGrace);
  see("PreparingUpdate", "true");
  ASSERT_EQ(told_.size(), 2U);
  handshake_.allow(told_[1].id, &actions);
  object_.annotations[keys::kGrace] = kGraceOf;  // the volume is behind
  see("PreparingUpdate", "true");
  see("Updating", "false");
  ASSERT_TRUE(told(Notice::Phase::started));
  object_.annotations[keys::kGrace] =
      R"({"revision":"r3","containerImages":{"game":"r/g:v3"},"graceSeconds":10})";
  see("Updating", "false");
  EXPECT_TRUE(told_.empty()) << "the same update";
  EXPECT_EQ(handshake_.notice()->revision, "r3");
}

TEST_F(HandshakeTest, ANewerGracePeriodCountsWhateverOkgsStateIs) {
  object_.annotations[keys::kGrace] = kGraceOf;
  see("Updating", "false");
  const auto id = told_.at(0).id;
  see("PreparingUpdate", "false");  // of the same update: older than what the volume tells
  EXPECT_TRUE(told_.empty());
  object_.annotations[keys::kGrace] =
      R"({"revision":"r3","containerImages":{"game":"r/g:v3"},"graceSeconds":10})";
  see("PreparingUpdate", "false");
  ASSERT_EQ(told_.size(), 2U);
  EXPECT_EQ(told_[0].id, id);
  EXPECT_EQ(told_[0].phase, Notice::Phase::withdrawn);
  EXPECT_EQ(told_[1].revision, "r3");
  see("Updating", "false");
  EXPECT_TRUE(told_.empty());
}

TEST_F(HandshakeTest, ARevisionThatComesAgainHasAGracePeriodOfItsOwn) {
  object_.annotations[keys::kGrace] = kGraceOf;
  object_.annotations[keys::kUpdateState] = kStateOf;
  see("Updating", nullptr);
  ASSERT_TRUE(told(Notice::Phase::coming));
  object_.annotations.erase(keys::kGrace);
  see("Normal", nullptr);
  object_.annotations[keys::kGrace] = kGraceOf;  // another was begun and taken back meanwhile
  object_.annotations[keys::kUpdateState] = R"({"revision":"r2","updateTimestamp":"2026-04-24T09:00:02Z"})";
  see("Updating", nullptr);
  ASSERT_TRUE(told(Notice::Phase::coming));
  EXPECT_EQ(told_[0].deadline, now_ + 10 * kSecond);
}

TEST_F(HandshakeTest, EachNoticeIsEndedBeforeTheNext) {
  see("PreparingUpdate", "true");
  HandshakeActions actions;
  handshake_.allow(told_[0].id, &actions);
  see("Updating", "false");
  see("PreparingUpdate", "true");  // a newer revision, and "Updated" was skipped
  ASSERT_EQ(told_.size(), 2U);
  EXPECT_EQ(told_[0].phase, Notice::Phase::finished);
  EXPECT_EQ(told_[1].phase, Notice::Phase::coming);
  EXPECT_FALSE(hook_) << "this one was not allowed";
  object_.labels[keys::kDeleteHook] = "true";
  see("PreparingDelete", "true");
  ASSERT_EQ(told_.size(), 2U);
  EXPECT_EQ(told_[0].phase, Notice::Phase::withdrawn) << "the pod goes away instead";
  EXPECT_EQ(told_[1].kind, Notice::Kind::deletion);
}

TEST_F(HandshakeTest, ANewerRevisionInTheGracePeriodTakesThePlaceOfTheOlder) {
  object_.annotations[keys::kGrace] = kGraceOf;
  see("Updating", nullptr);
  const auto id = told_.at(0).id;
  object_.annotations[keys::kGrace] =
      R"({"revision":"r3","containerImages":{"game":"r/g:v3"},"graceSeconds":10})";
  see("Updating", nullptr);
  ASSERT_EQ(told_.size(), 2U);
  EXPECT_EQ(told_[0].id, id);
  EXPECT_EQ(told_[0].phase, Notice::Phase::withdrawn);
  EXPECT_EQ(told_[1].revision, "r3");
}

TEST_F(HandshakeTest, WhoHearsThatADeletionIsOverWasNotDeleted) {
  object_.labels[keys::kDeleteHook] = "true";
  see("PreparingDelete", "true");
  HandshakeActions actions;
  handshake_.allow(told_[0].id, &actions);
  object_.labels[keys::kDeleteHook] = "false";
  see("Normal", "true");
  EXPECT_TRUE(told(Notice::Phase::withdrawn));
  EXPECT_EQ(hook_, true);
}

TEST_F(HandshakeTest, AnnotationsThatMakeNoSenseAreAbsent) {
  for (const char* odd : {"", "{", "[]", R"({"containerImages":7,"graceSeconds":"x"})",
                          "{\"graceSeconds\":-5}", R"({"graceSeconds":9223372036854775807})"}) {
    Handshake handshake{{keys::kUpdateHook, keys::kDeleteHook}};
    object_.annotations[keys::kGrace] = odd;
    object_.annotations[keys::kUpdateState] = odd;
    object_.lifecycle = "Updating";
    take(handshake.seen(object_, {now_, real_}));
    EXPECT_LE(told_.size(), 1U);
  }
}

TEST(Times, AreReadWithTheirZone) {
  EXPECT_EQ(parse_time("1970-01-01T00:00:01Z"), kSecond);
  EXPECT_EQ(parse_time("1970-01-01T02:00:00.5+02:00"), kSecond / 2);
  EXPECT_EQ(parse_time("1969-12-31T23:00:00-01:00"), 0);
  for (const char* wrong :
       {"9999-12-31T23:59:59Z", "2263-01-01T00:00:00Z", "", "now", "2026-02-30T00:00:00Z",
        "2026-01-01T00:00:00", "2026-01-01T25:00:00Z", "2026-01-01T00:00:00+2", "2026-01-01T00:00:nanZ"})
    EXPECT_FALSE(parse_time(wrong)) << wrong;
}

}  // namespace
}  // namespace okg::controller
