// SPDX-License-Identifier: Apache-2.0
#include "content.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <set>
#include <utility>

namespace game2048 {
namespace {

using Json = nlohmann::json;

constexpr std::string_view texts_path = "texts/en.json";
constexpr std::string_view client_prefix = "client/";
constexpr std::string_view index_path = "client/index.html";
constexpr std::uint64_t most_text_bytes = std::uint64_t{64} << 10;
constexpr std::uint64_t most_client_bytes = std::uint64_t{16} << 20;
constexpr std::size_t most_message_bytes = 200;  // what a banner over the board can hold

okg::Error refuse(std::string_view path, const std::string& why) {
  return okg::rejected(std::string(path) + ": " + why);
}

// "line 3, column 7" of the byte at `offset`, which counts from 1 as nlohmann does.
std::string place(std::string_view text, std::size_t offset) {
  const std::string_view before = text.substr(0, std::min(text.size(), offset == 0 ? 0 : offset - 1));
  const auto line = std::ranges::count(before, '\n') + 1;
  const std::size_t start = before.rfind('\n') == std::string_view::npos ? 0 : before.rfind('\n') + 1;
  return "line " + std::to_string(line) + ", column " + std::to_string(before.size() - start + 1);
}

okg::Result<std::string> message(const Json& object, const char* key) {
  const auto found = object.find(key);
  if (found == object.end()) return refuse(texts_path, std::string("\"") + key + "\" is missing");
  if (!found->is_string()) return refuse(texts_path, std::string("\"") + key + "\" is not a string");
  auto text = found->get<std::string>();
  if (text.empty() || text.size() > most_message_bytes)
    return refuse(texts_path, std::string("\"") + key + "\" has to hold 1 to " +
                                  std::to_string(most_message_bytes) + " bytes");
  return text;
}

// A digest is hex behind "sha256:", so it needs no quoting inside an entity tag.
std::string entity_tag(std::string_view digest) {
  return "\"" + std::string(digest.substr(digest.find(':') + 1)) + "\"";
}

// Bounded before it is read: a payload is not trusted with the server's memory.
okg::Result<std::string> read_bounded(const okg::Payload& payload, const std::string& path,
                                      std::uint64_t most) {
  for (const okg::File& file : payload.list()) {
    if (path == file.path && file.bytes > most)
      return refuse(path, "is larger than " + std::to_string(most) + " bytes");
  }
  return payload.read(path);
}

}  // namespace

okg::Result<Texts> parse_texts(std::string_view json) {
  std::set<std::string> keys;
  std::string twice;
  const auto on_event = [&](int depth, Json::parse_event_t event, Json& parsed) {
    if (event == Json::parse_event_t::key && depth == 1 && !keys.insert(parsed.get<std::string>()).second)
      twice = parsed.get<std::string>();
    return true;
  };
  Json object;
  try {
    object = Json::parse(json, on_event);
  } catch (const Json::parse_error& error) {
    return refuse(texts_path, "not JSON at " + place(json, error.byte));
  }
  if (!object.is_object()) return refuse(texts_path, "not a JSON object");
  if (!twice.empty()) return refuse(texts_path, "\"" + twice + "\" stands there twice");
  auto game_over = message(object, "game_over");
  if (!game_over) return game_over.error();
  auto win = message(object, "win");
  if (!win) return win.error();
  return Texts{.game_over = *std::move(game_over), .win = *std::move(win), .json = {}, .etag = {}};
}

okg::Result<std::unique_ptr<Texts>> load_texts(const okg::Payload& payload) {
  if (!payload.contains(std::string(index_path))) return refuse(index_path, "not in the payload");
  auto json = read_bounded(payload, std::string(texts_path), most_text_bytes);
  if (!json) return json.error();
  auto texts = parse_texts(*json);
  if (!texts) return texts.error();
  texts->json = *std::move(json);
  texts->etag = entity_tag(payload.component("texts"));
  return std::make_unique<Texts>(*std::move(texts));
}

okg::Result<std::unique_ptr<Client>> load_client(const okg::Payload& payload, const okg::StopToken& stop) {
  // Neither component is of use alone, and one that never was there is asked for nothing.
  for (const std::string_view needed : {index_path, texts_path}) {
    if (!payload.contains(std::string(needed))) return refuse(needed, "not in the payload");
  }
  auto pages = std::make_shared<std::map<std::string, Page, std::less<>>>();
  std::uint64_t total = 0;
  for (const okg::File& file : payload.list()) {
    const std::string_view path = file.path;
    if (!path.starts_with(client_prefix)) continue;
    if (stop.stop_requested()) return okg::try_again("client: no longer wanted");
    total += file.bytes;
    if (total > most_client_bytes)
      return refuse(path, "client/ is larger than " + std::to_string(most_client_bytes) + " bytes");
    auto body = payload.read(std::string(path));
    if (!body) return body.error();
    pages->emplace(path.substr(client_prefix.size()),
                   Page{std::string(content_type(path)), *std::move(body)});
  }
  auto client = std::make_unique<Client>();
  client->pages = std::move(pages);
  client->etag = entity_tag(payload.component("client"));
  return client;
}

std::string_view content_type(std::string_view path) {
  struct Type {
    std::string_view extension;
    std::string_view type;
  };
  static constexpr std::array types{
      Type{".html", "text/html; charset=utf-8"},
      Type{".css", "text/css; charset=utf-8"},
      Type{".js", "text/javascript; charset=utf-8"},
      Type{".json", "application/json"},
      Type{".txt", "text/plain; charset=utf-8"},
      Type{".svg", "image/svg+xml"},
      Type{".png", "image/png"},
      Type{".jpg", "image/jpeg"},
      Type{".webp", "image/webp"},
      Type{".ico", "image/x-icon"},
      Type{".woff2", "font/woff2"},
      Type{".webmanifest", "application/manifest+json"},
  };
  const auto found = std::ranges::find_if(types, [&](const Type& t) { return path.ends_with(t.extension); });
  return found == types.end() ? "application/octet-stream" : found->type;
}

}  // namespace game2048
