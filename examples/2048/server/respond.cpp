// SPDX-License-Identifier: Apache-2.0
#include "respond.hpp"

#include <boost/beast/http/string_body.hpp>
#include <string>
#include <utility>

namespace game2048 {
namespace {

namespace http = boost::beast::http;

struct Answer {
  http::status status;
  std::string_view type = "text/plain; charset=utf-8";
  std::string_view body = {};
  std::string_view etag = {};
};

std::string_view view(boost::beast::string_view text) {
  return {text.data(), text.size()};
}

http::message_generator message(const Request& request, const Answer& answer, const Site* site) {
  http::response<http::string_body> response{answer.status, request.version()};
  response.keep_alive(request.keep_alive());
  response.set(http::field::server, "game-2048");
  // Asked again each time, answered with 304 as long as the payload's part is the same.
  response.set(http::field::cache_control, "no-cache");
  response.set("X-Content-Type-Options", "nosniff");
  response.set("Content-Security-Policy",
               "default-src 'self'; connect-src 'self' ws: wss:; base-uri 'none'; form-action 'none'");
  response.set("Referrer-Policy", "no-referrer");
  if (site != nullptr) response.set("X-Payload-Version", site->version);
  if (!answer.etag.empty()) response.set(http::field::etag, answer.etag);
  if (answer.status == http::status::not_modified) return response;
  response.set(http::field::content_type, answer.type);
  if (answer.status == http::status::method_not_allowed) response.set(http::field::allow, "GET, HEAD");
  if (answer.status == http::status::service_unavailable) {
    response.set(http::field::retry_after, "1");
    response.set("Refresh", "1");  // a browser that came early sees the page by itself
  }
  if (request.method() == http::verb::head) {
    response.content_length(answer.body.size());
    http::response<http::empty_body> head{std::move(response.base())};
    return head;
  }
  response.body() = answer.body;
  response.prepare_payload();
  return response;
}

// If-None-Match: a list of tags, perhaps weak ones, or "*".
bool names_tag(std::string_view list, std::string_view etag) {
  return list == "*" || (!etag.empty() && list.find(etag) != std::string_view::npos);
}

}  // namespace

http::message_generator respond(const Request& request, const Site* site) {
  if (request.method() != http::verb::get && request.method() != http::verb::head)
    return message(request, {.status = http::status::method_not_allowed, .body = "GET or HEAD\n"}, site);
  if (site == nullptr)
    return message(request,
                   {.status = http::status::service_unavailable, .body = "waiting for the first payload\n"},
                   site);

  std::string_view path = view(request.target());
  path = path.substr(0, path.find('?'));
  Answer answer{.status = http::status::not_found, .body = "not found\n"};
  // Paths are only ever looked up among those of the payload: nothing here touches a file system.
  if (path == "/texts/en.json") {
    answer = {.status = http::status::ok,
              .type = content_type(path),
              .body = site->texts.json,
              .etag = site->texts.etag};
  } else if (path.starts_with('/')) {
    path.remove_prefix(1);
    const auto page = site->client.pages->find(path.empty() ? std::string_view("index.html") : path);
    if (page != site->client.pages->end())
      answer = {.status = http::status::ok,
                .type = page->second.type,
                .body = page->second.body,
                .etag = site->client.etag};
  }
  if (answer.status == http::status::ok && names_tag(view(request[http::field::if_none_match]), answer.etag))
    answer.status = http::status::not_modified;
  return message(request, answer, site);
}

bool same_origin(const Request& request) {
  const std::string_view origin = view(request[http::field::origin]);
  if (origin.empty()) return true;
  const auto scheme = origin.find("://");
  return scheme != std::string_view::npos && origin.substr(scheme + 3) == view(request[http::field::host]);
}

}  // namespace game2048
