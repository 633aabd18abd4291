// SPDX-License-Identifier: Apache-2.0
#include <boost/beast/core/bind_handler.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/write.hpp>
#include <boost/beast/websocket/rfc6455.hpp>
#include <chrono>
#include <memory>
#include <optional>
#include <utility>

#include "connection.hpp"
#include "respond.hpp"
#include "websocket.hpp"

namespace game2048 {
namespace {

namespace beast = boost::beast;
namespace http = beast::http;

constexpr auto patience = std::chrono::seconds(15);  // for a whole request, and between two of them
constexpr std::uint32_t most_header_bytes = 8 << 10;

class HttpConnection : public std::enable_shared_from_this<HttpConnection> {
 public:
  HttpConnection(boost::asio::ip::tcp::socket socket, Hub& hub)
      : stream_(std::move(socket)), hub_(hub), seat_(hub) {}

  void read() {
    parser_.emplace();
    parser_->header_limit(most_header_bytes);
    parser_->body_limit(0);
    stream_.expires_after(patience);
    http::async_read(stream_, buffer_, *parser_,
                     beast::bind_front_handler(&HttpConnection::on_read, shared_from_this()));
  }

 private:
  void on_read(beast::error_code error, std::size_t) {
    if (error) return;  // gone, too slow, too large or no HTTP: the socket closes with this object
    const Request request = parser_->release();
    if (hub_.site != nullptr && beast::websocket::is_upgrade(request) && request.target() == "/ws" &&
        same_origin(request)) {
      start_websocket(std::move(stream_), request, hub_, std::move(seat_));
      return;
    }
    const bool keep_alive = request.keep_alive();
    beast::async_write(stream_, respond(request, hub_.site.get()),
                       [self = shared_from_this(), keep_alive](beast::error_code failed, std::size_t) {
                         self->on_written(failed, keep_alive);
                       });
  }

  void on_written(beast::error_code error, bool keep_alive) {
    if (error) return;
    if (keep_alive) return read();
    beast::error_code ignored;
    stream_.socket().shutdown(boost::asio::ip::tcp::socket::shutdown_send, ignored);
  }

  beast::tcp_stream stream_;
  Hub& hub_;
  Seat seat_;
  beast::flat_buffer buffer_{most_header_bytes * 2};
  std::optional<http::request_parser<http::empty_body>> parser_;
};

}  // namespace

void start_http(boost::asio::ip::tcp::socket socket, Hub& hub) {
  std::make_shared<HttpConnection>(std::move(socket), hub)->read();
}

}  // namespace game2048
