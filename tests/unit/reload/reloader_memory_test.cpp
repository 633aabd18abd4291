// Refusals and holds: what is remembered, for how long, and over restarts.
#include <gtest/gtest.h>

#include "unit/reload/drive.hpp"

namespace okg::reload {
namespace {

using base::Code;

const Target kA = payload_of('a'), kB = payload_of('b'), kC = payload_of('c');
const Failure kRejected = failure_at(Stage::prepare, Code::rejected);
const Failure kDamaged = failure_at(Stage::verify, Code::digest_mismatch);
const Failure kUnmet = failure_at(Stage::requirement, Code::requires_unmet);
const Failure kBusy = failure_at(Stage::prepare, Code::busy, true);

void reject(Drive& drive, const Target& target) {
  drive.publish(target);
  drive.verified();
  drive.prepared(kRejected);
}

TEST(ReloaderMemory, ARollbackToADamagedDirectoryIsNotHeldAgainstAnother) {
  Drive drive;
  drive.make_good(kA);
  Target blind = kB;
  blind.inode = 0;  // whatever lies there
  drive.take(drive.reloader->rollback(blind, drive.now));
  drive.take(drive.reloader->verified(*drive.verify, "", kDamaged, drive.now, kB.inode));
  EXPECT_TRUE(drive.in_use(kA));
  EXPECT_FALSE(drive.reloader->guard().hold) << "there is no going back there";
  EXPECT_EQ(drive.reloader->guard().refusals.front().inode, kB.inode);
  drive.kill();
  drive.publish(payload_of('b', 0, 4711));
  EXPECT_TRUE(drive.working_on(kB));
}

TEST(ReloaderMemory, ContentThatComesAfterTheRetriesIsLookedAt) {
  Drive drive;
  drive.make_good(kA);
  Target early = kB;
  early.inode = 0;  // the link came before its content
  drive.publish(early);
  for (int i = 0; i < 5; ++i) {
    drive.verified(failure_at(Stage::verify, Code::io, true));
    drive.pass(60 * kSecond);
  }
  EXPECT_TRUE(drive.refused(kB));
  drive.publish(kB);
  EXPECT_TRUE(drive.working_on(kB));
}

TEST(ReloaderMemory, AnOrderlyEndTakesTheAttemptBack) {
  Drive drive;
  drive.make_good(kA);
  for (int start = 0; start < 5; ++start) {
    drive.publish(kB);
    drive.go_well();
    ASSERT_TRUE(drive.in_use(kB)) << start;
    drive.take(drive.reloader->stop());
    drive.kill();
  }
}

TEST(ReloaderMemory, ForceGoesBackToWhatWasRefused) {
  Drive drive;
  drive.make_good(kA);
  reject(drive, kB);
  drive.publish(kA);
  drive.take(drive.reloader->rollback(kB, drive.now, true));
  EXPECT_TRUE(drive.working_on(kB));
  drive.go_well();
  EXPECT_TRUE(drive.in_use(kB));
}

TEST(ReloaderMemory, WhatIsRefusedIsNotTriedAgain) {
  Drive drive;
  drive.make_good(kA);
  reject(drive, kB);
  EXPECT_TRUE(drive.refused(kB));
  EXPECT_TRUE(drive.in_use(kA));
  drive.publish(kB);
  drive.publish(kA);
  drive.publish(kB);
  drive.pass(3'600 * kSecond);
  drive.take(drive.reloader->reload(false, drive.now));
  EXPECT_FALSE(drive.reloader->working_on());
  EXPECT_EQ(drive.count<action::Verify>(), 2U) << "A and B, once each";
}

TEST(ReloaderMemory, ARefusalIsRememberedOverRestarts) {
  Drive drive;
  drive.make_good(kA);
  reject(drive, kB);
  drive.kill();
  drive.publish(kB);
  EXPECT_TRUE(drive.working_on(kA)) << "and last-good is used at once";
  drive.go_well();
  EXPECT_TRUE(drive.in_use(kA));
}

TEST(ReloaderMemory, AnotherBinaryJudgesAnew) {
  for (const Failure& failure : {kRejected, kUnmet}) {
    Drive drive;
    drive.publish(kB);
    if (failure.stage == Stage::requirement)
      drive.verified(failure);
    else
      drive.verified(), drive.prepared(failure);
    ASSERT_TRUE(drive.refused(kB));
    drive.kill("2.5");
    drive.publish(kB);
    drive.go_well();
    EXPECT_TRUE(drive.in_use(kB));
  }
}

TEST(ReloaderMemory, EveryBinaryKeepsItsOwnRefusal) {
  Drive drive;
  reject(drive, kB);
  drive.kill("2.5");
  reject(drive, kB);
  drive.kill("2.4");
  drive.publish(kB);
  EXPECT_FALSE(drive.verify) << "2.5's word does not replace 2.4's";
}

TEST(ReloaderMemory, DamageDoesNotWipeOutWhatAHandlerSaid) {
  Drive drive;
  drive.publish(kB);
  drive.verified(kDamaged);
  reject(drive, payload_of('b', 1));  // a good copy, which a handler rejects
  drive.kill("2.5");
  drive.publish(payload_of('b', 1));
  drive.verified(kDamaged);  // damaged by now, says the next binary
  drive.kill("2.4");
  drive.publish(payload_of('b', 2));
  EXPECT_FALSE(drive.verify) << "whatever the directory, this binary's handler rejected it";
}

TEST(ReloaderMemory, AGoodCopyOfWhatIsDamagedGetsItsChance) {
  Drive drive;
  drive.publish(kB);
  drive.verified(kDamaged);
  drive.kill("2.5");
  drive.publish(kB);
  EXPECT_FALSE(drive.verify) << "damage is damage for every binary";
  drive.publish(payload_of('b', 1));
  drive.go_well();
  EXPECT_TRUE(drive.in_use(payload_of('b', 1)));
}

TEST(ReloaderMemory, AnotherDirectoryOfThatNameGetsItsChance) {
  Drive drive;
  drive.publish(kB);
  drive.verified(kDamaged);
  drive.publish(payload_of('b', 0, 7'777));
  drive.go_well();
  EXPECT_TRUE(drive.in_use(kB));
}

TEST(ReloaderMemory, WhatStoodAgainstADirectoryFallsWhenItIsWhole) {
  Drive drive;
  drive.publish(kB);
  drive.verified(kDamaged);
  drive.make_good(payload_of('b', 0, 7'777));
  drive.publish(kC);
  drive.go_well();
  ASSERT_TRUE(drive.in_use(kC));
  EXPECT_TRUE(drive.report_bad()) << "B is good to go back to";
  drive.go_well();
  EXPECT_TRUE(drive.in_use(kB));
}

TEST(ReloaderMemory, ForceForgetsARefusal) {
  Drive drive;
  drive.make_good(kA);
  reject(drive, kB);
  drive.take(drive.reloader->reload(true, drive.now));
  drive.go_well();
  EXPECT_TRUE(drive.in_use(kB));
}

TEST(ReloaderMemory, AskingForgetsOnlyWhatMayPass) {
  Drive drive;
  drive.publish(kB);
  drive.verified(kDamaged);
  drive.publish(payload_of('b', 1));
  for (int i = 0; i < 5; ++i) {
    drive.verified();
    drive.prepared(kBusy);
    drive.pass(20 * kSecond);
  }
  drive.take(drive.reloader->reload(false, drive.now));
  ASSERT_TRUE(drive.working_on(payload_of('b', 1)));
  const auto cancelled = *drive.verify;
  drive.publish(kB);
  drive.take(drive.reloader->verified(cancelled, "v", std::nullopt, drive.now));
  EXPECT_FALSE(drive.reloader->working_on()) << "that one is damaged still";
}

TEST(ReloaderMemory, SixteenRefusalsTheNewest) {
  Drive drive;
  for (char letter = 'a'; letter < 'a' + 17; ++letter) reject(drive, payload_of(letter));
  EXPECT_EQ(drive.reloader->guard().refusals.size(), kMostRefusals);
  EXPECT_FALSE(drive.refused(payload_of('a')));
  EXPECT_TRUE(drive.refused(payload_of('b')));
  EXPECT_TRUE(drive.refused(payload_of('q')));
}

TEST(ReloaderMemory, ARefusedLastGoodIsNoWayBack) {
  Drive drive;
  drive.make_good(kA);
  drive.kill("2.5");
  reject(drive, kB);
  ASSERT_TRUE(drive.working_on(kA));
  drive.verified(kUnmet);
  EXPECT_FALSE(drive.reloader->working_on());
  EXPECT_FALSE(drive.reloader->active());
}

// ---- Holds

TEST(ReloaderHold, KeepsTheDesiredOutUntilSomethingNewer) {
  Drive drive;
  drive.make_good(kA);
  drive.make_good(kB);
  drive.take(drive.reloader->rollback(Target{kA.name, 0}, drive.now));
  drive.go_well();
  EXPECT_TRUE(drive.in_use(kA));
  EXPECT_EQ(drive.reloader->rolled_back_count(), 1U);
  drive.publish(kB);
  drive.take(drive.reloader->reload(false, drive.now));
  drive.pass(60 * kSecond);
  EXPECT_TRUE(drive.in_use(kA) && !drive.reloader->working_on());
  EXPECT_TRUE(drive.reloader->held_back(kB.digest()));

  drive.publish(kC);
  drive.go_well();
  EXPECT_TRUE(drive.in_use(kC));
  drive.publish(kB);
  drive.go_well();
  EXPECT_TRUE(drive.in_use(kB)) << "and then B is news";
}

TEST(ReloaderHold, StandsOverRestarts) {
  Drive drive;
  drive.make_good(kA);
  drive.make_good(kB);
  drive.take(drive.reloader->rollback(Target{kA.name, 0}, drive.now));
  drive.kill();
  drive.publish(kB);
  EXPECT_TRUE(drive.working_on(kA));
  drive.go_well();
  drive.kill("2.5");
  drive.publish(kB);
  drive.go_well();
  EXPECT_TRUE(drive.in_use(kA));
}

TEST(ReloaderHold, FallsWhenSomethingNewerWasPublishedWhileNobodyRan) {
  Drive drive;
  drive.make_good(kA);
  drive.make_good(kB);
  drive.take(drive.reloader->rollback(Target{kA.name, 0}, drive.now));
  drive.kill();
  drive.publish(kC);
  drive.go_well();
  EXPECT_TRUE(drive.in_use(kC));
  EXPECT_FALSE(drive.saved.hold);
}

TEST(ReloaderHold, FallsByForce) {
  Drive drive;
  drive.make_good(kA);
  drive.make_good(kB);
  drive.take(drive.reloader->rollback(Target{kA.name, 0}, drive.now));
  drive.go_well();
  drive.take(drive.reloader->reload(true, drive.now));
  drive.go_well();
  EXPECT_TRUE(drive.in_use(kB));
  EXPECT_FALSE(drive.saved.hold);
}

TEST(ReloaderHold, FallsByARollbackToTheDesired) {
  Drive drive;
  drive.make_good(kA);
  drive.make_good(kB);
  drive.take(drive.reloader->rollback(Target{kA.name, 0}, drive.now));
  drive.go_well();
  drive.take(drive.reloader->rollback(Target{kB.name, 0}, drive.now));
  drive.go_well();
  EXPECT_TRUE(drive.in_use(kB));
  EXPECT_FALSE(drive.reloader->held_back(kB.digest()));
}

TEST(ReloaderHold, WhatStaysInUseIsNotCalledRolledBack) {
  Drive drive;
  drive.make_good(kA);
  drive.publish(kB);
  drive.go_well();
  reject(drive, payload_of('d'));
  drive.take(drive.reloader->rollback(Target{kC.name, 0}, drive.now));
  drive.verified();
  drive.prepared();
  ASSERT_TRUE(drive.begin());
  drive.committed(failure_at(Stage::commit, Code::rejected), false);
  drive.go_well();  // B, anew and whole
  EXPECT_TRUE(drive.in_use(kB));
  EXPECT_EQ(drive.reloader->rolled_back_count(), 0U);
}

}  // namespace
}  // namespace okg::reload
