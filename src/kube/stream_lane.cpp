#include "kube/stream_lane.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>

#include "base/text.hpp"
#include "kube/answer.hpp"

namespace okg::kube {

using base::Code;
using base::Error;
using State = ResponseReader::State;

StreamLane::StreamLane(boost::asio::io_context& io, std::shared_ptr<Access> access)
    : io_(io), access_(std::move(access)), timer_(io) {}

void StreamLane::stream(Request request, std::chrono::milliseconds open_deadline,
                        std::chrono::milliseconds silence, StreamHandlers handlers) {
  if (closed_) return;
  stop();
  auto watch = std::make_shared<Watch>();
  watch->request = std::move(request);
  watch->deadline = from_now(open_deadline);
  watch->silence = silence;
  watch->handlers = std::move(handlers);
  watch_ = watch;
  arm();
  boost::asio::post(io_, [weak = weak_from_this(), watch] {
    if (const auto self = weak.lock()) self->begin(watch);
  });
}

void StreamLane::stop() {
  connection_.reset();
  timer_.cancel();
  const WatchPtr watch = std::move(watch_);  // what its callbacks own may be us
  watch_.reset();
}

void StreamLane::close() {
  closed_ = true;
  stop();
}

// The first time, or again.
void StreamLane::begin(const WatchPtr& watch) {
  if (watch_ != watch) return;
  const auto self = shared_from_this();
  base::Status done;
  const bool fine = access_->guarded([&] {
    done = check_request(watch->request);
    if (!done) return;
    auto token = access_->token.get();
    if (!token) {
      done = token.error();
      return;
    }
    watch->token = *std::move(token);
    watch->reader = std::make_unique<ResponseReader>();
    watch->lines = std::make_unique<Lines>(access_->limits.answer_bytes);
    watch->refusal.clear();
    auto context = access_->trust.context();
    if (!context) {
      done = context.error();
      return;
    }
    ConnectionUser& user = *this;
    connection_ = std::make_unique<Connection>(io_, access_->config, *context, user);
    connection_->open(watch->deadline);
  });
  if (!fine) done = access_->error(Code::no_memory, "cannot make a connection");
  if (!done) end(done.error());
}

void StreamLane::connected() {
  connection_->write(request_text(watch_->request, access_->config, watch_->token));
}

void StreamLane::received(std::string_view bytes) {
  const auto self = shared_from_this();
  const WatchPtr watch = watch_;
  ResponseReader& reader = *watch->reader;
  const State before = reader.state();
  const State state = reader.feed(bytes);
  if (before == State::head && state != State::head && state != State::failed && reader.status() / 100 == 2) {
    watch->open = true;
    if (watch->handlers.opened) access_->guarded([&] { watch->handlers.opened(reader.status()); });
    if (watch_ != watch) return;
  }
  if (watch->open) {
    watch->deadline = from_now(watch->silence);
    if (before == State::head) arm();
    if (!take_lines(watch, reader.take_body())) return;
  } else {
    watch->refusal += reader.take_body();
    if (watch->refusal.size() > access_->limits.answer_bytes)
      return end(access_->error(
          Code::no_space, "the answer is larger than " + base::format_size(access_->limits.answer_bytes)));
  }
  if (state == State::failed)
    return end(access_->error(Code::io, "the answer " + std::string(reader.trouble())));
  if (state == State::complete) complete(watch);
}

// False: the stream is no more.
bool StreamLane::take_lines(const WatchPtr& watch, std::string_view bytes) {
  Lines& lines = *watch->lines;
  lines.append(bytes);
  for (std::string_view line;;) {
    switch (lines.next(&line)) {
      case Lines::Next::none:
        return true;
      case Lines::Next::too_long:
        end(access_->error(Code::no_space,
                           "a line is longer than " + base::format_size(access_->limits.answer_bytes)));
        return false;
      case Lines::Next::line:
        if (watch->handlers.line) access_->guarded([&] { watch->handlers.line(line); });
        if (watch_ != watch) return false;
    }
  }
}

void StreamLane::complete(const WatchPtr& watch) {
  if (!watch->open) return refused(watch);
  if (watch->lines->holds_rest()) return end(access_->error(Code::io, "the stream ended within a line"));
  Error error = access_->error(Code::closed, "the stream ended in order");
  error.retriable = true;
  end(std::move(error));
}

void StreamLane::refused(const WatchPtr& watch) {
  Response response{watch->reader->status(), watch->reader->retry_after(), std::move(watch->refusal)};
  if (response.status == 401 && !watch->renewed && access_->token.renewed_since(watch->token)) {
    watch->renewed = true;
    connection_.reset();
    return begin(watch);
  }
  Error error = error_of(response, access_->name);
  connection_.reset();
  if (watch->handlers.refused) access_->guarded([&] { watch->handlers.refused(response); });
  if (watch_ == watch) end(std::move(error));
}

void StreamLane::ended(Ending ending) {
  const auto self = shared_from_this();
  const WatchPtr watch = watch_;
  connection_.reset();
  if (!watch->reader->begun()) return end(std::move(ending.error));
  const bool whole = watch->reader->end(ending.orderly) == State::complete;
  if (!whole) return end(access_->error(Code::io, "the answer " + std::string(watch->reader->trouble())));
  complete(watch);
}

void StreamLane::arm() {
  timer_.expires_at(watch_->deadline);
  timer_.async_wait([weak = weak_from_this()](boost::system::error_code stopped) {
    const auto self = weak.lock();
    if (stopped || !self || !self->watch_) return;
    self->access_->guarded([&] { self->expired(); });
  });
}

// Each byte moves the deadline, but not the timer.
void StreamLane::expired() {
  if (watch_->deadline > Clock::now()) return arm();
  if (watch_->open)
    return end(
        access_->error(Code::timeout, "no byte of the stream for " + base::format_duration(watch_->silence)));
  std::string text = "no answer in time: ended ";
  text += connection_ ? connection_->doing() : "before it began";
  end(access_->error(Code::timeout, text));
}

void StreamLane::end(Error error) {
  const WatchPtr watch = std::move(watch_);
  watch_.reset();
  connection_.reset();
  timer_.cancel();
  if (watch->handlers.ended) access_->guarded([&] { watch->handlers.ended(std::move(error)); });
}

}  // namespace okg::kube
