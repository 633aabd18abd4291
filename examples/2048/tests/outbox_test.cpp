// Letters reach the file, each once. SPDX-License-Identifier: Apache-2.0
#include "outbox.hpp"

#include <fstream>
#include <iterator>

#include "store_fixture.hpp"

namespace game2048 {
namespace {

class OutboxTest : public StoreTest {
 protected:
  std::string file() const { return top.path() + "/scores.jsonl"; }
  std::string text() const {
    std::ifstream in(file());
    return {std::istreambuf_iterator<char>(in), {}};
  }
  // Of one letter more.
  std::string write_letter() {
    EXPECT_TRUE(store->save(anna, true, false));
    return store->first_letter()->line + "\n";
  }
  void send_all() {
    {
      const Outbox outbox(*store, file());
    }
    EXPECT_FALSE(store->first_letter());
  }
};

TEST_F(OutboxTest, SendsAndAcknowledges) {
  open();
  const std::string first = write_letter();
  send_all();
  EXPECT_EQ(text(), first);
  open();
  const std::string second = write_letter();
  send_all();
  EXPECT_EQ(text(), first + second);
}

TEST_F(OutboxTest, WhatIsThereAlreadyIsOnlyAcknowledged) {
  open();
  const std::string first = write_letter();
  std::ofstream(file()) << "begun by somebody else\n" << first;  // killed before it was acknowledged
  send_all();
  EXPECT_EQ(text(), "begun by somebody else\n" + first);
}

TEST_F(OutboxTest, ALineThatWasCutShortIsWrittenAgain) {
  open();
  const std::string first = write_letter();
  const std::string half = first.substr(0, first.size() / 2);
  std::ofstream(file()) << half;
  send_all();
  EXPECT_EQ(text(), half + "\n" + first);
}

TEST_F(OutboxTest, AnotherSegmentsSequencesDoNotCount) {
  open();
  const std::string first = write_letter();
  const std::string foreign =
      R"({"sequence":18446744073709551615,"series":)" + std::to_string(store->series() + 1) + "}\n";
  std::ofstream(file()) << foreign;
  send_all();
  EXPECT_EQ(text(), foreign + first);
}

TEST_F(OutboxTest, WhatCannotBeWrittenStays) {
  open();
  write_letter();
  {
    const Outbox outbox(*store, top.path());
  }  // a directory
  EXPECT_TRUE(store->first_letter());
}

}  // namespace
}  // namespace game2048
