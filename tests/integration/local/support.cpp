#include "integration/local/support.hpp"

#include <gtest/gtest.h>

#include <csignal>
#include <fstream>

namespace okg::test {
namespace {

using base::Json;

Words command(const Words& words, const Words& flags) {
  Words out{"local", "run"};
  out.insert(out.end(), flags.begin(), flags.end());
  out.push_back("--");
  out.insert(out.end(), words.begin(), words.end());
  return out;
}

}  // namespace

Laptop::Laptop() {
  std::filesystem::create_directory(place_ / "hot");
}

Variables Laptop::variables() const {
  Variables out = place_.variables();
  out["OKG_HOT_DIR"] = place_ / "hot";
  out["OKG_NAME"] = "game";
  return out;
}

Json Laptop::gameserver() const {
  std::ifstream in(run() + "/gameserver.json");
  Json json = Json::parse(in, nullptr, false);
  return json.is_object() ? json : Json(nullptr);
}

void Laptop::write(const Json& gameserver) const {
  write_file(run() + "/gameserver.json", gameserver.dump(2));
}

std::string Laptop::ops_state() const {
  const Json now = gameserver();
  return now.is_null() ? "" : now["spec"].value("opsState", "");
}

std::string Laptop::label(const std::string& key) const {
  const Json now = gameserver();
  return now.is_null() ? "" : now["metadata"]["labels"].value(key, "");
}

Json Laptop::status() const {
  const Finished done = okg({"status", "--json"});
  return done.code == 0 ? done.events().at(0) : Json(nullptr);
}

Finished Laptop::okg(const Words& words) const {
  return test::okg(words, variables());
}

void Laptop::publish() const {
  const std::string image = place_ / "image";
  if (!std::filesystem::exists(image)) make_payload(image, "1.0.0");
  const Finished done = okg({"publish", "--once", "--from", image});
  ASSERT_EQ(done.code, 0) << done.err;
}

Running::Running(const Laptop& laptop, const Words& words, const Words& flags)
    : process_(command(words, flags), laptop.surroundings()) {
  EXPECT_TRUE(eventually([&] {
    const Json status = laptop.status();
    return !status.is_null() && status["controller"]["link"] == "connected";
  }));
}

Finished Running::end() {
  process_.signal(SIGTERM);
  return process_.finish();
}

}  // namespace okg::test
