#include "server/controller_driver.hpp"

#include <algorithm>
#include <boost/asio/post.hpp>
#include <utility>

#include "controller/downward_adapter.hpp"
#include "controller/fallback_adapter.hpp"
#include "controller/kubernetes_adapter.hpp"
#include "controller/local_adapter.hpp"
#include "kube/tls_transport.hpp"

namespace okg::server {

using base::Code;
using base::Error;
using controller::Link;
using controller::ObjectPtr;
using controller::Sayings;
using Kind = ControllerOptions::Kind;

namespace {

constexpr std::int64_t kWriteTimeout = 10'000'000'000;

}  // namespace

ControllerDriver::ControllerDriver(base::Os& os, Options options, PollSignal& signal, Hooks hooks)
    : os_(os),
      options_(std::move(options)),
      signal_(signal),
      hooks_(std::move(hooks)),
      conversation_({options_.controller.pod_uid, options_.controller.handshake}) {
  if (options_.controller.kind == Kind::off) static_cast<void>(conversation_.linked(Link::off, clock()));
}

ControllerDriver::~ControllerDriver() = default;

controller::Conversation::Clock ControllerDriver::clock() {
  return {os_.monotonic_ns(), os_.realtime_ns()};
}

// ---- io thread

std::unique_ptr<controller::Adapter> ControllerDriver::make_adapter(boost::asio::io_context& io) {
  const ControllerOptions& wanted = options_.controller;
  const auto downward = [&] {
    return std::make_unique<controller::DownwardAdapter>(
        io, os_, wanted.podinfo_directory, options_.run_directory, wanted.handshake, options_.log);
  };
  switch (wanted.kind) {
    case Kind::off:
      return nullptr;
    case Kind::local:
      if (options_.run_directory < 0) return nullptr;
      return std::make_unique<controller::LocalAdapter>(io, os_, options_.run_directory, options_.run_path,
                                                        options_.server_name, options_.log);
    case Kind::downward:
      return downward();
    case Kind::kubernetes:
      break;
  }
  const auto config = kube::in_cluster_config(os_, wanted.api);
  if (!config) {
    options_.log.error("controller", config.error().text);
    return downward();
  }
  controller::KubernetesAdapter::Identity identity{
      wanted.pod_namespace.empty() ? config->name_space : wanted.pod_namespace, wanted.pod_name};
  auto api = std::make_unique<controller::KubernetesAdapter>(
      io, os_, kube::make_tls_transport(io, os_, *config, options_.log), std::move(identity),
      wanted.podinfo_directory, options_.log);
  return std::make_unique<controller::FallbackAdapter>(std::move(api), downward(), options_.log);
}

void ControllerDriver::start(boost::asio::io_context& io, std::function<void()> rearm) {
  {
    const std::lock_guard lock(mutex_);
    io_ = &io;
    rearm_ = std::move(rearm);
  }
  adapter_ = make_adapter(io);
  if (!adapter_) return linked(Link::off, "");
  {
    const std::lock_guard lock(mutex_);
    adapter_name_ = adapter_->name();
  }
  controller::AdapterSink sink;
  sink.seen = [this](ObjectPtr object) {
    ObjectPtr view;
    {
      const std::lock_guard lock(mutex_);
      take(conversation_.seen(std::move(object), clock()));
      view = conversation_.view();
    }
    if (view) hooks_.seen(*view);
  };
  sink.patched = [this](controller::PatchId id, base::Result<ObjectPtr> result) {
    const std::lock_guard lock(mutex_);
    take(conversation_.patched(id, result, clock()));
  };
  sink.linked = [this](Link link, std::string why) { linked(link, std::move(why)); };
  adapter_->start(std::move(sink));
}

void ControllerDriver::linked(Link link, std::string why) {
  const std::lock_guard lock(mutex_);
  why_ = std::move(why);
  if (adapter_) adapter_name_ = adapter_->name();
  if (link != conversation_.link()) links_.push_back(link);
  if (links_.size() > 16) links_.pop_front();
  take(conversation_.linked(link, clock()));
  signal_.raise(PollSignal::kController);
}

void ControllerDriver::flush_soon() {
  if (io_ == nullptr || std::exchange(flushing_, true)) return;
  boost::asio::post(*io_, [this] { flush(); });
}

void ControllerDriver::flush() {
  std::vector<controller::Patch> patches;
  std::vector<controller::say::Ask> asked;
  bool reread = false;
  {
    const std::lock_guard lock(mutex_);
    flushing_ = false;
    if (stopped_) return;
    patches = std::exchange(to_send_, {});
    reread = std::exchange(to_reread_, false);
    asked = std::exchange(asked_, {});
  }
  for (controller::Patch& patch : patches) adapter_->send(std::move(patch));
  if (reread) adapter_->reread();
  for (const auto& one : asked) hooks_.ask(one);
  rearm_();
}

void ControllerDriver::tick() {
  const std::lock_guard lock(mutex_);
  if (!stopped_) take(conversation_.tick(clock()));
}

void ControllerDriver::interval() {
  if (!adapter_) return;
  adapter_->tick();
  const std::lock_guard lock(mutex_);
  counts_ = adapter_->counts();
}

std::optional<std::int64_t> ControllerDriver::next_deadline() {
  const std::lock_guard lock(mutex_);
  return stopped_ ? std::nullopt : conversation_.next_deadline();
}

void ControllerDriver::stop() {
  // It ends with the io thread: what it waits with belongs to that.
  if (adapter_) adapter_->stop();
  adapter_.reset();
  const std::lock_guard lock(mutex_);
  stopped_ = true;
  take(conversation_.stop(Error(Code::closed, "the server is closed")));
}

// ---- Any thread

void ControllerDriver::take(Sayings sayings) {
  bool tells = false;
  for (controller::Saying& saying : sayings) {
    if (auto* send = std::get_if<controller::say::Send>(&saying)) to_send_.push_back(std::move(send->patch));
    if (std::holds_alternative<controller::say::Reread>(saying)) to_reread_ = true;
    if (auto* ask = std::get_if<controller::say::Ask>(&saying)) asked_.push_back(std::move(*ask));
    if (auto* end = std::get_if<controller::say::Finished>(&saying)) {
      end_order(*end);
      const auto found = waiting_.find(end->ticket);
      if (found == waiting_.end()) continue;
      const auto newest = newest_.find(found->second.field);
      if (newest != newest_.end() && newest->second == end->ticket) {
        newest_.erase(newest);
        // It is not there and will not be: the game's next decision is based on what it was told. Only what
        // ran out of time without an `expect` is kept, and written when that can be.
        if (end->error && (end->error->code != Code::timeout || found->second.has_expect))
          believed_.erase(found->second.field);
      }
      if (found->second.done) done_.push_back({std::move(found->second.done), std::move(end->error)});
      waiting_.erase(found);
      tells = true;
    }
    if (auto* tell = std::get_if<controller::say::Tell>(&saying)) {
      notices_.push_back(std::move(tell->notice));
      tells = true;
    }
    if (std::holds_alternative<controller::say::View>(saying)) tells = view_is_new_ = true;
  }
  if (tells) signal_.raise(PollSignal::kController);
  flush_soon();
}

base::Status ControllerDriver::set(const controller::Field& field, controller::Value value,
                                   WriteOptions options) {
  const std::lock_guard lock(mutex_);
  if (stopped_) return Error(Code::closed, field + ": the server is closed");
  if (options_.controller.kind == Kind::off)
    return Error(Code::unsupported, field + ": there is no controller (OKG_CONTROLLER=off)");
  controller::Wish wish;
  wish.field = field;
  wish.value = std::move(value);
  wish.expect = std::move(options.expect);
  wish.ticket = ++last_ticket_;
  wish.deadline = os_.monotonic_ns() + (options.timeout_ns > 0 ? options.timeout_ns : kWriteTimeout);
  if (const auto believed = believed_.find(field); believed != believed_.end())
    wish.known.push_back(believed->second);
  else if (delivered_)
    wish.known.push_back(delivered_->get(field));
  believed_[field] = wish.value;
  newest_[field] = wish.ticket;
  waiting_[wish.ticket] = {field, std::move(options.done), wish.expect.has_value()};
  take(conversation_.set(std::move(wish), clock()));
  return {};
}

void ControllerDriver::report(const controller::Field& field, controller::Value value) {
  const std::lock_guard lock(mutex_);
  // Without rights there is nobody to report to in this way.
  if (stopped_ || options_.controller.kind == Kind::off || options_.controller.kind == Kind::downward) return;
  controller::Wish wish;
  wish.field = field;
  wish.value = std::move(value);
  wish.ours = true;
  take(conversation_.set(std::move(wish), clock()));
}

base::Status ControllerDriver::allow(std::uint64_t notice) {
  const std::lock_guard lock(mutex_);
  if (stopped_) return Error(Code::closed, "allow: the server is closed");
  Sayings sayings;
  if (!conversation_.allow(notice, clock(), &sayings))
    return Error(Code::not_found,
                 "allow: notice " + std::to_string(notice) + " is over, or there never was one");
  take(std::move(sayings));
  return {};
}

ObjectPtr ControllerDriver::view() {
  const std::lock_guard lock(mutex_);
  return conversation_.view();
}

Link ControllerDriver::link(std::string* why) {
  const std::lock_guard lock(mutex_);
  if (why != nullptr) *why = why_;
  return conversation_.link();
}

}  // namespace okg::server
