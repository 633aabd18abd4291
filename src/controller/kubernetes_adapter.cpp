#include "controller/kubernetes_adapter.hpp"

#include <algorithm>
#include <cctype>
#include <utility>

#include "controller/keys.hpp"
#include "controller/object_reader.hpp"
#include "controller/patch_json.hpp"
#include "kube/answer.hpp"

namespace okg::controller {
namespace {

using base::Code;
using base::Error;
using std::chrono::milliseconds;

// A watch that ends sooner was refused by something on the way, whatever it said.
constexpr std::int64_t kShortWatch = 5'000'000'000;

// As many in a row are nothing unusual while the controller writes, too.
constexpr unsigned kQuickConflicts = 5;

std::uint64_t seed(base::Os& os) {
  std::uint64_t seed = 0;
  os.random(&seed, sizeof seed);
  return seed;
}

// Rights are missing. 401 is not that: the token has run out, and another one comes. Nor is a certificate
// that is not to be trusted.
bool is_forbidden(const std::optional<kube::Response>& response) {
  return response && response->status == 403;
}

// Opaque, but it has to fit into an URL.
bool is_version(std::string_view text) {
  return !text.empty() && text.size() <= 64 && std::all_of(text.begin(), text.end(), [](unsigned char c) {
    return std::isalnum(c) != 0 || c == '-' || c == '.' || c == '_';
  });
}

bool is_success(const kube::Response& response) {
  return response.status >= 200 && response.status < 300;
}

}  // namespace

KubernetesAdapter::KubernetesAdapter(boost::asio::io_context& io, base::Os& os,
                                     std::unique_ptr<kube::Transport> transport, Identity identity,
                                     const std::string& podinfo, base::Log log, KubernetesTimes times)
    : os_(os),
      transport_(std::move(transport)),
      identity_(std::move(identity)),
      log_(log),
      times_(times),
      backoff_(times.backoff_min, times.backoff_max, seed(os)),
      alarm_(io),
      patch_backoff_(times.backoff_min, times.backoff_max, seed(os)),
      patch_alarm_(io) {
  if (!podinfo.empty()) podinfo_.emplace(os, podinfo);
}

// nullopt: it is another one, or none at all.
std::optional<ObjectPtr> KubernetesAdapter::gameserver_in(const std::string& body) const {
  auto object = read_object(body);
  if (!object || !is_ours(**object)) return std::nullopt;
  return *object;
}

bool KubernetesAdapter::is_ours(const Object& object) const {
  return object.name == identity_.name && !object.uid.empty() && is_version(object.resource_version);
}

std::string KubernetesAdapter::path() const {
  return "/apis/game.kruise.io/v1alpha1/namespaces/" + identity_.name_space + "/gameservers";
}

void KubernetesAdapter::start(AdapterSink sink) {
  sink_ = std::move(sink);
  read();
}

void KubernetesAdapter::stop() {
  alarm_.cancel();
  patch_alarm_.cancel();
  transport_->close();
}

void KubernetesAdapter::after(milliseconds time, void (KubernetesAdapter::*call)()) {
  alarm_.set(time, [this, call] { (this->*call)(); });
}

// ---- Reading

void KubernetesAdapter::read() {
  if (reading_) return;
  reading_ = true;
  alarm_.cancel();
  ++counts_.requests;
  transport_->send({"GET", path() + "/" + identity_.name, "", ""}, times_.call,
                   [this](auto result) { have_read(std::move(result)); });
}

void KubernetesAdapter::reread() {
  if (linked_) read();  // else it will be read anyway, as soon as that makes sense
}

void KubernetesAdapter::have_read(base::Result<kube::Response> result) {
  reading_ = false;
  const std::string what = "get gameserver " + identity_.name;
  if (!result) return trouble(result.error(), {});
  if (!is_success(*result) && result->status != 404) return trouble(kube::error_of(*result, what), *result);
  if (result->status == 404) {
    // OKG makes it after the pod; a watch from the beginning tells when.
    version_.clear();
    see(nullptr);
  } else {
    const auto object = gameserver_in(result->body);
    if (!object) return trouble(Error(Code::io, what + ": the answer is no GameServer"), {});
    version_ = (*object)->resource_version;
    see(*object);
  }
  fine();
  if (may_watch_)
    watch();
  else
    after(times_.unwatched, &KubernetesAdapter::read);
}

void KubernetesAdapter::watch() {
  std::string target =
      path() + "?watch=1&allowWatchBookmarks=true&fieldSelector=metadata.name%3D" + identity_.name +
      "&timeoutSeconds=" + std::to_string(std::max<std::int64_t>(times_.watch.count() / 1000, 1));
  if (!version_.empty()) target += "&resourceVersion=" + version_;
  watched_at_ = os_.monotonic_ns();
  refused_.reset();
  ++counts_.requests;
  transport_->stream({"GET", target, "", ""}, times_.call, times_.silence,
                     {[this](unsigned) { fine(); }, [this](std::string_view text) { line(text); },
                      [this](const kube::Response& response) { refused_ = response; },
                      [this](Error error) { watch_ended(error); }});
}

void KubernetesAdapter::line(std::string_view text) {
  auto event = read_watch_event(text);
  if (!event) {
    log_.warn("controller", "watch: " + event.error().text);
    return;
  }
  switch (event->kind) {
    case WatchEvent::Kind::changed:
      if (event->object->name != identity_.name) return;  // a server that knows no field selectors, or lies
      version_ = event->object->resource_version;
      see(std::move(event->object));
      break;
    case WatchEvent::Kind::deleted:
      if (event->object->name != identity_.name) return;
      version_ = event->object->resource_version;
      see(nullptr);
      break;
    case WatchEvent::Kind::bookmark:
      if (!event->resource_version.empty()) version_ = event->resource_version;
      break;
    case WatchEvent::Kind::error:
      // Too old a version, mostly: read, and watch from there.
      log_.info("controller", "watch: " + event->message);
      version_.clear();
      transport_->stop_stream();
      watch_again(backoff_.next());
      break;
    case WatchEvent::Kind::unknown:
      break;
  }
}

void KubernetesAdapter::watch_ended(const Error& error) {
  if (is_forbidden(refused_)) {
    may_watch_ = false;
    log_.warn("controller", error.text + ": reading every " +
                                std::to_string(times_.unwatched.count() / 1000) + " s instead");
    return after(times_.unwatched, &KubernetesAdapter::read);
  }
  if (kube::is_gone(error)) version_.clear();
  if (error.code == Code::closed && os_.monotonic_ns() - watched_at_ >= kShortWatch)
    return watch_again(milliseconds(0));
  if (error.code == Code::closed) return watch_again(backoff_.next());
  trouble(error, refused_);
}

// From where it ended; without a version all is read anew.
void KubernetesAdapter::watch_again(milliseconds time) {
  after(time, version_.empty() ? &KubernetesAdapter::read : &KubernetesAdapter::watch);
}

// ---- Writing

void KubernetesAdapter::send(Patch patch) {
  ++counts_.requests;
  transport_->send({"PATCH", path() + "/" + identity_.name + "?fieldManager=okg",
                    "application/merge-patch+json", base::dump(to_merge_patch(patch))},
                   times_.call, [this, id = patch.id](auto result) { have_patched(id, std::move(result)); });
}

void KubernetesAdapter::have_patched(PatchId id, base::Result<kube::Response> result) {
  const std::string what = "patch gameserver " + identity_.name;
  if (result && is_success(*result)) {
    const auto object = gameserver_in(result->body);
    if (!object) return fail_later(id, Error(Code::io, what + ": the answer is no GameServer"), {});
    patch_backoff_.succeeded();
    conflicts_ = 0;
    return sink_.patched(id, with_podinfo(*object));
  }
  ++counts_.errors;
  Error error = result ? kube::error_of(*result, what) : result.error();
  // A token that ran out is replaced sooner or later, and a certificate, too: the wish stays.
  if (error.code == Code::denied && !(result && result->status == 403)) error.code = Code::io;
  switch (error.code) {
    case Code::denied:
      denied_ = true;
      log_.warn("controller", error.text);
      break;
    case Code::conflict:
      if (++conflicts_ > kQuickConflicts) return fail_later(id, std::move(error), {});
      break;
    case Code::busy:
    case Code::io:
    case Code::timeout:
    case Code::no_space:
    case Code::not_found:  // the watch would have told
      return fail_later(id, std::move(error), result ? result->retry_after : std::nullopt);
    default:
      break;
  }
  sink_.patched(id, std::move(error));
}

// Whoever hears of it reads, and patches again: after a pause.
void KubernetesAdapter::fail_later(PatchId id, Error error, std::optional<milliseconds> retry_after) {
  tell_failure();
  failure_.emplace(id, std::move(error));
  patch_alarm_.set(patch_backoff_.next(retry_after), [this] { tell_failure(); });
}

void KubernetesAdapter::tell_failure() {
  if (!failure_) return;
  auto [id, error] = *std::exchange(failure_, std::nullopt);
  const bool is_missing = error.code == Code::not_found;
  sink_.patched(id, std::move(error));
  if (is_missing) reread();  // nobody else does
}

// ---- What is told

void KubernetesAdapter::see(ObjectPtr object) {
  object_ = std::move(object);
  sink_.seen(with_podinfo(object_));
}

// The annotations of an in-place update stand on the pod only.
ObjectPtr KubernetesAdapter::with_podinfo(ObjectPtr object) const {
  if (!object || !pod_) return object;
  auto both = std::make_shared<Object>(*object);
  for (const char* key : {keys::kGrace, keys::kUpdateState, keys::kUpdatingContainers})
    if (const std::string* value = pod_->annotation(key)) both->annotations[key] = *value;
  return both;
}

void KubernetesAdapter::tick() {
  if (!podinfo_) return;
  const auto found = podinfo_->look();
  if (!found || !*found) return;  // it is an addition: without it less is known
  pod_ = *found;
  if (linked_ && object_) sink_.seen(with_podinfo(object_));
}

void KubernetesAdapter::fine() {
  backoff_.succeeded();
  trouble_.clear();
  denied_ = false;
  if (!std::exchange(linked_, true)) sink_.linked(Link::connected, "");
}

void KubernetesAdapter::trouble(const Error& error, const std::optional<kube::Response>& response) {
  ++counts_.errors;
  denied_ = is_forbidden(response);
  const bool was_linked = std::exchange(linked_, false);
  if (was_linked || trouble_ != error.text) {
    trouble_ = error.text;
    log_.warn("controller", error.text);
    sink_.linked(Link::connecting, error.text);
  }
  // What changed meanwhile is read before anything is written.
  after(backoff_.next(response ? response->retry_after : std::nullopt), &KubernetesAdapter::read);
}

}  // namespace okg::controller
