#include "kube/response_reader.hpp"

#include <boost/beast/core/buffers_range.hpp>
#include <boost/beast/http/message.hpp>
#include <boost/beast/http/parser.hpp>
#include <cstdint>

#include "base/chunked.hpp"
#include "base/text.hpp"

namespace okg::kube {
namespace {

namespace http = boost::beast::http;

constexpr std::uint32_t kHeaderLimit = 64 * 1024;
constexpr int kMostAnnouncements = 16;  // 1xx
// Chunks of one byte cost six. What costs more than this is a way to keep us busy.
constexpr std::uint64_t kFreeBytes = 128 * 1024;
constexpr std::uint64_t kMostBytesPerByte = 16;
constexpr std::uint64_t kLongestRetryAfterSeconds = 24 * 3600;

// Beast's own reserves what a hostile Content-Length says.
struct PieceBody {
  using value_type = std::string;
  class reader {
   public:
    template <bool is_request, class Fields>
    reader(http::header<is_request, Fields>&, value_type& body) : body_(body) {}
    void init(const boost::optional<std::uint64_t>&, boost::beast::error_code& failed) { failed = {}; }
    template <class Buffers>
    std::size_t put(const Buffers& buffers, boost::beast::error_code& failed) {
      failed = {};
      std::size_t size = 0;
      for (const boost::asio::const_buffer piece : boost::beast::buffers_range_ref(buffers)) {
        body_.append(static_cast<const char*>(piece.data()), piece.size());
        size += piece.size();
      }
      return size;
    }
    void finish(boost::beast::error_code& failed) { failed = {}; }

   private:
    value_type& body_;
  };
};

}  // namespace

struct ResponseReader::Parts {
  std::string buffer;  // received, not consumed
  std::optional<http::response_parser<PieceBody>> parser;
  State state = State::head;
  bool begun = false;
  int announcements = 0;
  std::uint64_t wire = 0, body = 0;  // bytes as sent, and of those the body's
  const char* trouble = "";

  Parts() { restart(); }
  void restart() {
    parser.emplace();
    parser->header_limit(kHeaderLimit);
    parser->body_limit(boost::none);
    parser->eager(true);
  }
  State fail(const char* why) {
    trouble = why;
    std::string().swap(buffer);
    return state = State::failed;
  }
  State advance();
  State check_head();
};

ResponseReader::ResponseReader() : parts_(std::make_unique<Parts>()) {}
ResponseReader::~ResponseReader() = default;

// What two readers could understand differently.
ResponseReader::State ResponseReader::Parts::check_head() {
  const auto& fields = parser->get();
  if (fields.result_int() == 101) return fail("switches to another protocol");
  if (fields.count(http::field::content_length) + fields.count(http::field::transfer_encoding) > 1)
    return fail("has more than one Content-Length or Transfer-Encoding");
  return state = State::body;
}

ResponseReader::State ResponseReader::Parts::advance() {
  while (!buffer.empty() && !parser->is_done()) {
    if (parser->is_header_done() && parser->chunked() && base::wait_for_more_chunk(buffer)) break;
    const std::size_t before = parser->get().body().size();
    boost::beast::error_code failed;
    const std::size_t used = parser->put(boost::asio::const_buffer(buffer.data(), buffer.size()), failed);
    buffer.erase(0, used);
    wire += used;
    body += parser->get().body().size() - before;
    if (failed == http::error::header_limit) return fail("has a header of more than 64 KiB");
    if (failed && failed != http::error::need_more) return fail("is not HTTP");
    // A header, a chunk's header or a trailer that does not end.
    if (buffer.size() > std::size_t{2} * kHeaderLimit) return fail("is not HTTP");
    if (wire > kFreeBytes + kMostBytesPerByte * body) return fail("is hardly anything but its framing");
    if (parser->is_done() && parser->get().result_int() / 100 == 1 && parser->get().result_int() != 101) {
      if (++announcements > kMostAnnouncements) return fail("is announced again and again");
      restart();
      continue;
    }
    if (state == State::head && parser->is_header_done() && check_head() == State::failed) return state;
    if (failed == http::error::need_more || used == 0) break;
  }
  if (parser->is_done()) state = State::complete;
  return state;
}

ResponseReader::State ResponseReader::feed(std::string_view bytes) {
  Parts& parts = *parts_;
  if (bytes.empty() || parts.state == State::failed) return parts.state;
  parts.begun = true;
  parts.buffer += bytes;
  return parts.state == State::complete ? parts.state : parts.advance();
}

ResponseReader::State ResponseReader::end(bool orderly) {
  Parts& parts = *parts_;
  if (parts.state == State::complete || parts.state == State::failed) return parts.state;
  if (!parts.begun) return parts.fail("did not come before the connection was closed");
  boost::beast::error_code failed;
  if (orderly && parts.state == State::body && parts.parser->need_eof()) parts.parser->put_eof(failed);
  if (failed || !parts.parser->is_done()) return parts.fail("is cut off");
  return parts.state = State::complete;
}

ResponseReader::State ResponseReader::state() const {
  return parts_->state;
}

bool ResponseReader::begun() const {
  return parts_->begun;
}

unsigned ResponseReader::status() const {
  return parts_->parser->get().result_int();
}

// In seconds, as the API server says it; a date is a proxy's.
std::optional<std::chrono::milliseconds> ResponseReader::retry_after() const {
  const auto& fields = parts_->parser->get();
  const auto found = fields.find(http::field::retry_after);
  if (found == fields.end()) return std::nullopt;
  const auto seconds =
      base::parse_number({found->value().data(), found->value().size()}, kLongestRetryAfterSeconds);
  if (!seconds) return std::nullopt;
  return std::chrono::seconds(*seconds);
}

std::string ResponseReader::take_body() {
  return std::exchange(parts_->parser->get().body(), {});
}

bool ResponseReader::keep_alive() const {
  return parts_->state == State::complete && parts_->parser->get().keep_alive() && parts_->buffer.empty();
}

std::string_view ResponseReader::trouble() const {
  return parts_->trouble;
}

}  // namespace okg::kube
