#include "payload/manifest.hpp"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>

#include "payload/layout.hpp"
#include "payload/sha256.hpp"

namespace okg::payload {
namespace {

using base::Code;
using nlohmann::json;

FileList sample_list() {
  auto list = FileList::make({{sha256("1"), false, 1, "index.html"},
                              {sha256("2"), true, 2, "scripts/a.lua"},
                              {sha256("3"), false, 3, "scripts/ui/b.lua"},
                              {sha256("4"), false, 4, "texts/en.json"}});
  return *list;
}

Manifest sample() {
  const FileList list = sample_list();
  Manifest manifest;
  manifest.version = "2.4.1";
  manifest.list = sha256(list.text());
  manifest.files = list.entries().size();
  manifest.bytes = list.bytes();
  manifest.components = {{"root", {"", {}, {}}},
                         {"scripts", {"scripts/", {}, {"texts"}}},
                         {"texts", {"texts/", {}, {}}},
                         {"ui", {"scripts/ui/", {}, {"scripts", "texts"}}}};
  for (auto& [name, digest] : *component_digests(manifest.components, list))
    manifest.components[name].digest = digest;
  manifest.requires_server = ">=2.4 <2.5";
  manifest.annotations = {{"git", "abc"}};
  return manifest;
}

json sample_json() {
  return json::parse(sample().text());
}

Code code_of(const json& object) {
  const auto parsed = Manifest::parse(object.dump());
  return parsed ? Code::ok : parsed.error().code;
}

TEST(Manifest, IsReadInTheFormItIsWritten) {
  const Manifest manifest = sample();
  const auto parsed = Manifest::parse(manifest.text());
  ASSERT_TRUE(parsed) << parsed.error().text;
  EXPECT_EQ(parsed->text(), manifest.text());
  EXPECT_EQ(parsed->version, "2.4.1");
  EXPECT_EQ(parsed->requires_server, ">=2.4 <2.5");
  EXPECT_EQ(parsed->components.at("ui").after, (std::vector<std::string>{"scripts", "texts"}));
  EXPECT_TRUE(check_against_list(*parsed, sample_list()));
}

TEST(Manifest, HasTheKeysInOrderAndOneNewline) {
  Manifest manifest = sample();
  manifest.requires_server.reset();
  manifest.annotations.clear();
  const std::string text = manifest.text();
  std::size_t at = 0;
  for (const char* key : {"schema", "version", "list", "files", "bytes", "components", "requires",
                          "unhandled", "annotations"}) {
    const std::size_t found = text.find("\n  \"" + std::string(key) + "\": ");
    ASSERT_NE(found, std::string::npos) << key << " in " << text;
    EXPECT_GE(found, at) << key;
    at = found;
  }
  EXPECT_EQ(text.find("\n\n"), std::string::npos);
  EXPECT_EQ(text.back(), '\n');
  EXPECT_NE(text.find("\"requires\": {}"), std::string::npos);
}

TEST(Manifest, TakesDefaultsForWhatMayBeAbsent) {
  json object = sample_json();
  for (const char* key : {"requires", "unhandled", "annotations"}) object.erase(key);
  object["components"]["texts"].erase("after");
  object["from the future"] = {{"any", "thing"}};
  const auto parsed = Manifest::parse(object.dump());
  ASSERT_TRUE(parsed) << parsed.error().text;
  EXPECT_EQ(parsed->unhandled, Unhandled::fail);
  EXPECT_FALSE(parsed->requires_server);
}

TEST(Manifest, RefusesWrongValues) {
  const struct {
    const char* pointer;
    json value;
  } cases[] = {
      {"/schema", "okg.payload/v2"},
      {"/schema", 1},
      {"/schema", nullptr},
      {"/version", ""},
      {"/version", 3},
      {"/version", "a\nb"},
      {"/version", std::string(129, 'x')},
      {"/version", " a"},
      {"/list", std::string(64, '0')},
      {"/list", "sha256:12"},
      {"/list", "sha512:" + std::string(64, '0')},
      {"/list", nullptr},
      {"/files", -1},
      {"/files", 1.5},
      {"/files", "4"},
      {"/files", 200'001},
      {"/files", nullptr},
      {"/bytes", -1},
      {"/bytes", 1e30},
      {"/bytes", 9223372036854775808ULL},
      {"/bytes", nullptr},
      {"/components", nullptr},
      {"/components", json::array()},
      {"/components", "x"},
      {"/components/texts", json::array()},
      {"/components/texts/path", nullptr},
      {"/components/texts/path", "texts"},
      {"/components/texts/path", "/"},
      {"/components/texts/path", "../"},
      {"/components/texts/path", "a//"},
      {"/components/texts/path", "scripts/"},
      {"/components/texts/path", "a\n/"},
      {"/components/texts/digest", "x"},
      {"/components/texts/digest", nullptr},
      {"/components/texts/after", "scripts"},
      {"/components/texts/after", {1}},
      {"/components/texts/after", {"nobody"}},
      {"/components/texts/after", {"texts"}},
      {"/components/texts/after", {"ui"}},
      {"/components/bad name", {{"path", "x/"}, {"digest", "sha256:" + std::string(64, '0')}}},
      {"/requires", json::array()},
      {"/requires/server", 2},
      {"/requires/server", ""},
      {"/requires/server", "new"},
      {"/unhandled", "ignore"},
      {"/unhandled", true},
      {"/unhandled", nullptr},
      {"/annotations", json::array()},
      {"/annotations/git", 1},
      {"/annotations/git", {{"a", "b"}}},
  };
  for (const auto& c : cases) {
    json object = sample_json();
    object[json::json_pointer(c.pointer)] = c.value;
    EXPECT_EQ(code_of(object), Code::bad_manifest) << c.pointer << " = " << c.value.dump();
  }
  for (const char* key : {"schema", "version", "list", "files", "bytes", "components"}) {
    json object = sample_json();
    object.erase(key);
    EXPECT_EQ(code_of(object), Code::bad_manifest) << "without " << key;
  }
}

// What is not understood cannot be said to be met.
TEST(Manifest, RefusesAnUnknownRequirement) {
  json object = sample_json();
  object["requires"]["abi"] = 12;
  EXPECT_EQ(code_of(object), Code::requires_unmet);
}

TEST(Manifest, RefusesWhatIsNoJsonObject) {
  const std::string good = sample().text();
  std::string deep = "{\"schema\":";
  for (int i = 0; i < 10'000; ++i) deep += "[";
  std::string deep_object;
  for (int i = 0; i < 10'000; ++i) deep_object += "{\"a\":";
  std::string closed = "{\"x\":" + std::string(20, '[') + std::string(20, ']') + "," + good.substr(1);
  std::string twice = good;
  twice.insert(1, "\"version\":\"1\",");
  std::string twice_deep = good;
  twice_deep.insert(twice_deep.find("\"path\""), "\"path\":\"x/\",");
  std::string invalid = good;
  invalid.insert(invalid.find("2.4.1"), "\xFF");
  std::string nul = good;
  nul.insert(nul.find("2.4.1"), 1, '\0');
  std::string huge = good;
  huge.replace(huge.find("\"files\": 4"), 10, "\"files\": 1e999");
  for (const std::string& text :
       {std::string(), std::string("null"), std::string("[]"), std::string("\"x\""), good + "x", good + good,
        good.substr(0, good.size() / 2), deep, deep_object, closed, twice, twice_deep, invalid, nul, huge,
        std::string(kMostManifestBytes + 1, ' '), std::string("{") + std::string(1000, '\0')}) {
    const auto parsed = Manifest::parse(text);
    ASSERT_FALSE(parsed) << text.substr(0, 200);
    EXPECT_EQ(parsed.error().code, Code::bad_manifest) << text.substr(0, 200);
    EXPECT_LT(parsed.error().text.size(), 1000U);
  }
}

TEST(Manifest, LimitsComponents) {
  json object = sample_json();
  object["components"] = json::object();
  for (std::size_t i = 0; i <= kMostComponents; ++i)
    object["components"]["c" + std::to_string(i)] = {{"path", std::to_string(i) + "/"},
                                                     {"digest", "sha256:" + std::string(64, '0')}};
  EXPECT_EQ(code_of(object), Code::bad_manifest);
  object["components"].erase("c0");
  EXPECT_EQ(code_of(object), Code::ok);
}

TEST(Components, AreOrderedByAfterAndThenByName) {
  const auto order = component_order(sample().components);
  ASSERT_TRUE(order);
  EXPECT_EQ(*order, (std::vector<std::string>{"root", "texts", "scripts", "ui"}));
  EXPECT_TRUE(component_order({})->empty());
}

TEST(Components, HashTheirOwnLines) {
  const FileList list = sample_list();
  const auto digests = component_digests(sample().components, list);
  ASSERT_TRUE(digests);
  EXPECT_EQ(digests->at("root"), sha256(format_line(list.entries()[0])));
  EXPECT_EQ(digests->at("scripts"), sha256(format_line(list.entries()[1])));
  EXPECT_EQ(digests->at("ui"), sha256(format_line(list.entries()[2])));
  EXPECT_EQ(digests->at("texts"), sha256(format_line(list.entries()[3])));
}

TEST(Components, MustCoverEveryFile) {
  auto components = sample().components;
  components.erase("root");
  EXPECT_EQ(component_digests(components, sample_list()).error().code, Code::bad_manifest);
  components = sample().components;
  components.erase("ui");  // its files fall to "scripts" then
  EXPECT_TRUE(component_digests(components, sample_list()));
}

TEST(Manifest, MustDescribeItsList) {
  const FileList list = sample_list();
  ASSERT_TRUE(check_against_list(sample(), list));
  Manifest manifest = sample();
  ++manifest.files;
  EXPECT_EQ(check_against_list(manifest, list).error().code, Code::bad_manifest);
  manifest = sample();
  --manifest.bytes;
  EXPECT_EQ(check_against_list(manifest, list).error().code, Code::bad_manifest);
  manifest = sample();
  std::swap(manifest.components["ui"].digest, manifest.components["texts"].digest);
  EXPECT_EQ(check_against_list(manifest, list).error().code, Code::bad_manifest);
  manifest = sample();
  manifest.components.erase("root");
  EXPECT_EQ(check_against_list(manifest, list).error().code, Code::bad_manifest);
}

}  // namespace
}  // namespace okg::payload
