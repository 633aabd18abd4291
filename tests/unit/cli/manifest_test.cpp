#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cli/pieces.hpp"
#include "cli/yaml.hpp"
#include "controller/ops_token.hpp"

namespace okg::cli {
namespace {

using base::OrderedJson;
using testing::HasSubstr;
using testing::Not;

TEST(Yaml, QuotesWhatSomeReaderTakesForSomethingElse) {
  const auto line = [](const char* text) { return to_yaml({{"a", text}}); };
  EXPECT_EQ(line("gs-sync/update-block"), "a: gs-sync/update-block\n");
  EXPECT_EQ(line("/okg/run"), "a: /okg/run\n");
  for (const char* text : {"true", "Null", "NO", "y", "1", "1e3", "0x1F", "1Gi", "", "-", "--from", "a b",
                           "a: b", "a#b", "~", "*", "[x]", "2026-01-01", ".inf"})
    EXPECT_EQ(line(text), "a: \"" + std::string(text) + "\"\n");
  EXPECT_EQ(line("a\"b\n"), "a: \"a\\\"b\\n\"\n");
  EXPECT_EQ(to_yaml({{"a", true}, {"b", 3}, {"no", nullptr}}), "a: true\nb: 3\n\"no\": null\n");
}

TEST(Yaml, HasCommentsAboveWhatTheyAreAbout) {
  OrderedJson first, out;
  comment(first, "the first");
  first["name"] = "one";
  comment(first, "its list");
  first["list"] = {1, 2};
  comment(out, "all");
  out["things"] = OrderedJson::array({first, {{"name", "two"}}, OrderedJson::object()});
  out["none"] = OrderedJson::array();
  EXPECT_EQ(to_yaml(out),
            "# all\nthings:\n# the first\n- name: one\n  # its list\n  list: [1, 2]\n- {name: two}\n- "
            "{}\nnone: []\n");
  EXPECT_EQ(base::dump(without_comments(out)),
            R"({"things":[{"name":"one","list":[1,2]},{"name":"two"},{}],"none":[]})");
  EXPECT_EQ(to_yaml({{"long", {{"text", std::string(120, 'x')}}}}),
            "long:\n  text: " + std::string(120, 'x') + "\n");
}

std::vector<OrderedJson> actions(const PieceOptions& options) {
  return service_qualities(options)["serviceQualities"][0]["serviceQualityAction"];
}

TEST(Pieces, HaveAnActionForEachTokenThereIs) {
  PieceOptions options;
  options.ops_states = {"Draining", "None"};  // one that OKG knows anyhow does not come twice
  const auto tokens =
      controller::all_ops_tokens({"None", "Allocated", "Maintaining", "WaitToBeDeleted", "Kill", "Draining"});
  const auto found = actions(options);
  ASSERT_EQ(found.size(), tokens.size());
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    OrderedJson wanted{{"state", true}, {"result", tokens[i].text()}};
    if (!tokens[i].state.empty()) wanted["opsState"] = tokens[i].state;
    const bool deletion = tokens[i].answer == controller::OpsToken::Answer::delete_ok;
    const bool armed = tokens[i].answer == controller::OpsToken::Answer::none;
    wanted["labels"] = {
        {deletion ? "gs-sync/delete-block" : "gs-sync/update-block", armed ? "true" : "false"}};
    EXPECT_EQ(found[i], wanted);
  }
}

TEST(Pieces, WithoutAHookNothingWaits) {
  PieceOptions options;
  options.hook.clear();
  options.rbac = false;
  const auto set = game_server_set(options);
  EXPECT_FALSE(set["spec"].contains("lifecycle"));
  EXPECT_THAT(to_yaml(set), Not(HasSubstr("update-block")));
  EXPECT_THAT(to_yaml(environment(options)), HasSubstr(R"({name: OKG_UPDATE_HOOK, value: "-"})"));
}

TEST(Pieces, NameWhatTheUserNamed) {
  PieceOptions options;
  options.name = "shooter";
  options.name_space = "games";
  options.game = "server";
  options.sidecar = "assets";
  options.hook = "gs-sync/mine";
  const auto set = game_server_set(options);
  EXPECT_EQ(set["spec"]["lifecycle"]["inPlaceUpdate"]["labelsHandler"]["gs-sync/mine"], "true");
  EXPECT_EQ(set["spec"]["gameServerTemplate"]["metadata"]["labels"]["gs-sync/mine"], "true");
  EXPECT_EQ(set["spec"]["gameServerTemplate"]["spec"]["serviceAccountName"], "shooter");
  EXPECT_EQ(set["spec"]["gameServerTemplate"]["spec"]["containers"][0]["name"], "server");
  EXPECT_EQ(set["spec"]["gameServerTemplate"]["spec"]["containers"][1]["name"], "assets");
  EXPECT_EQ(set["spec"]["serviceQualities"].size(), 1U) << "with rights the server writes opsState itself";
  EXPECT_EQ(set["spec"]["serviceQualities"][0]["containerName"], "assets");
  EXPECT_THAT(to_yaml(environment(options)), HasSubstr("{name: OKG_UPDATE_HOOK, value: gs-sync/mine}"));
  EXPECT_EQ(role(options)[2]["subjects"][0]["namespace"], "games");
  EXPECT_THAT(to_yaml(policy(options)[0]), HasSubstr(":shooter'"));
  EXPECT_EQ(volumes(options)["containers"][1]["name"], "assets");
}

}  // namespace
}  // namespace okg::cli
