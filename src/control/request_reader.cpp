#include "control/request_reader.hpp"

#include <algorithm>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>
#include <optional>

#include "base/chunked.hpp"
#include "control/settings.hpp"

namespace okg::control {
namespace {

namespace http = boost::beast::http;

constexpr std::size_t kBufferLimit = 16 * 1024;
// Chunks have a price of their own; what is not worth the eightfold is a way to keep us busy.
constexpr std::size_t kWireLimit = 8 * kBodyLimit;

bool token_character(char c) {
  return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
         std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
}

bool all_digits(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

std::string_view view(boost::beast::string_view text) {
  return {text.data(), text.size()};
}

}  // namespace

struct RequestReader::Parts {
  std::string buffer;       // received, not consumed
  std::size_t scanned = 0;  // of the header: looked at for its end
  std::size_t wire = 0;     // bytes of this request's body as sent
  std::optional<http::request_parser<http::string_body>> parser;
  State state = State::empty;
  bool expects_continue = false;
  Refusal refusal;

  State refuse(int status, std::string_view text) {
    refusal = {status, text};
    return state = State::refused;
  }

  // True when the header's end is there; `end` is behind it.
  bool find_end(std::size_t* end) {
    for (; scanned < buffer.size(); ++scanned) {
      if (buffer[scanned] != '\n') continue;
      if (scanned == 0 || buffer[scanned - 1] != '\r') {
        refuse(400, "a line ends in LF alone");
        return false;
      }
      if (scanned >= 3 && buffer[scanned - 2] == '\n') {
        *end = scanned + 1;
        return true;
      }
    }
    return false;
  }

  State advance_head();
  State check_head();
  State advance_body();
};

RequestReader::RequestReader() : parts_(std::make_unique<Parts>()) {}
RequestReader::~RequestReader() = default;
RequestReader::RequestReader(RequestReader&&) noexcept = default;

std::size_t RequestReader::room() const {
  return kBufferLimit - std::min(kBufferLimit, parts_->buffer.size());
}

void RequestReader::append(std::string_view bytes) {
  parts_->buffer += bytes;
}

bool RequestReader::holds_bytes() const {
  return !parts_->buffer.empty();
}

bool RequestReader::take_expects_continue() {
  return std::exchange(parts_->expects_continue, false);
}

const RequestReader::Refusal& RequestReader::refusal() const {
  return parts_->refusal;
}

RequestReader::State RequestReader::Parts::advance_head() {
  // An empty line before a request is what some clients leave behind a body.
  if (scanned == 0) {
    std::size_t skip = 0;
    while (buffer.compare(skip, 2, "\r\n") == 0) skip += 2;
    buffer.erase(0, skip);
  }
  if (buffer.empty() || buffer == "\r") return state = State::empty;
  if (!token_character(buffer[0])) return refuse(400, "not HTTP");
  std::size_t end = 0;
  if (!find_end(&end)) {
    if (state == State::refused) return state;
    if (buffer.size() >= kHeaderLimit) return refuse(431, "the header is larger than 8 KiB");
    return state = State::head;
  }
  if (end > kHeaderLimit) return refuse(431, "the header is larger than 8 KiB");

  parser.emplace();
  parser->header_limit(static_cast<std::uint32_t>(kHeaderLimit));
  parser->body_limit(kBodyLimit);
  parser->eager(true);
  boost::beast::error_code failed;
  const std::size_t used = parser->put(boost::asio::const_buffer(buffer.data(), end), failed);
  if (failed == http::error::body_limit) return refuse(413, "the body is larger than 64 KiB");
  if (failed == http::error::bad_version) return refuse(505, "only HTTP/1.0 and HTTP/1.1 are spoken here");
  if (failed || used != end || !parser->is_header_done()) return refuse(400, "malformed request");
  buffer.erase(0, end);
  return check_head();
}

// What Beast lets pass and two readers could understand differently.
RequestReader::State RequestReader::Parts::check_head() {
  const auto& fields = parser->get();
  const std::size_t lengths = fields.count(http::field::content_length);
  const std::size_t encodings = fields.count(http::field::transfer_encoding);
  if (lengths > 1 || encodings > 1 || lengths + encodings > 1)
    return refuse(400, "more than one Content-Length or Transfer-Encoding");
  if (lengths == 1 && !all_digits(view(fields[http::field::content_length])))
    return refuse(400, "Content-Length is not a number");
  if (encodings == 1 &&
      (fields.version() < 11 || !boost::beast::iequals(fields[http::field::transfer_encoding], "chunked")))
    return refuse(400, "the only Transfer-Encoding taken is chunked");
  if (fields.count(http::field::host) > 1) return refuse(400, "more than one Host");
  if (fields.count(http::field::authorization) > 1) return refuse(400, "more than one Authorization");
  if (fields.target().empty() || fields.target()[0] != '/')
    return refuse(400, "the request target has to be a path");
  if (fields.method() == http::verb::connect) return refuse(400, "this is not a proxy");

  scanned = wire = 0;
  if (parser->is_done()) return state = State::complete;
  expects_continue =
      fields.version() >= 11 && boost::beast::iequals(fields[http::field::expect], "100-continue");
  return state = State::body;
}

RequestReader::State RequestReader::Parts::advance_body() {
  while (!buffer.empty() && !parser->is_done()) {
    if (parser->chunked() && base::wait_for_more_chunk(buffer)) return state;
    boost::beast::error_code failed;
    const std::size_t used = parser->put(boost::asio::const_buffer(buffer.data(), buffer.size()), failed);
    buffer.erase(0, used);
    wire += used;
    if (failed == http::error::body_limit || wire > kWireLimit)
      return refuse(413, "the body is larger than 64 KiB");
    if (failed == http::error::need_more) {
      // A chunk's header or a trailer that does not end: nobody needs one so long.
      if (buffer.size() >= kHeaderLimit) return refuse(400, "a chunk's header or the trailer is too long");
      return state;
    }
    if (failed || (used == 0 && !parser->is_done())) return refuse(400, "malformed body");
  }
  if (!parser->is_done()) return state;
  expects_continue = false;
  return state = State::complete;
}

RequestReader::State RequestReader::advance() {
  Parts& parts = *parts_;
  if (parts.state == State::empty || parts.state == State::head) parts.advance_head();
  if (parts.state == State::body) parts.advance_body();
  return parts.state;
}

Incoming RequestReader::take() {
  Parts& parts = *parts_;
  auto& message = parts.parser->get();
  const auto optional = [&](auto name) -> std::optional<std::string> {
    const auto found = message.find(name);
    if (found == message.end()) return std::nullopt;
    return std::string(view(found->value()));
  };
  Incoming request;
  request.method = view(message.method_string());
  const std::string_view target = view(message.target());
  const std::size_t question = target.find('?');
  request.path = target.substr(0, question);
  if (question != target.npos) request.query = target.substr(question + 1);
  request.host = optional(http::field::host);
  request.authorization = optional(http::field::authorization);
  request.mark = optional("X-OKG-Request");
  const auto [first, last] = message.equal_range(http::field::prefer);
  for (auto field = first; field != last; ++field) {
    if (!request.prefer.empty()) request.prefer += ", ";
    request.prefer += view(field->value());
  }
  request.old = message.version() < 11;
  request.keep_alive = message.keep_alive();
  request.body = std::move(message.body());
  parts.parser.reset();
  parts.state = State::empty;
  return request;
}

}  // namespace okg::control
