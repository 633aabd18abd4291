#include "controller/local_adapter.hpp"

#include <sys/inotify.h>

#include <boost/asio/post.hpp>
#include <utility>

#include "base/files.hpp"
#include "controller/gameserver_file.hpp"
#include "controller/keys.hpp"
#include "controller/object_reader.hpp"
#include "controller/patch_json.hpp"

namespace okg::controller {
namespace {

using base::Code;

// The pod's lifecycle stands among the labels here.
base::Result<ObjectPtr> read(const std::string& text) {
  const auto object = read_object(text);
  if (!object) return object.error();
  auto changed = std::make_shared<Object>(**object);
  if (const std::string* lifecycle = changed->label(keys::kLifecycle)) changed->lifecycle = *lifecycle;
  changed->resource_version.clear();  // a text is its own version
  return ObjectPtr(std::move(changed));
}

}  // namespace

LocalAdapter::LocalAdapter(boost::asio::io_context& io, base::Os& os, int run_directory, std::string run_path,
                           std::string name, base::Log log)
    : io_(io),
      os_(os),
      run_(run_directory),
      run_path_(std::move(run_path)),
      name_(std::move(name)),
      log_(log),
      inotify_(io) {}

void LocalAdapter::start(AdapterSink sink) {
  sink_ = std::move(sink);
  watch();
  later([this] { look(true); });
}

// Without inotify, or without its events, tick() finds what has changed.
void LocalAdapter::watch() {
  inotify_fd_.reset(os_.inotify_open());
  if (!inotify_fd_) return;
  if (os_.inotify_watch(inotify_fd_.get(), run_path_.c_str(), IN_CLOSE_WRITE | IN_MOVED_TO | IN_DELETE) < 0)
    return;
  boost::system::error_code failed;
  inotify_.assign(inotify_fd_.get(), failed);
  if (failed) return;
  const auto wait = [this, alive = alive_](auto&& self) -> void {
    inotify_.async_wait(boost::asio::posix::stream_descriptor::wait_read, [this, alive, self](auto error) {
      if (error || !*alive) return;
      char events[4096];
      while (base::read_some(os_, inotify_fd_.get(), events, sizeof events) > 0) {
      }
      look(false);
      if (*alive) self(self);
    });
  };
  wait(wait);
}

void LocalAdapter::later(std::function<void()> call) {
  boost::asio::post(io_, [alive = alive_, call = std::move(call)] {
    if (*alive) call();
  });
}

void LocalAdapter::tick() {
  look(false);
}

void LocalAdapter::reread() {
  later([this] { look(true); });
}

// `again`: tell what is there even if it is what was told before.
void LocalAdapter::look(bool again) {
  auto text = read_gameserver_file(os_, run_);
  if (!text && text.error().code == Code::not_found) {
    text = edit_gameserver_file(os_, run_, name_, [](base::OrderedJson&) { return base::Status(); });
  }
  const auto object = text ? read(*text) : base::Result<ObjectPtr>(text.error());
  if (!object) {
    // Half written, perhaps: what was seen before stays.
    if (trouble_ == object.error().text) return;
    trouble_ = object.error().text;
    linked_ = false;
    log_.warn("controller", trouble_);
    sink_.linked(Link::connecting, trouble_);
    return;
  }
  trouble_.clear();
  const bool is_news = again || text_ != *text;
  text_ = *text;
  if (is_news) sink_.seen(*object);
  if (!std::exchange(linked_, true)) sink_.linked(Link::connected, "");
}

void LocalAdapter::send(Patch patch) {
  later([this, patch = std::move(patch)] {
    const auto text = edit_gameserver_file(
        os_, run_, name_,
        [&](base::OrderedJson& gameserver) -> base::Status {
          gameserver.merge_patch(to_merge_patch(patch));
          return {};
        },
        text_);
    if (!text) return sink_.patched(patch.id, text.error());
    text_ = *text;
    sink_.patched(patch.id, read(*text));
  });
}

void LocalAdapter::stop() {
  *alive_ = false;
  if (inotify_.is_open()) inotify_.release();
  inotify_fd_.reset();
}

}  // namespace okg::controller
