// What the server takes out of a payload: the page that players load, and the texts it shows.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <memory>
#include <okg/okg.hpp>
#include <string>
#include <string_view>

namespace game2048 {

struct Texts {
  std::string game_over;
  std::string win;
  std::string json;  // the file as it is, for GET /texts/en.json
  std::string etag;
};

struct Page {
  std::string type;  // Content-Type
  std::string body;
};

// The client component, in memory. A copy shares the pages.
struct Client {
  std::shared_ptr<const std::map<std::string, Page, std::less<>>> pages;  // by path below client/
  std::string etag;
};

// texts/en.json is a JSON object with the strings `game_over` and `win`. `json` and `etag` are left empty.
okg::Result<Texts> parse_texts(std::string_view json);

// The prepare step of the two components: reads and checks, touches nothing that is in use.
okg::Result<std::unique_ptr<Texts>> load_texts(const okg::Payload& payload);
okg::Result<std::unique_ptr<Client>> load_client(const okg::Payload& payload, const okg::StopToken& stop);

// By the end of the name, "application/octet-stream" for what is not known.
std::string_view content_type(std::string_view path);

}  // namespace game2048
