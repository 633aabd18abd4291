// What a handler of the fake API server does with a request. Its thread is the connection's: it may wait.
#pragma once

#include <chrono>
#include <condition_variable>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "support/fake_wire.hpp"

namespace okg::test {

struct FakeRequest {
  std::string method, target;                  // the target as sent
  std::string path, query;                     // its parts
  std::map<std::string, std::string> headers;  // names in lower case
  std::string body;
  std::string token;           // of "Authorization: Bearer"
  std::size_t connection = 0;  // from 1
  std::chrono::steady_clock::time_point at;
};

// An answer that goes on after its handler returned: any thread may write it, until its end.
class FakeStream {
 public:
  explicit FakeStream(std::shared_ptr<Waker> waker) : waker_(std::move(waker)) {}

  void line(std::string_view text) { chunk(std::string(text) + "\n"); }  // one chunk
  void chunk(std::string_view bytes);
  void raw(std::string_view bytes);                 // past HTTP
  void end() { order("0\r\n\r\n", Then::served); }  // the connection serves the next request
  void end_and_close() { order("0\r\n\r\n", Then::closed); }
  void cut() { order("", Then::cut); }  // in the middle
  void reset() { order("", Then::reset); }
  // Until the client has gone, or 20 s.
  bool wait_gone();
  // Until all that was ordered is written, or 20 s.
  bool wait_written();

 private:
  friend class FakeAnswer;
  enum class Then { more, served, closed, cut, reset };
  struct Order {
    std::string bytes;
    Then then = Then::more;
  };
  void order(std::string bytes, Then then);
  // The connection's thread: until the end. False: the connection is not to be used any more.
  bool serve(FakeWire& wire);

  const std::shared_ptr<Waker> waker_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Order> orders_;
  bool writing_ = false, gone_ = false;
};

using FakeHeaders = std::vector<std::pair<std::string, std::string>>;

class FakeAnswer {
 public:
  explicit FakeAnswer(FakeWire& wire) : wire_(wire) {}

  // Whole answers.
  void json(unsigned status, std::string_view body, const FakeHeaders& more = {});
  // A Status object, as the API server refuses with it.
  void refuse(unsigned code, const std::string& reason, const std::string& message,
              const FakeHeaders& more = {});
  // Chunks of so many bytes, each in a TLS record of its own.
  void chunked(unsigned status, std::string_view body, std::size_t size, const FakeHeaders& more = {});

  // Pieces of one: the text of a header with Content-Length, and anything at all.
  static std::string head(unsigned status, const FakeHeaders& fields);
  void raw(std::string_view bytes);
  // Byte by byte, until the client is gone.
  void drip(std::string_view bytes, std::chrono::milliseconds pause);
  // For ever: the same again and again.
  void flood(std::string_view bytes);
  // Nothing more, until the client is gone or somebody cuts the connection.
  void stall();
  // Reads nothing either: what the client sends gets stuck. Until somebody cuts the connection.
  void ignore();
  void close();  // in order: close_notify, then FIN
  void cut();    // FIN alone
  void reset();  // RST

  // A header for a stream; its lines may be written from now on.
  std::shared_ptr<FakeStream> stream(unsigned status = 200);

  // For the server.
  bool began() const { return began_; }
  const std::shared_ptr<FakeStream>& began_stream() const { return stream_; }
  bool finish();  // serves the stream, if there is one; false: the connection is at its end

 private:
  FakeWire& wire_;
  bool began_ = false;
  std::shared_ptr<FakeStream> stream_;
};

}  // namespace okg::test
