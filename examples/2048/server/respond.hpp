// One HTTP request to its response: pure.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/message.hpp>
#include <boost/beast/http/message_generator.hpp>
#include <string_view>

#include "web.hpp"

namespace game2048 {

using Request = boost::beast::http::request<boost::beast::http::empty_body>;

// `site` may be null: nothing to serve yet.
boost::beast::http::message_generator respond(const Request& request, const Site* site);

// Browsers send Origin with a WebSocket handshake: pages of other sites may not play here.
bool same_origin(const Request& request);

}  // namespace game2048
