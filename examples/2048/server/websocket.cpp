// SPDX-License-Identifier: Apache-2.0
#include "websocket.hpp"

#include <boost/beast/core/bind_handler.hpp>
#include <boost/beast/core/buffers_to_string.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/websocket/stream.hpp>
#include <chrono>
#include <deque>
#include <utility>

namespace game2048 {

namespace beast = boost::beast;
namespace websocket = beast::websocket;

class WebSocket : public std::enable_shared_from_this<WebSocket> {
 public:
  WebSocket(beast::tcp_stream stream, Hub& hub, Seat seat)
      : stream_(std::move(stream)), hub_(hub), seat_(std::move(seat)), id_(hub.next_id++) {}
  WebSocket(const WebSocket&) = delete;
  WebSocket& operator=(const WebSocket&) = delete;
  ~WebSocket() { hub_.inbox.put({.kind = Event::Kind::closed, .connection = id_}); }

  void accept(const Request& request) {
    hub_.sockets.emplace(id_, shared_from_this());
    beast::get_lowest_layer(stream_).expires_never();  // from here on the WebSocket has its own timer
    websocket::stream_base::timeout timeout{};
    timeout.handshake_timeout = std::chrono::seconds(10);
    timeout.idle_timeout = std::chrono::seconds(60);
    timeout.keep_alive_pings = true;
    stream_.set_option(timeout);
    stream_.read_message_max(most_message_bytes);
    stream_.text(true);
    stream_.async_accept(request, [self = shared_from_this()](beast::error_code error) {
      if (error) return self->close();
      self->read();
    });
  }

  void deliver(const Outgoing& message) {
    if (message.text == nullptr) return close();
    if (message.answer) --unanswered_;
    if (closing_) return;
    // A page that does not read what others make it receive (new payloads, a second tab of its session).
    if (queue_.size() >= most_queued) return close();
    queue_.push_back(message.text);
    if (queue_.size() == 1) write();
    read();
  }

 private:
  static constexpr std::size_t most_message_bytes = 1024;
  static constexpr std::size_t most_unanswered = 32;
  static constexpr std::size_t most_queued = 256;

  // Reads on, unless the page is far ahead of its answers: then the next answer goes on.
  void read() {
    if (reading_ || closing_ || unanswered_ + queue_.size() >= most_unanswered) return;
    reading_ = true;
    stream_.async_read(buffer_, beast::bind_front_handler(&WebSocket::on_read, shared_from_this()));
  }

  void on_read(beast::error_code error, std::size_t) {
    reading_ = false;
    if (error || !stream_.got_text()) return close();
    ++unanswered_;
    hub_.inbox.put(
        {.kind = Event::Kind::message, .connection = id_, .text = beast::buffers_to_string(buffer_.data())});
    buffer_.clear();
    read();
  }

  void write() {
    stream_.async_write(boost::asio::buffer(*queue_.front()),
                        beast::bind_front_handler(&WebSocket::on_written, shared_from_this()));
  }

  void on_written(beast::error_code error, std::size_t) {
    if (error) return close();
    queue_.pop_front();
    if (!queue_.empty()) write();
    read();
  }

  // Not a farewell: the page has gone, has broken the rules or does not listen. Pending operations end with
  // an error and let go of this object; the caller holds it until then.
  void close() {
    if (std::exchange(closing_, true)) return;
    beast::get_lowest_layer(stream_).close();
    hub_.sockets.erase(id_);
  }

  websocket::stream<beast::tcp_stream> stream_;
  Hub& hub_;
  Seat seat_;
  ConnectionId id_;
  beast::flat_buffer buffer_;
  std::deque<std::shared_ptr<const std::string>> queue_;  // the first is being written
  std::size_t unanswered_ = 0;
  bool reading_ = false;
  bool closing_ = false;
};

void start_websocket(beast::tcp_stream stream, const Request& request, Hub& hub, Seat seat) {
  std::make_shared<WebSocket>(std::move(stream), hub, std::move(seat))->accept(request);
}

void deliver(Hub& hub, const Outgoing& message) {
  const auto found = hub.sockets.find(message.connection);
  if (found == hub.sockets.end()) return;
  const auto socket = found->second;  // it may take itself off the list
  socket->deliver(message);
}

}  // namespace game2048
