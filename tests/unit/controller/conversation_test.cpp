#include "controller/conversation.hpp"

#include <gtest/gtest.h>

#include "controller/keys.hpp"

namespace okg::controller {
namespace {

using base::Code;

class ConversationTest : public ::testing::Test {
 protected:
  ConversationTest() {
    object_.uid = "u1";
    object_.owner_pod_uid = "pod-1";
    object_.resource_version = "10";
    object_.ops_state = "None";
    object_.state = "Ready";
    object_.labels[keys::kUpdateHook] = "true";
  }
  void take(const Sayings& sayings) {
    for (const Saying& saying : sayings) {
      if (const auto* send = std::get_if<say::Send>(&saying)) sent_.push_back(send->patch);
      if (const auto* view = std::get_if<say::View>(&saying)) views_.push_back(view->object);
      if (const auto* tell = std::get_if<say::Tell>(&saying)) told_.push_back(tell->notice);
      if (const auto* ask = std::get_if<say::Ask>(&saying)) asked_.push_back(*ask);
    }
  }
  void see() {
    object_.resource_version = std::to_string(std::stoi(object_.resource_version) + 1);
    take(conversation_.seen(std::make_shared<Object>(object_), clock_));
  }

  Conversation conversation_{{"pod-1", {keys::kUpdateHook, keys::kDeleteHook}}};
  Conversation::Clock clock_{1, 1};
  Object object_;
  std::vector<Patch> sent_;
  std::vector<ObjectPtr> views_;
  std::vector<Notice> told_;
  std::vector<say::Ask> asked_;
};

TEST_F(ConversationTest, TheGameServerOfAnEarlierPodIsNotOurs) {
  take(conversation_.linked(Link::connected, clock_));
  object_.owner_pod_uid = "pod-0";
  object_.ops_state = "Kill";
  see();
  EXPECT_TRUE(views_.empty());
  object_.owner_pod_uid = "";  // reclaimPolicy Delete: it belongs to the set
  see();
  EXPECT_EQ(views_.size(), 1U);
}

TEST_F(ConversationTest, AllowingReleasesTheLabelAndArmsItAfterwards) {
  take(conversation_.linked(Link::connected, clock_));
  conversation_.asks_before_updates(true);
  object_.state = "PreUpdate";
  see();
  ASSERT_EQ(told_.size(), 1U);
  Sayings sayings;
  EXPECT_TRUE(conversation_.allow(told_[0].id, clock_, &sayings));
  take(sayings);
  ASSERT_EQ(sent_.size(), 1U);
  EXPECT_EQ(sent_[0].fields.at(label_field(keys::kUpdateHook)), "false");
  object_.labels[keys::kUpdateHook] = "false";
  object_.resource_version = "20";
  take(conversation_.patched(sent_[0].id, std::make_shared<Object>(object_), clock_));
  object_.state = "Ready";
  see();
  ASSERT_EQ(sent_.size(), 2U);
  EXPECT_EQ(sent_[1].fields.at(label_field(keys::kUpdateHook)), "true");
  EXPECT_EQ(told_.back().phase, Notice::Phase::finished);
}

TEST_F(ConversationTest, AHookThatIsNotThereIsNotMade) {
  take(conversation_.linked(Link::connected, clock_));
  object_.labels.clear();
  object_.state = "PreUpdate";
  see();
  object_.state = "Ready";
  see();
  EXPECT_TRUE(sent_.empty());
}

TEST_F(ConversationTest, WhatIsNotWrittenAgainAfterAllIsShownAsItIs) {
  take(conversation_.linked(Link::connected, clock_));
  object_.status_writer = "manager";
  see();
  Wish wish;
  wish.field = kOpsStateField;
  wish.value = "Allocated";
  wish.known = {Value("None")};
  take(conversation_.set(wish, clock_));
  object_.ops_state = "Allocated";
  object_.resource_version = "20";
  take(conversation_.patched(sent_.at(0).id, std::make_shared<Object>(object_), clock_));
  take(conversation_.linked(Link::connecting, clock_));
  object_.ops_state = "None";
  object_.writers[kOpsStateField] = "manager";
  see();
  EXPECT_EQ(views_.back()->ops_state, "Allocated") << "it is about to be written again";
  wish.value = "Draining";
  wish.known.clear();
  wish.expect = "Maintaining";
  take(conversation_.set(wish, clock_));
  take(conversation_.linked(Link::connected, clock_));
  EXPECT_EQ(views_.back()->ops_state, "None") << "nothing is, since this took its place";
}

TEST_F(ConversationTest, AHookThatMayNotBeWrittenIsTriedSeldom) {
  take(conversation_.linked(Link::connected, clock_));
  object_.state = "PreUpdate";
  see();
  for (int second = 0; second < 3600; ++second) {
    const std::size_t sent = sent_.size();
    clock_.monotonic += 1'000'000'000;
    take(conversation_.tick(clock_));
    if (second % 10 == 0) see();
    if (second == 0 || sent_.size() > sent)
      take(conversation_.patched(sent_.back().id, base::Error(Code::denied, "no right"), clock_));
  }
  EXPECT_GE(sent_.size(), 5U);
  EXPECT_LE(sent_.size(), 13U);
  object_.state = "Ready";
  see();
  object_.state = "PreUpdate";
  const std::size_t sent = sent_.size();
  see();
  EXPECT_EQ(sent_.size(), sent + 1) << "another question, another try";
}

TEST_F(ConversationTest, AnAnswerThatCouldNotBeSentIsNotSentToTheNextQuestion) {
  take(conversation_.linked(Link::connected, clock_));
  conversation_.asks_before_updates(true);
  object_.state = "PreUpdate";
  see();
  take(conversation_.linked(Link::connecting, clock_));
  Sayings sayings;
  conversation_.allow(told_.at(0).id, clock_, &sayings);
  take(sayings);
  object_.state = "Ready";  // it was reverted
  see();
  take(conversation_.linked(Link::connected, clock_));
  EXPECT_TRUE(sent_.empty()) << "or the next update would come unasked";
}

TEST_F(ConversationTest, AHookIsNotArmedAgainstAnUpdateThatWasLetGo) {
  take(conversation_.linked(Link::connected, clock_));
  object_.labels[keys::kUpdateHook] = "false";
  see();
  ASSERT_EQ(sent_.size(), 1U);
  take(conversation_.patched(sent_[0].id, base::Error(Code::conflict, "modified"), clock_));
  object_.state = "PreUpdate";  // an operator had released it for this
  see();
  EXPECT_EQ(sent_.size(), 1U);
  object_.state = "NotReady";
  see();
  ASSERT_EQ(sent_.size(), 2U);
  EXPECT_EQ(sent_[1].fields.at(label_field(keys::kUpdateHook)), "true");
}

TEST_F(ConversationTest, AReleasedHookThatIsThereAgainAfterwardsStays) {
  take(conversation_.linked(Link::connected, clock_));
  object_.status_writer = "manager";
  object_.state = "PreUpdate";
  see();
  ASSERT_EQ(sent_.size(), 1U) << "nobody asks to be asked";
  object_.labels[keys::kUpdateHook] = "false";
  object_.resource_version = "20";
  take(conversation_.patched(sent_[0].id, std::make_shared<Object>(object_), clock_));
  // The template's labels were written over it, and the update was over meanwhile.
  object_.labels[keys::kUpdateHook] = "true";
  object_.writers[label_field(keys::kUpdateHook)] = "manager";
  object_.state = "Ready";
  see();
  EXPECT_EQ(sent_.size(), 1U);
}

TEST_F(ConversationTest, OrdersHaveANonceAndAreHandedOnOnce) {
  take(conversation_.linked(Link::connected, clock_));
  object_.annotations[keys::kReload] = "sha256:ab#1";
  object_.annotations[keys::kRollback] = "last_good";
  see();
  see();
  ASSERT_EQ(asked_.size(), 1U);
  EXPECT_EQ(asked_[0].to, "sha256:ab");
  EXPECT_EQ(asked_[0].nonce, "1");
  object_.annotations[keys::kRollback] = "last_good#x";
  see();
  ASSERT_EQ(asked_.size(), 2U);
  EXPECT_TRUE(asked_[1].rollback);
}

}  // namespace
}  // namespace okg::controller
