// The controller without rights: the test plays kubelet and OKG.
#include "controller/downward_adapter.hpp"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

#include "controller/keys.hpp"
#include "support/temporary_directory.hpp"

namespace okg::controller {
namespace {

class DownwardTest : public ::testing::Test {
 protected:
  DownwardTest() : run_(::open((root_ / "").c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)) { start(); }
  ~DownwardTest() override {
    adapter_.reset();
    ::close(run_);
  }
  void start() {
    adapter_.emplace(io_, base::Os::real(), root_ / "", run_,
                     HandshakeOptions{keys::kUpdateHook, keys::kDeleteHook}, base::Log());
    AdapterSink sink;
    sink.seen = [this](ObjectPtr object) { seen_ = std::move(object); };
    sink.patched = [this](PatchId id, base::Result<ObjectPtr> result) {
      patched_[id] = result ? base::Code::ok : result.error().code;
    };
    sink.linked = [this](Link link, std::string why) {
      link_ = link;
      why_ = std::move(why);
    };
    adapter_->start(std::move(sink));
    run();
  }
  void run() {
    io_.restart();
    io_.poll();
  }
  void pod(const std::string& ops_state, const std::string& hook = "true") {
    std::ofstream(root_ / "labels") << "game.kruise.io/gs-opsState=\"" << ops_state << "\"\n"
                                    << keys::kUpdateHook << "=\"" << hook << "\"\n";
    adapter_->tick();
  }
  void send(PatchId id, std::map<Field, Value> fields) {
    adapter_->send(Patch{id, "", std::move(fields)});
    run();
  }
  std::string token() const {
    std::stringstream out;
    out << std::ifstream(root_ / "ops").rdbuf();
    return out.str();
  }

  okg::test::TemporaryDirectory root_;
  int run_;
  boost::asio::io_context io_;
  std::optional<DownwardAdapter> adapter_;
  ObjectPtr seen_;
  std::map<PatchId, base::Code> patched_;
  Link link_ = Link::off;
  std::string why_;
};

const Field kHook = label_field(keys::kUpdateHook);

TEST_F(DownwardTest, WaitsForItsVolume) {
  EXPECT_EQ(link_, Link::connecting);
  EXPECT_EQ(token(), "Unknown\n") << "nothing is said before the game says something";
  pod("None");
  EXPECT_EQ(link_, Link::limited);
  ASSERT_TRUE(seen_);
  EXPECT_EQ(seen_->ops_state, "None");
}

TEST_F(DownwardTest, AStateIsSaidByTheTokenAndDoneWhenThePodHasIt) {
  pod("None");
  send(1, {{kOpsStateField, "Allocated"}});
  EXPECT_EQ(token(), "Allocated\n");
  EXPECT_TRUE(patched_.empty());
  pod("Allocated");
  EXPECT_EQ(patched_.at(1), base::Code::ok);
}

TEST_F(DownwardTest, WhatSomebodyChangedIsSaidOnceMoreInOtherWords) {
  pod("None");
  send(1, {{kOpsStateField, "None"}});
  EXPECT_EQ(token(), "None\n");
  pod("None");
  pod("Allocated");  // a matchmaker: OKG has acted on the token None already
  send(2, {{kOpsStateField, "None"}});
  EXPECT_EQ(token(), "None.again\n");
  pod("None");
  pod("Allocated");
  send(3, {{kOpsStateField, "None"}});
  EXPECT_EQ(token(), "None\n");
}

TEST_F(DownwardTest, TheAnswerToAnUpdateCarriesTheStateThatIs) {
  pod("None");
  pod("Allocated");
  send(1, {{kHook, "false"}});
  EXPECT_EQ(token(), "Allocated.update-ok\n");
  pod("Allocated", "false");
  EXPECT_EQ(patched_.at(1), base::Code::ok);
  send(2, {{kHook, "true"}});
  EXPECT_EQ(token(), "Allocated\n");
  pod("Allocated", "true");
  EXPECT_EQ(patched_.at(2), base::Code::ok);
}

TEST_F(DownwardTest, AStateThatIsNotHeardOfIsNotMadeUp) {
  std::ofstream(root_ / "labels") << keys::kUpdateHook << "=\"true\"\n";
  adapter_->tick();
  send(1, {{kHook, "false"}});
  EXPECT_EQ(token(), "Unknown.update-ok\n");
}

TEST_F(DownwardTest, TheTokenOutlivesTheProcess) {
  pod("Allocated");
  send(1, {{kHook, "false"}});
  adapter_.reset();
  start();
  EXPECT_EQ(token(), "Allocated.update-ok\n");
  pod("Allocated", "false");
  send(2, {{kHook, "true"}});
  EXPECT_EQ(token(), "Allocated\n");
}

TEST_F(DownwardTest, WhatNeedsRightsIsRefused) {
  pod("None");
  send(1, {{kOpsStateField, "Allocated"}, {kUpdatePriorityField, "3"}});
  EXPECT_EQ(patched_.at(1), base::Code::unsupported);
  EXPECT_EQ(token(), "Unknown\n");
}

TEST_F(DownwardTest, AGarbledTokenIsNoToken) {
  adapter_.reset();
  std::ofstream(root_ / "ops") << "rm -rf /\n";
  start();
  EXPECT_EQ(token(), "Unknown\n");
}

TEST(OpsTokens, AreAClosedSet) {
  for (const OpsToken& token : all_ops_tokens({"None", "Allocated", "Draining"})) {
    const auto again = parse_ops_token(token.text() + "\n");
    ASSERT_TRUE(again) << token.text();
    EXPECT_EQ(*again, token);
  }
  for (const char* wrong : {"", "kill", "a b", "None.update-ok.again|", "-", ".again"})
    EXPECT_FALSE(parse_ops_token(wrong)) << wrong;
}

}  // namespace
}  // namespace okg::controller
