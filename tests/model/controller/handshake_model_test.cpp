// The conversation with OKG against a model of Kruise, OKG, the API server, a matchmaker and the process's
// own deaths.
//
// Exhaustively: every order in which the events of one update (or deletion, or a few writes of opsState) can
// come, with one mishap anywhere in it; and a million random steps through many updates with many mishaps.
// OKG_LONG=1 takes two mishaps and a hundred million steps; OKG_MODEL_SEED and OKG_MODEL_STEPS choose another
// walk. What the model finds when the machine is wrong shows mutants.sh.
//
// Assumed: a grace period is longer than it takes what OKG, the watch and the kubelet have to say to arrive;
// and the pod's volume is looked at in the end, and not older than what is read after a time without the API
// server.
#include <gtest/gtest.h>

#include <cstdlib>
#include <ostream>

#include "model/controller/explore.hpp"
#include "model/controller/run.hpp"

namespace okg::controller_model {
namespace {

constexpr std::uint64_t kStepsOfAWalk = 3'000;
// Sanitizers look at the code, for which the nearest states do; that they are all is the other builds'
// matter.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool kSanitized = true;
#else
constexpr bool kSanitized = false;
#endif
constexpr std::uint64_t kMostStates = kSanitized ? 12'000 : 20'000'000;

const Allowed kUpdates[] = {bit(Event::update_sidecar), bit(Event::update_game), bit(Event::update_both)};
const Allowed kMishaps =
    bits(Event::crash, Event::disconnect, Event::lose_patch, Event::refuse_patch, Event::revert,
         Event::okg_writes, Event::template_changes, Event::somebody_releases, Event::lose_pod);
const Allowed kMishapsOfTokens =
    bits(Event::crash, Event::lose_patch, Event::revert, Event::okg_writes, Event::somebody_releases);
const Allowed kWrites = bits(Event::set, Event::expect, Event::somebody_sets, Event::somebody_undoes,
                             Event::okg_writes, Event::lose_patch, Event::disconnect, Event::refuse_patch);

std::uint64_t from_environment(const char* name, std::uint64_t otherwise) {
  const char* text = std::getenv(name);
  return text == nullptr || *text == '\0' ? otherwise : std::strtoull(text, nullptr, 10);
}
bool is_long() {
  return from_environment("OKG_LONG", 0) == 1;
}

// By what the game is held back or warned.
struct By {
  const char* name;
  bool hook, grace;
};
constexpr By kBy[] = {{"Hook", true, false}, {"Grace", false, true}, {"HookAndGrace", true, true}};

struct Case {
  std::string name;
  Setting setting;
  Budget budget;
  Allowed allowed = 0;
};
void PrintTo(const Case& one, std::ostream* out) {
  *out << one.name;
}

Case make(std::string name, View view, const By& by, Budget budget, Allowed allowed) {
  Case one{std::move(name), {}, budget, allowed};
  one.setting.view = view;
  one.setting.hook = by.hook;
  one.setting.grace = by.grace;
  return one;
}

std::vector<Case> cases() {
  std::vector<Case> out;
  const std::uint8_t mishaps = is_long() ? 2 : 1;
  constexpr const char* kViews[] = {"Api", "ApiAndVolume", "Volume"};
  constexpr const char* kKinds[] = {"Sidecar", "Game", "Both"};
  for (const View view : {View::api, View::api_and_volume, View::volume})
    for (const By& by : kBy)
      for (int kind = 0; kind < 3; ++kind) {
        const std::string name = std::string(kViews[static_cast<int>(view)]) + by.name + kKinds[kind];
        // Two objects of different age have many more orders.
        const bool is_much = view == View::api_and_volume && by.hook && !is_long();
        Allowed troubles = is_much ? bit(Event::revert) : kMishaps;
        if (view == View::api) troubles |= bit(Event::somebody_deletes);
        if (view == View::volume) troubles = kMishapsOfTokens;
        const std::uint8_t count = is_much && !by.grace && kind != 0 ? 0 : view == View::api ? mishaps : 1;
        out.push_back(make(name, view, by, {1, count, 0, 0}, kUpdates[kind] | troubles));
      }
  for (const View view : {View::api, View::volume}) {
    const std::string name = kViews[static_cast<int>(view)];
    out.push_back(make(name + "TwoUpdates", view, kBy[2], {2, 0, 0, 0}, kUpdates[0] | kUpdates[1]));
    out.back().setting.names_updating = true;
    out.push_back(make(name + "Deletion", view, kBy[0], {1, mishaps, 0, 0},
                       kUpdates[0] | bits(Event::condemn, Event::crash)));
    out.back().setting.delete_hook = true;
  }
  out.push_back(make("OpsState", View::api, By{"", false, false}, {0, mishaps, 2, 1}, kWrites));
  out.push_back(make("OpsStateAndUpdate", View::api, kBy[0], {1, 0, 1, 0}, kUpdates[2] | kWrites));
  out.push_back(make("AGameServerMadeAnew", View::api, kBy[0], {0, mishaps, 1, 1},
                     kWrites | bits(Event::lose_pod, Event::somebody_deletes)));
  out.push_back(make("ItOutlivesItsPod", View::api, kBy[0], {0, mishaps, 1, 1},
                     kWrites | bits(Event::lose_pod, Event::somebody_deletes)));
  out.back().setting.keeps_gameserver = true;
  out.push_back(make("NobodyAsks", View::api, kBy[0], {1, mishaps, 0, 0}, kUpdates[2] | kMishaps));
  out.back().setting.asks = false;
  out.push_back(make("NobodyAnswers", View::api, kBy[0], {1, mishaps, 0, 0}, kUpdates[2] | kMishaps));
  out.back().setting.answers = false;
  out.push_back(make("TakenBackAgainAndAgain", View::api, By{"", false, false}, {0, 5, 1, 0},
                     bits(Event::set, Event::okg_writes)));
  out.push_back(
      make("NothingMayBeWritten", View::api, kBy[0], {1, 1, 0, 0}, kUpdates[2] | bits(Event::crash)));
  out.back().setting.forbidden = true;
  return out;
}

class EveryOrder : public ::testing::TestWithParam<Case> {};

TEST_P(EveryOrder, KeepsTheInvariants) {
  const Case& one = GetParam();
  const Explored found = explore(one.setting, one.budget, one.allowed, kMostStates);
  RecordProperty("states", std::to_string(found.states));
  RecordProperty("steps", std::to_string(found.steps));
  EXPECT_FALSE(found.wrong) << *found.wrong;
  if (kSanitized && !found.is_complete) return;
  EXPECT_TRUE(found.is_complete || found.wrong) << "more than " << kMostStates << " states";
  EXPECT_GE(found.quiet, one.setting.forbidden ? 0U : 2U);
}

INSTANTIATE_TEST_SUITE_P(HandshakeModel, EveryOrder, ::testing::ValuesIn(cases()),
                         [](const auto& test) { return test.param.name; });

void walk_many(std::uint64_t seed, std::uint64_t steps) {
  Reached reached;
  for (; reached.steps < steps; ++seed)
    if (const auto broken = broken_rule(seed, kStepsOfAWalk, &reached)) {
      ADD_FAILURE() << "OKG_MODEL_SEED=" << seed << " shows it again\n" << story(seed, kStepsOfAWalk);
      return;
    }
  ::testing::Test::RecordProperty("steps", std::to_string(reached.steps));
  if (steps < 1'000'000) return;  // somebody looks for something; too few to reach everything
  for (unsigned i = 0; i < static_cast<unsigned>(Event::kCount); ++i)
    EXPECT_GT(reached.events[i], 100U) << name_of(static_cast<Event>(i));
  for (const Kind kind : {kUpdate, kDeletion})
    for (int phase = 0; phase < 4; ++phase) {
      const bool is_lived_through = kind == kUpdate || phase == 0 || phase == 3;
      if (is_lived_through)
        EXPECT_GT(reached.notices[kind][phase], 10U) << kind << ' ' << phase;
      else
        EXPECT_EQ(reached.notices[kind][phase], 0U) << phase;
    }
  EXPECT_GT(reached.quiet, 1000U);
  EXPECT_GT(reached.conflicts, 1000U);
  EXPECT_GT(reached.taken_back, 50U);
}

TEST(HandshakeModel, AMillionStepsKeepTheInvariants) {
  walk_many(from_environment("OKG_MODEL_SEED", 1), from_environment("OKG_MODEL_STEPS", 1'200'000));
}

TEST(HandshakeModel, AHundredMillionStepsKeepTheInvariants) {
  if (!is_long()) GTEST_SKIP() << "takes minutes: set OKG_LONG=1";
  walk_many(from_environment("OKG_MODEL_SEED", 1'000'000), 100'000'000);
}

}  // namespace
}  // namespace okg::controller_model
