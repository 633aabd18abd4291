// The API server's side of the writer's tests: the object it holds, and what came out of the writer.
#pragma once

#include <gtest/gtest.h>

#include "controller/writer.hpp"

namespace okg::controller {

using base::Code;
using base::Error;

inline constexpr Nanoseconds kSecond = 1'000'000'000;

class WriterTest : public ::testing::Test {
 protected:
  WriterTest() {
    object_.uid = "u1";
    object_.resource_version = "10";
    object_.ops_state = "None";
    object_.status_writer = "manager";
    take(writer_.connected(true, now_));
    tell();
  }

  void take(const WriterActions& actions) {
    for (const WriterAction& action : actions) {
      if (const auto* send = std::get_if<writer_action::Send>(&action)) sent_.push_back(send->patch);
      if (std::holds_alternative<writer_action::Reread>(action)) ++rereads_;
      if (const auto* end = std::get_if<writer_action::Finished>(&action)) {
        EXPECT_EQ(ended_.count(end->ticket), 0U) << "ended twice";
        ended_[end->ticket] = end->error ? end->error->code : Code::ok;
        texts_[end->ticket] = end->error ? end->error->text : "";
      }
    }
  }
  ObjectPtr copy() const { return std::make_shared<Object>(object_); }
  void tell() { take(writer_.seen(copy(), now_)); }
  void somebody_writes(const Field& field, const char* value, const char* manager = "matchmaker") {
    if (field == kOpsStateField) object_.ops_state = value;
    if (field.starts_with("label/")) object_.labels[field.substr(6)] = value;
    object_.writers[field] = manager;
    object_.resource_version = std::to_string(std::stoi(object_.resource_version) + 1);
  }
  // What an API server does with the patch.
  void answer() {
    ASSERT_FALSE(sent_.empty());
    const Patch patch = sent_.back();
    if (patch.resource_version != object_.resource_version) {
      take(writer_.patched(patch.id, Error(Code::conflict, "modified"), now_));
      tell();
      return;
    }
    for (const auto& [field, value] : patch.fields) somebody_writes(field, value->c_str(), "okg");
    take(writer_.patched(patch.id, copy(), now_));
  }
  void set(const char* value, std::vector<Value> known, Ticket ticket = 0, std::optional<Value> expect = {}) {
    Wish wish;
    wish.field = kOpsStateField;
    wish.value = value;
    wish.known = std::move(known);
    wish.expect = std::move(expect);
    wish.ticket = ticket;
    wish.deadline = ticket == 0 ? 0 : now_ + 10 * kSecond;
    take(writer_.set(wish, now_));
  }
  Code ended(Ticket ticket) { return ended_.count(ticket) != 0 ? ended_[ticket] : Code::busy; }

  Nanoseconds now_ = kSecond;
  Writer writer_;
  Object object_;
  std::vector<Patch> sent_;
  std::map<Ticket, Code> ended_;
  std::map<Ticket, std::string> texts_;
  int rereads_ = 0;
};

}  // namespace okg::controller
