#include "support/fake_game_server.hpp"

namespace okg::test {

using Json = nlohmann::json;

namespace {

std::string parameter(const std::string& query, const std::string& name) {
  const std::string text = "&" + query;
  const std::size_t begin = text.find("&" + name + "=");
  if (begin == text.npos) return "";
  const std::size_t value = begin + name.size() + 2;
  return text.substr(value, text.find('&', value) - value);
}

std::string line_of(const char* event, const Json& object) {
  return Json{{"type", event}, {"object", object}}.dump();
}

}  // namespace

FakeGameServer::FakeGameServer(FakeApiServer& server, std::string name)
    : server_(server), name_(std::move(name)) {
  object_ = make();
  server.on("GET", path() + "/" + name_,
            [this](const FakeRequest& request, FakeAnswer& to) { answer(Ask::get, request, to); });
  server.on("GET", path(),
            [this](const FakeRequest& request, FakeAnswer& to) { answer(Ask::watch, request, to); });
  server.on("PATCH", path() + "/" + name_, [this](const FakeRequest& request, FakeAnswer& to) {
    const bool for_good = parameter(request.query, "dryRun").empty();
    answer(for_good ? Ask::patch : Ask::rehearsal, request, to);
  });
}

Json FakeGameServer::make() {
  return {{"apiVersion", "game.kruise.io/v1alpha1"},
          {"kind", "GameServer"},
          {"metadata",
           {{"name", name_},
            {"namespace", "default"},
            {"uid", "uid-" + std::to_string(++uids_)},
            {"resourceVersion", std::to_string(++version_)},
            {"labels", {{"gs-sync/update-block", "true"}}},
            {"ownerReferences", Json::array({{{"kind", "Pod"}, {"name", name_}, {"uid", "pod-1"}}})}}},
          {"spec", {{"opsState", "None"}, {"updatePriority", 0}, {"deletionPriority", 0}}},
          {"status", {{"currentState", "Ready"}}}};
}

// With the mutex.
void FakeGameServer::store(Json object, const char* event) {
  object["metadata"]["resourceVersion"] = std::to_string(++version_);
  const std::string line = line_of(event, object);
  past_.emplace_back(version_, line);
  for (const auto& watch : watches_) watch->line(line);
  object_ = std::string(event) == "DELETED" ? Json() : std::move(object);
}

void FakeGameServer::change(const Json& merge_patch) {
  const std::lock_guard hold(mutex_);
  Json object = object_;
  object.merge_patch(merge_patch);
  store(std::move(object), "MODIFIED");
}

void FakeGameServer::remove() {
  const std::lock_guard hold(mutex_);
  if (!object_.is_null()) store(object_, "DELETED");
}

void FakeGameServer::create() {
  const std::lock_guard hold(mutex_);
  store(make(), "ADDED");
}

Json FakeGameServer::object() const {
  const std::lock_guard hold(mutex_);
  return object_;
}

std::string FakeGameServer::version() const {
  const std::lock_guard hold(mutex_);
  return std::to_string(version_);
}

void FakeGameServer::bookmark() {
  const std::lock_guard hold(mutex_);
  const Json object = {{"kind", "GameServer"},
                       {"metadata", {{"resourceVersion", std::to_string(++version_)}}}};
  for (const auto& watch : watches_) watch->line(line_of("BOOKMARK", object));
}

void FakeGameServer::tell(const std::string& line) {
  const std::lock_guard hold(mutex_);
  for (const auto& watch : watches_) watch->line(line);
}

void FakeGameServer::end_watches() {
  const std::lock_guard hold(mutex_);
  for (const auto& watch : watches_) watch->end();
  watches_.clear();
}

void FakeGameServer::forget_past() {
  const std::lock_guard hold(mutex_);
  forgotten_ = ++version_;
  past_.clear();
}

void FakeGameServer::set_version(std::uint64_t version) {
  const std::lock_guard hold(mutex_);
  version_ = version;
  past_.clear();
  object_["metadata"]["resourceVersion"] = std::to_string(version);
}

void FakeGameServer::meet(Ask ask, Handler handler) {
  const std::lock_guard hold(mutex_);
  always_[ask] = std::move(handler);
}

void FakeGameServer::meet_once(Ask ask, Handler handler) {
  const std::lock_guard hold(mutex_);
  once_[ask].push_back(std::move(handler));
}

std::vector<FakeRequest> FakeGameServer::asked(Ask ask) const {
  const std::lock_guard hold(mutex_);
  const auto found = asked_.find(ask);
  return found == asked_.end() ? std::vector<FakeRequest>() : found->second;
}

void FakeGameServer::answer(Ask ask, const FakeRequest& request, FakeAnswer& answer) {
  Handler instead;
  {
    const std::lock_guard hold(mutex_);
    asked_[ask].push_back(request);
    if (auto& once = once_[ask]; !once.empty()) {
      instead = std::move(once.front());
      once.pop_front();
    } else {
      instead = always_[ask];
    }
  }
  if (instead) return instead(request, answer);
  if (ask == Ask::watch) return watch(request, answer);
  if (ask != Ask::get) return patch(ask == Ask::patch, request, answer);
  const Json object = this->object();
  if (object.is_null()) return missing(answer);
  answer.json(200, object.dump());
}

void FakeGameServer::missing(FakeAnswer& answer) const {
  answer.refuse(404, "NotFound", "gameservers.game.kruise.io \"" + name_ + "\" not found");
}

void FakeGameServer::watch(const FakeRequest& request, FakeAnswer& answer) {
  const std::string from = parameter(request.query, "resourceVersion");
  const std::lock_guard hold(mutex_);
  if (!from.empty() && std::stoull(from) < forgotten_)
    return answer.refuse(410, "Expired", "too old resource version: " + from);
  const auto stream = answer.stream();
  watches_.push_back(stream);
  if (from.empty()) {
    if (!object_.is_null()) stream->line(line_of("ADDED", object_));
    return;
  }
  for (const auto& [version, line] : past_)
    if (version > std::stoull(from)) stream->line(line);
}

void FakeGameServer::patch(bool for_good, const FakeRequest& request, FakeAnswer& answer) {
  const std::lock_guard hold(mutex_);
  if (object_.is_null()) return missing(answer);
  const Json patch = Json::parse(request.body, nullptr, false);
  if (!patch.is_object() || request.headers.at("content-type") != "application/merge-patch+json")
    return answer.refuse(400, "BadRequest", "no merge patch");
  const std::string held = object_["metadata"]["resourceVersion"];
  const Json metadata = patch.value("metadata", Json::object());
  if (metadata.value("resourceVersion", held) != held)
    return answer.refuse(409, "Conflict",
                         "the object has been modified; please apply your changes to the latest");
  Json object = object_;
  object.merge_patch(patch);
  if (for_good && object != object_) store(object, "MODIFIED");
  answer.json(200, object_.dump());
}

}  // namespace okg::test
