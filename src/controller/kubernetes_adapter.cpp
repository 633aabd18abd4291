#include "controller/kubernetes_adapter.hpp"

#include <algorithm>
#include <cctype>
#include <utility>

#include "controller/object_reader.hpp"
#include "kube/answer.hpp"

namespace okg::controller {
namespace {

using base::Code;
using base::Error;
using std::chrono::milliseconds;

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

// The object is. Where all of the API is missing, nothing of it will come by watching.
bool is_missing(const kube::Response& response) {
  if (response.status != 404) return false;
  const auto status = kube::parse_status(response.body);
  return status && status->reason == "NotFound";
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
      patch_alarm_(io),
      rights_alarm_(io) {
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
  look_at_pod();  // an update that is under way is known from the first object on
  read();
}

void KubernetesAdapter::stop() {
  alarm_.cancel();
  patch_alarm_.cancel();
  rights_alarm_.cancel();
  transport_->close();
}

void KubernetesAdapter::read_after(milliseconds time) {
  alarm_.set(time, [this] { read(); });
}

void KubernetesAdapter::watch_after(milliseconds time) {
  alarm_.set(time, [this] { watch(); });
}

// ---- Reading

void KubernetesAdapter::read() {
  if (reading_) return;
  reading_ = true;
  known_ = newest_;
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
  ObjectPtr object;
  if (kube::is_success(*result)) {
    const auto found = gameserver_in(result->body);
    if (!found) return trouble(Error(Code::io, what + ": the answer is no GameServer"), {});
    object = *found;
    if (is_older(object->resource_version, known_)) restored(object->resource_version);
  } else if (!is_missing(*result)) {
    return trouble(kube::error_of(*result, what), *result);
  } else if (newest_ != known_) {
    return read();  // which was first: this, or what was told meanwhile?
  }
  may_read_.granted();
  // OKG makes it after the pod; a watch from the beginning tells when.
  if (!watching_) version_ = object && !anew_ ? object->resource_version : "";
  // The watch may have told of a newer one meanwhile, or of its end.
  if (!object || remember(object)) object_ = std::move(object);
  sink_.seen(with_update_of(pod_, object_));
  fine();
  if (watching_ || alarm_.armed()) return;
  if (may_not_watch_.empty() || os_.monotonic_ns() >= may_watch_at_) return watch();
  backoff_.succeeded();
  read_after(times_.unwatched);
}

void KubernetesAdapter::watch() {
  std::string target =
      path() + "?watch=1&allowWatchBookmarks=true&fieldSelector=metadata.name%3D" + identity_.name +
      "&timeoutSeconds=" + std::to_string(std::max<std::int64_t>(times_.watch.count() / 1000, 1));
  if (!version_.empty()) target += "&resourceVersion=" + version_;
  watching_ = true;
  opened_ = heard_ = false;
  from_anything_ = version_.empty();
  watched_at_ = os_.monotonic_ns();
  refused_.reset();
  ++counts_.requests;
  transport_->stream({"GET", target, "", ""}, times_.call, times_.silence,
                     {[this](unsigned) {
                        opened_ = true;
                        may_watch_.granted();
                        may_not_watch_.clear();
                        fine();
                        if (std::exchange(anew_, false)) read();
                      },
                      [this](std::string_view text) { line(text); },
                      [this](const kube::Response& response) { refused_ = response; },
                      [this](Error error) { watch_ended(error); }});
}

void KubernetesAdapter::line(std::string_view text) {
  heard_ = true;
  auto event = read_watch_event(text);
  if (!event) return nonsense(event.error().text);
  take_event(*std::move(event));
}

void KubernetesAdapter::take_event(WatchEvent event) {
  switch (event.kind) {
    case WatchEvent::Kind::changed:
    case WatchEvent::Kind::deleted:
      // Of a server that knows no field selectors, or lies.
      if (!event.object->name.empty() && event.object->name != identity_.name) return;
      if (!is_ours(*event.object)) return nonsense("an object that is no GameServer");
      version_ = event.object->resource_version;
      if (event.kind == WatchEvent::Kind::deleted) return is_news(version_) ? see(nullptr) : void();
      if (remember(event.object)) sink_.seen(with_update_of(pod_, object_));
      break;
    case WatchEvent::Kind::bookmark:
      if (is_version(event.resource_version)) version_ = event.resource_version;
      break;
    case WatchEvent::Kind::error:
      log_.info("controller", "watch: " + event.message);
      if (has_lived()) backoff_.succeeded();
      watching_ = false;
      transport_->stop_stream();
      if (event.code == 410) return too_old({});
      read_after(backoff_.next());
      break;
    case WatchEvent::Kind::unknown:
      break;
  }
}

// Whoever says that may say it for ever.
void KubernetesAdapter::nonsense(const std::string& text) {
  if (has_lived()) backoff_.succeeded();
  watching_ = false;
  transport_->stop_stream();
  trouble(Error(Code::io, "watch gameserver " + identity_.name + ": " + text), {});
}

bool KubernetesAdapter::has_lived() {
  return opened_ && os_.monotonic_ns() - watched_at_ >= times_.short_watch.count() * 1'000'000;
}

void KubernetesAdapter::watch_ended(const Error& error) {
  watching_ = false;
  if (refused_) return watch_refused(error);
  const bool lived = has_lived();
  if (lived) backoff_.succeeded();
  // Not even a bookmark in all that time: it may have been for versions that are yet to come (restored()).
  const auto again = [&](milliseconds time) { lived && !heard_ ? read_after(time) : watch_after(time); };
  if (error.code == Code::closed && opened_) return again(lived ? milliseconds(0) : backoff_.next());
  // Cut off, or silent: what we missed is told from the last version on, if somebody is there.
  if (lived && error.code != Code::no_space) {
    ++counts_.errors;
    log_.info("controller", error.text);
    return again(backoff_.next());
  }
  trouble(error, {});
}

void KubernetesAdapter::watch_refused(const Error& error) {
  if (kube::is_gone(error)) return too_old(refused_->retry_after);
  if (!is_forbidden(refused_)) return trouble(error, refused_);
  if (!may_watch_.is_missing(os_.monotonic_ns(), times_.doubt)) {
    ++counts_.errors;
    return read_after(backoff_.next(refused_->retry_after));
  }
  if (may_not_watch_ != error.text)
    log_.warn("controller", error.text + ": reading every " +
                                std::to_string(times_.unwatched.count() / 1000) + " s instead");
  may_not_watch_ = error.text;
  may_watch_at_ = os_.monotonic_ns() + times_.rights.count() * 1'000'000;
  read_after(times_.unwatched);
}

// An object that has not changed for long has such a version, whenever it is read: an API server that was
// started since then, or that was told of many others, does not go on from there. So the watch begins with
// whatever is there; that the object is gone, such a watch does not tell, and a read does.
void KubernetesAdapter::too_old(std::optional<milliseconds> retry_after) {
  version_.clear();
  anew_ = true;
  // Nothing is wrong with a server that says so, unless it says so of no version at all.
  watch_after(from_anything_ || retry_after ? backoff_.next(retry_after) : milliseconds(0));
}

// ---- What is told

// False: it is older than what we have. Versions count on also when a GameServer is deleted and made anew.
bool KubernetesAdapter::is_news(const std::string& version) {
  if (is_older(version, newest_)) return false;
  newest_ = version;
  return true;
}

bool KubernetesAdapter::remember(const ObjectPtr& object) {
  if (!is_news(object->resource_version)) return false;
  object_ = object;
  return true;
}

// What is known is void, and a watch would be silent until the versions are where they were.
void KubernetesAdapter::restored(const std::string& version) {
  log_.warn("controller", "get gameserver " + identity_.name + ": resourceVersion went back from " + known_ +
                              " to " + version + ": was a backup restored?");
  newest_.clear();
  if (std::exchange(watching_, false)) transport_->stop_stream();
  see(nullptr);
}

void KubernetesAdapter::see(ObjectPtr object) {
  object_ = std::move(object);
  sink_.seen(with_update_of(pod_, object_));
}

// False: nothing is new. It is an addition: without it less is known.
bool KubernetesAdapter::look_at_pod() {
  if (!podinfo_) return false;
  const auto found = podinfo_->look();
  if (!found || !*found) return false;
  pod_ = *found;
  return true;
}

void KubernetesAdapter::tick() {
  if (look_at_pod() && linked_ && object_) sink_.seen(with_update_of(pod_, object_));
}

void KubernetesAdapter::fine() {
  trouble_.clear();
  denied_ = false;
  if (std::exchange(linked_, true)) return;
  if (may_not_patch_.empty())
    sink_.linked(Link::connected, "");
  else
    sink_.linked(Link::connecting, may_not_patch_);
}

void KubernetesAdapter::trouble(const Error& error, const std::optional<kube::Response>& response) {
  ++counts_.errors;
  // Nobody grants a right or installs OKG within seconds.
  const bool is_missing = response && (is_forbidden(response) || response->status == 404) &&
                          may_read_.is_missing(os_.monotonic_ns(), times_.doubt);
  const bool was_denied = std::exchange(denied_, is_missing && is_forbidden(response));
  const bool was_linked = std::exchange(linked_, false);
  if (was_linked || was_denied != denied_ || trouble_ != error.text) {
    trouble_ = error.text;
    log_.warn("controller", error.text);
    sink_.linked(Link::connecting, error.text);
  }
  // What changed meanwhile is read before anything is written. The backoff grows until a watch has lived.
  milliseconds time = backoff_.next(response ? response->retry_after : std::nullopt);
  if (is_missing) time += times_.unwatched;
  read_after(time);
}

}  // namespace okg::controller
