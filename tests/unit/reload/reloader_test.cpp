// From a moved link to a payload in use: each rule once.
#include "reload/reloader.hpp"

#include <gtest/gtest.h>

#include "unit/reload/drive.hpp"

namespace okg::reload {
namespace {

using base::Code;

const Target kA = payload_of('a'), kB = payload_of('b'), kC = payload_of('c');

TEST(Reloader, VerifiesPreparesOffersCommits) {
  Drive drive;
  EXPECT_EQ(drive.reloader->phase(), Phase::idle);
  drive.publish(kA);
  EXPECT_EQ(drive.reloader->phase(), Phase::verifying);
  drive.verified();
  EXPECT_EQ(drive.reloader->phase(), Phase::preparing);
  drive.prepared();
  EXPECT_EQ(drive.reloader->phase(), Phase::prepared);
  EXPECT_FALSE(drive.reloader->active());
  ASSERT_TRUE(drive.begin());
  EXPECT_EQ(drive.reloader->phase(), Phase::committing);
  EXPECT_FALSE(drive.reloader->active()) << "not before the commit returned";
  drive.committed();
  EXPECT_TRUE(drive.in_use(kA));
  EXPECT_EQ(drive.reloader->active_version(), "v");
  EXPECT_EQ(drive.reloader->phase(), Phase::probation);
  EXPECT_FALSE(drive.good(kA));
  drive.pass(10 * kSecond - 1);
  EXPECT_FALSE(drive.good(kA));
  drive.pass(1);
  EXPECT_TRUE(drive.good(kA));
  EXPECT_EQ(drive.reloader->phase(), Phase::idle);
  EXPECT_FALSE(drive.reloader->next_deadline());
}

TEST(Reloader, WithoutProbationWhatIsInUseIsGood) {
  Drive drive({}, "2.4", 0);
  drive.publish(kA);
  drive.go_well();
  EXPECT_TRUE(drive.good(kA));
  EXPECT_EQ(drive.reloader->phase(), Phase::idle);
}

TEST(Reloader, TheGuardIsSavedBeforePrepareBegins) {
  Drive drive;
  drive.publish(kA);
  drive.actions.clear();
  drive.verified();
  ASSERT_EQ(drive.actions.size(), 2U);
  EXPECT_TRUE(std::holds_alternative<action::SaveGuard>(drive.actions[0]));
  EXPECT_TRUE(std::holds_alternative<action::Prepare>(drive.actions[1]));
  EXPECT_EQ(drive.saved.attempts.at(0).count, 1U);
}

TEST(Reloader, DuplicateTriggersChangeNothing) {
  Drive drive;
  for (int i = 0; i < 10; ++i) drive.publish(kA);
  drive.verified();
  for (int i = 0; i < 10; ++i) drive.publish(kA);
  drive.prepared();
  for (int i = 0; i < 10; ++i) drive.publish(kA);
  drive.begin();
  for (int i = 0; i < 10; ++i) drive.publish(kA);
  drive.committed();
  for (int i = 0; i < 10; ++i) drive.publish(kA);
  EXPECT_EQ(drive.count<action::Verify>(), 1U);
  EXPECT_EQ(drive.count<action::Offer>(), 1U);
  EXPECT_EQ(drive.reloader->ok_count(), 1U);
}

TEST(Reloader, ACopyOfWhatIsInUseIsNoNews) {
  Drive drive;
  drive.make_good(kA);
  drive.publish(payload_of('a', 1));
  EXPECT_FALSE(drive.reloader->working_on());
  drive.take(drive.reloader->reload(true, drive.now));
  EXPECT_FALSE(drive.reloader->working_on()) << "not even by force";
}

TEST(Reloader, TheNewestWins) {
  Drive drive;
  drive.make_good(kA);
  drive.publish(kB);
  drive.publish(kC);
  EXPECT_EQ(drive.count<action::Cancel>(), 1U);
  EXPECT_EQ(drive.reloader->superseded_count(), 1U);
  EXPECT_EQ(drive.reloader->last()->digest, kB.digest());
  EXPECT_FALSE(drive.working_on(kC)) << "there is one worker, and B's answer is still to come";
  drive.take(drive.reloader->verified(2, "v", std::nullopt, drive.now));
  EXPECT_TRUE(drive.working_on(kC));
  drive.go_well();
  EXPECT_TRUE(drive.in_use(kC));
}

TEST(Reloader, ManyPublishesAreOneCommit) {
  Drive drive;
  drive.make_good(kA);
  for (char i = 0; i < 90; ++i) drive.publish(payload_of(i));
  drive.go_well();
  EXPECT_TRUE(drive.in_use(payload_of(89)));
  EXPECT_EQ(drive.reloader->ok_count(), 2U);
  EXPECT_EQ(drive.reloader->superseded_count(), 89U);
}

TEST(Reloader, ThereAndBackBeforeThePollIsNoCommit) {
  Drive drive;
  drive.make_good(kA);
  drive.publish(kB);
  drive.verified();
  drive.prepared();
  ASSERT_TRUE(drive.offer);
  drive.publish(kA);
  EXPECT_FALSE(drive.offer);
  EXPECT_FALSE(drive.begin());
  EXPECT_TRUE(drive.in_use(kA));
  EXPECT_EQ(drive.reloader->superseded_count(), 1U);
}

TEST(Reloader, ACommitIsFinishedFirst) {
  Drive drive;
  drive.publish(kA);
  drive.verified();
  drive.prepared();
  ASSERT_TRUE(drive.begin());
  const std::size_t before = drive.actions.size();
  drive.publish(kB);
  drive.take(drive.reloader->restart(drive.now));
  drive.take(drive.reloader->reload(false, drive.now));
  EXPECT_EQ(drive.actions.size(), before);
  EXPECT_EQ(drive.reloader->phase(), Phase::committing);
  drive.committed();
  EXPECT_TRUE(drive.in_use(kA));
  EXPECT_TRUE(drive.working_on(kB));
  EXPECT_EQ(drive.reloader->superseded_count(), 0U);
}

TEST(Reloader, NothingCommitsThatIsNotOffered) {
  Drive drive;
  EXPECT_FALSE(drive.begin());
  drive.publish(kA);
  EXPECT_FALSE(drive.begin());
  drive.verified();
  EXPECT_FALSE(drive.begin());
  drive.prepared();
  EXPECT_TRUE(drive.begin());
  EXPECT_FALSE(drive.reloader->begin_commit()) << "once";
}

TEST(Reloader, AnAnswerToACancelledJobIsOnlyAnEnd) {
  Drive drive;
  drive.make_good(kA);
  drive.publish(kB);
  const auto cancelled = drive.verify;
  drive.publish(kA);
  EXPECT_EQ(drive.reloader->phase(), Phase::preparing) << "the worker is busy still";
  drive.take(
      drive.reloader->verified(*cancelled, "v", failure_at(Stage::verify, Code::digest_mismatch), drive.now));
  EXPECT_EQ(drive.reloader->phase(), Phase::idle);
  EXPECT_FALSE(drive.refused(kB)) << "its failure is nobody's";
  EXPECT_EQ(drive.reloader->failed_count(), 0U);
}

TEST(Reloader, AnswersNobodyWaitsForAreIgnored) {
  Drive drive;
  drive.make_good(kA);
  for (JobId job = 0; job < 5; ++job) {
    EXPECT_TRUE(drive.reloader->verified(job, "v", std::nullopt, drive.now).empty());
    EXPECT_TRUE(drive.reloader->prepared(job, std::nullopt, drive.now).empty());
    EXPECT_TRUE(drive.reloader->committed(job, std::nullopt, true, drive.now).empty());
  }
  EXPECT_TRUE(drive.in_use(kA));
}

TEST(Reloader, ChangedHandlersBeginAnew) {
  Drive drive;
  drive.make_good(kA);
  drive.publish(kB);
  drive.verified();
  drive.prepared();
  drive.take(drive.reloader->restart(drive.now));
  EXPECT_FALSE(drive.offer);
  EXPECT_TRUE(drive.working_on(kB));
  EXPECT_EQ(drive.reloader->superseded_count(), 0U);
  drive.go_well();
  EXPECT_TRUE(drive.in_use(kB));
}

TEST(Reloader, WhatFailsIsToldInFull) {
  Drive drive;
  drive.make_good(kA);
  drive.publish(kB);
  drive.verified();
  drive.prepared(failure_at(Stage::prepare, Code::rejected));
  const auto& last = drive.reloader->last();
  ASSERT_TRUE(last && last->failure);
  EXPECT_EQ(last->digest, kB.digest());
  EXPECT_EQ(last->version, "v");
  EXPECT_EQ(last->result, End::failed);
  EXPECT_EQ(last->failure->stage, Stage::prepare);
  EXPECT_EQ(last->failure->component, "scripts");
  EXPECT_EQ(last->failure->text, "a.lua:3: '=' expected");
  EXPECT_EQ(drive.count<action::Cancel>(), 1U) << "what other components staged is dropped";
  EXPECT_TRUE(drive.in_use(kA));
}

TEST(Reloader, ProbationOvertakenKeepsTheOlderGood) {
  Drive drive;
  drive.make_good(kA);
  drive.publish(kB);
  drive.go_well();
  drive.pass(5 * kSecond);
  drive.publish(kC);
  drive.go_well();
  ASSERT_TRUE(drive.in_use(kC));
  drive.pass(5 * kSecond);  // B would be good by now
  EXPECT_TRUE(drive.good(kA));
  EXPECT_TRUE(drive.reloader->keeps_last_good());
  ASSERT_TRUE(drive.report_bad());
  EXPECT_TRUE(drive.restore);
  drive.go_well();
  EXPECT_TRUE(drive.in_use(kA));
}

TEST(Reloader, OldNewsIsGoodAtOnce) {
  Drive drive;
  drive.make_good(kA);
  drive.publish(kB);
  drive.go_well();
  drive.publish(kA);
  drive.go_well();
  EXPECT_TRUE(drive.in_use(kA));
  EXPECT_TRUE(drive.good(kA));
  EXPECT_EQ(drive.reloader->phase(), Phase::idle);
}

}  // namespace
}  // namespace okg::reload
