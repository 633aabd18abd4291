#include "kube/request_lane.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <vector>

#include "base/text.hpp"

namespace okg::kube {

using base::Code;
using base::Error;
using base::Result;

RequestLane::RequestLane(boost::asio::io_context& io, std::shared_ptr<Access> access)
    : io_(io), access_(std::move(access)), timer_(io) {}

void RequestLane::send(Request request, std::chrono::milliseconds deadline, Transport::Done done) {
  if (closed_) return;
  auto fine = check_request(request);
  if (fine && queue_.size() >= access_->limits.waiting)
    fine = access_->error(Code::busy, std::to_string(queue_.size()) + " requests wait already");
  if (!fine) {
    boost::asio::post(io_, [weak = weak_from_this(), done = std::move(done), error = fine.error()] {
      if (const auto self = weak.lock()) self->tell(done, error);
    });
    return;
  }
  Task task;
  task.request = std::move(request);
  task.deadline = from_now(deadline);
  task.done = std::move(done);
  queue_.push_back(std::move(task));
  arm();
  next_soon();
}

void RequestLane::close() {
  closed_ = true;
  drop();
  timer_.cancel();
  // What the callbacks own may be us.
  const auto queue = std::move(queue_);
  queue_.clear();
  const auto current = std::move(current_);
  current_.reset();
}

void RequestLane::next_soon() {
  boost::asio::post(io_, [weak = weak_from_this()] {
    if (const auto self = weak.lock()) self->access_->guarded([&] { self->next(); });
  });
}

void RequestLane::next() {
  if (closed_ || current_ || queue_.empty()) return;
  current_ = std::move(queue_.front());
  queue_.pop_front();
  begin();
}

// The first time, or again.
void RequestLane::begin() {
  const auto self = shared_from_this();
  std::optional<Error> trouble;
  const bool fine = access_->guarded([&] {
    auto token = access_->token.get();
    if (!token) {
      trouble = token.error();
      return;
    }
    current_->token = *std::move(token);
    reader_.emplace();
    body_.clear();
    if (connection_) return write();
    auto context = access_->trust.context();
    if (!context) {
      trouble = context.error();
      return;
    }
    ConnectionUser& user = *this;
    connection_ = std::make_unique<Connection>(io_, access_->config, *context, user);
    connection_->open(current_->deadline);
  });
  if (!fine) {
    drop();
    trouble = access_->error(Code::no_memory, "cannot make a connection");
  }
  if (trouble) finish(*trouble);
}

void RequestLane::write() {
  current_->reused = served_;
  connection_->write(request_text(current_->request, access_->config, current_->token));
}

void RequestLane::connected() {
  if (current_) write();
}

void RequestLane::received(std::string_view bytes) {
  const auto self = shared_from_this();
  if (!current_) return drop();  // nobody asked
  const auto state = reader_->feed(bytes);
  body_ += reader_->take_body();
  if (body_.size() > access_->limits.answer_bytes) {
    drop();
    return finish(access_->error(
        Code::no_space, "the answer is larger than " + base::format_size(access_->limits.answer_bytes)));
  }
  if (state == ResponseReader::State::failed) {
    drop();
    return finish(access_->error(Code::io, "the answer " + std::string(reader_->trouble())));
  }
  if (state == ResponseReader::State::complete) answered();
}

void RequestLane::answered() {
  Response response{reader_->status(), reader_->retry_after(), std::move(body_)};
  body_.clear();
  served_ = true;
  if (connection_ && (!reader_->keep_alive() || connection_->writing())) drop();
  if (response.status == 401 && !current_->renewed && access_->token.renewed_since(current_->token)) {
    current_->renewed = true;
    return begin();
  }
  finish(std::move(response));
}

void RequestLane::ended(Ending ending) {
  const auto self = shared_from_this();
  drop();
  if (!current_) return;
  if (reader_->begun()) {
    if (reader_->end(ending.orderly) == ResponseReader::State::complete) return answered();
    return finish(access_->error(Code::io, "the answer " + std::string(reader_->trouble())));
  }
  const bool read_only = current_->request.method == "GET";
  // Transport::send() says why this is safe.
  if (current_->reused && !current_->resent && (read_only || ending.sent != Sent::all)) {
    current_->resent = true;
    return begin();
  }
  if (!read_only && ending.sent == Sent::all) ending.error.text += "; it may have been carried out";
  finish(std::move(ending.error));
}

void RequestLane::drop() {
  connection_.reset();
  served_ = false;
}

void RequestLane::finish(Result<Response> result) {
  const Task task = *std::move(current_);
  current_.reset();
  reader_.reset();
  std::string().swap(body_);
  idle_since_ = Clock::now();
  arm();
  next_soon();
  tell(task.done, std::move(result));
}

void RequestLane::tell(const Transport::Done& done, Result<Response> result) {
  if (closed_ || !done) return;
  access_->guarded([&] { done(std::move(result)); });
}

void RequestLane::arm() {
  if (closed_) return;
  std::optional<Clock::time_point> first;
  const auto consider = [&](Clock::time_point time) { first = first ? std::min(*first, time) : time; };
  if (current_) consider(current_->deadline);
  for (const Task& task : queue_) consider(task.deadline);
  if (!first && connection_) consider(idle_since_ + access_->limits.idle);
  if (!first) {
    timer_.cancel();
    return;
  }
  timer_.expires_at(*first);
  timer_.async_wait([weak = weak_from_this()](boost::system::error_code stopped) {
    const auto self = weak.lock();
    // A timer that fired just before it was set anew comes here without an error: the time tells.
    if (stopped || !self || self->closed_ || self->timer_.expiry() > Clock::now()) return;
    self->access_->guarded([&] { self->expired(); });
  });
}

void RequestLane::expired() {
  const auto now = Clock::now();
  std::vector<Task> late;
  std::deque<Task> others;
  for (Task& task : queue_) {
    if (task.deadline <= now)
      late.push_back(std::move(task));
    else
      others.push_back(std::move(task));
  }
  queue_ = std::move(others);
  if (!current_ && queue_.empty() && late.empty() && idle_since_ + access_->limits.idle <= now) drop();
  arm();
  if (current_ && current_->deadline <= now) {
    std::string text = "no answer in time: ended ";
    text += connection_ ? connection_->doing() : "before it began";
    drop();
    finish(access_->error(Code::timeout, text));
  }
  for (const Task& task : late)
    tell(task.done, access_->error(Code::timeout, "no answer in time: others took it, it was not sent"));
}

}  // namespace okg::kube
