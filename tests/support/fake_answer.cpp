#include "support/fake_answer.hpp"

#include <charconv>
#include <nlohmann/json.hpp>

namespace okg::test {

using std::chrono::milliseconds;

namespace {

constexpr std::chrono::seconds kPatience{20};
constexpr milliseconds kForever = std::chrono::hours(1);

std::string chunk_of(std::string_view bytes) {
  char size[16];
  const auto end = std::to_chars(size, size + sizeof size, bytes.size(), 16).ptr;
  return std::string(size, end) + "\r\n" + std::string(bytes) + "\r\n";
}

}  // namespace

void FakeStream::order(std::string bytes, Then then) {
  {
    const std::lock_guard hold(mutex_);
    orders_.push_back({std::move(bytes), then});
  }
  waker_->wake();
}

void FakeStream::chunk(std::string_view bytes) {
  order(chunk_of(bytes), Then::more);
}

void FakeStream::raw(std::string_view bytes) {
  order(std::string(bytes), Then::more);
}

bool FakeStream::wait_gone() {
  std::unique_lock hold(mutex_);
  return changed_.wait_for(hold, kPatience, [&] { return gone_; });
}

bool FakeStream::wait_written() {
  std::unique_lock hold(mutex_);
  return changed_.wait_for(hold, kPatience, [&] { return gone_ || (orders_.empty() && !writing_); });
}

bool FakeStream::serve(FakeWire& wire) {
  Then then = Then::more;
  while (then == Then::more && !wire.gone()) {
    Order next;
    {
      const std::lock_guard hold(mutex_);
      writing_ = !orders_.empty();
      if (writing_) {
        next = std::move(orders_.front());
        orders_.pop_front();
      }
    }
    changed_.notify_all();
    then = next.then;
    if (!next.bytes.empty()) wire.write(next.bytes);
    if (writing_) continue;  // nobody but this thread changes it
    wire.wait(kForever);
  }
  if (then == Then::closed) wire.close();
  if (then == Then::cut) wire.cut();
  if (then == Then::reset) wire.reset();
  const std::lock_guard hold(mutex_);
  writing_ = false;
  gone_ = true;
  changed_.notify_all();
  return then == Then::served && !wire.gone();
}

std::string FakeAnswer::head(unsigned status, const FakeHeaders& fields) {
  std::string text = "HTTP/1.1 " + std::to_string(status) + " Answer\r\n";
  for (const auto& [name, value] : fields) text += name + ": " + value + "\r\n";
  return text + "\r\n";
}

void FakeAnswer::json(unsigned status, std::string_view body, const FakeHeaders& more) {
  FakeHeaders fields{{"Content-Type", "application/json"}, {"Content-Length", std::to_string(body.size())}};
  fields.insert(fields.end(), more.begin(), more.end());
  raw(head(status, fields) + std::string(body));
}

void FakeAnswer::refuse(unsigned code, const std::string& reason, const std::string& message,
                        const FakeHeaders& more) {
  const nlohmann::json status = {
      {"kind", "Status"},    {"apiVersion", "v1"}, {"metadata", nlohmann::json::object()},
      {"status", "Failure"}, {"message", message}, {"reason", reason},
      {"code", code}};
  json(code, status.dump(), more);
}

void FakeAnswer::chunked(unsigned status, std::string_view body, std::size_t size, const FakeHeaders& more) {
  FakeHeaders fields{{"Content-Type", "application/json"}, {"Transfer-Encoding", "chunked"}};
  fields.insert(fields.end(), more.begin(), more.end());
  raw(head(status, fields));
  for (; !body.empty(); body.remove_prefix(std::min(size, body.size()))) raw(chunk_of(body.substr(0, size)));
  raw("0\r\n\r\n");
}

void FakeAnswer::raw(std::string_view bytes) {
  began_ = true;
  wire_.write(bytes);
}

void FakeAnswer::drip(std::string_view bytes, milliseconds pause) {
  for (const char byte : bytes) {
    raw({&byte, 1});
    wire_.wait(pause);
    if (wire_.gone()) return;
  }
}

void FakeAnswer::flood(std::string_view bytes) {
  while (!wire_.gone()) raw(bytes);
}

void FakeAnswer::stall() {
  began_ = true;
  while (!wire_.gone()) wire_.wait(kForever);
}

void FakeAnswer::ignore() {
  began_ = true;
  while (!wire_.gone()) wire_.wait_woken();
}

void FakeAnswer::close() {
  began_ = true;
  wire_.close();
}

void FakeAnswer::cut() {
  began_ = true;
  wire_.cut();
}

void FakeAnswer::reset() {
  began_ = true;
  wire_.reset();
}

std::shared_ptr<FakeStream> FakeAnswer::stream(unsigned status) {
  raw(head(status, {{"Content-Type", "application/json"}, {"Transfer-Encoding", "chunked"}}));
  stream_ = std::make_shared<FakeStream>(wire_.waker());
  return stream_;
}

bool FakeAnswer::finish() {
  if (stream_) return stream_->serve(wire_);
  return !wire_.gone();
}

}  // namespace okg::test
