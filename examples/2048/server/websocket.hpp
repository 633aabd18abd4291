// A page's WebSocket. Network thread only.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <boost/beast/core/tcp_stream.hpp>
#include <memory>
#include <string>

#include "connection.hpp"
#include "respond.hpp"

namespace game2048 {

// Takes over the stream and answers the handshake `request`.
void start_websocket(boost::beast::tcp_stream stream, const Request& request, Hub& hub, Seat seat);

// Hands a message of the game loop to its connection, if that is still there.
void deliver(Hub& hub, const Outgoing& message);

}  // namespace game2048
