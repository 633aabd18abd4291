#include "unit/controller/rig.hpp"

#include <fcntl.h>

#include <boost/asio/post.hpp>
#include <filesystem>
#include <fstream>

#include "kube/config.hpp"
#include "kube/tls_transport.hpp"

namespace okg::controller::test {

namespace {

void log_into(void* user, base::LogLevel level, std::string_view category, std::string_view text) {
  static_cast<std::vector<std::string>*>(user)->push_back(std::string(base::log_level_name(level)) + " " +
                                                          std::string(category) + ": " + std::string(text));
}

}  // namespace

KubernetesTimes short_times() {
  KubernetesTimes times;
  times.call = kPatience;
  times.silence = kPatience;
  times.unwatched = 20ms;
  times.backoff_min = 1ms;
  times.backoff_max = 8ms;
  return times;
}

Rig::Rig(With with)
    : with_(std::move(with)),
      run_directory_(::open((root / "").c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)) {
  std::filesystem::create_directory(root / "podinfo");
  conversation = std::make_unique<Conversation>(
      ConversationOptions{with_.pod_uid, {keys::kUpdateHook, keys::kDeleteHook}});
  if (!with_.starts) return;
  start();
  EXPECT_TRUE(run_until_linked(Link::connected));
}

Rig::~Rig() {
  adapter.reset();
  ::close(run_directory_);
}

void Rig::start() {
  const base::Log log(log_into, &logged, base::LogLevel::debug);
  auto config = kube::in_cluster_config(base::Os::real(), server.environment());
  ASSERT_TRUE(config) << config.error().text;
  auto api = std::make_unique<KubernetesAdapter>(
      io, os, kube::make_tls_transport(io, os, *config, log), KubernetesAdapter::Identity{"default", "gss-0"},
      with_.volume ? root / "podinfo" : std::string(), log, with_.times);
  if (with_.falls_back)
    adapter = std::make_unique<FallbackAdapter>(
        std::move(api),
        std::make_unique<DownwardAdapter>(io, os, root / "podinfo", run_directory_,
                                          HandshakeOptions{keys::kUpdateHook, keys::kDeleteHook}, log),
        log);
  else
    adapter = std::move(api);
  AdapterSink sink;
  sink.seen = [this](ObjectPtr object) { take(conversation->seen(std::move(object), clock())); };
  sink.patched = [this](PatchId id, base::Result<ObjectPtr> result) {
    take(conversation->patched(id, result, clock()));
  };
  sink.linked = [this](Link link, std::string why) {
    links.emplace_back(link, std::move(why));
    take(conversation->linked(link, clock()));
  };
  adapter->start(std::move(sink));
}

Conversation::Clock Rig::clock() {
  return {os.monotonic_ns(), os.realtime_ns()};
}

void Rig::take(Sayings sayings) {
  for (Saying& saying : sayings) {
    if (auto* send = std::get_if<say::Send>(&saying)) to_send_.push_back(std::move(send->patch));
    if (std::holds_alternative<say::Reread>(saying)) to_reread_ = true;
    if (auto* end = std::get_if<say::Finished>(&saying)) {
      EXPECT_EQ(ended.count(end->ticket), 0U) << "ended twice";
      ended[end->ticket] = std::move(end->error);
    }
    if (auto* view = std::get_if<say::View>(&saying)) views.push_back(view->object);
  }
  if (std::exchange(flushing_, true)) return;
  boost::asio::post(io, [this] { flush(); });
}

void Rig::flush() {
  flushing_ = false;
  if (!adapter) return;
  for (Patch& patch : std::exchange(to_send_, {})) adapter->send(std::move(patch));
  if (std::exchange(to_reread_, false)) adapter->reread();
}

bool Rig::run_until(const std::function<bool()>& done) {
  const auto end = std::chrono::steady_clock::now() + kPatience;
  while (!done()) {
    if (std::chrono::steady_clock::now() > end) return false;
    io.restart();
    io.run_one_for(2ms);
    if (adapter) adapter->tick();
    take(conversation->tick(clock()));
  }
  return true;
}

void Rig::run_for(std::chrono::milliseconds time) {
  const auto end = std::chrono::steady_clock::now() + time;
  EXPECT_TRUE(run_until([&] { return std::chrono::steady_clock::now() >= end; }));
}

bool Rig::run_until_asked(Ask ask, std::size_t times) {
  return run_until([&] { return gs.count(ask) >= times; });
}

bool Rig::run_until_view(const std::string& ops_state) {
  return run_until([&] { return view() == ops_state; });
}

bool Rig::run_until_linked(Link link) {
  return run_until([&] { return conversation->link() == link; });
}

Ticket Rig::set(Wish wish) {
  const Ticket ticket = wish.ticket = ++last_ticket_;
  take(conversation->set(std::move(wish), clock()));
  return ticket;
}

Ticket Rig::set(const Field& field, Value value) {
  Wish wish;
  wish.field = field;
  wish.value = std::move(value);
  if (!views.empty()) wish.known.push_back(views.back()->get(field));
  return set(std::move(wish));
}

std::string Rig::end_of(Ticket ticket) {
  if (!run_until([&] { return ended.count(ticket) != 0; })) return "";
  const auto& error = ended[ticket];
  return error ? std::string(base::code_name(error->code)) + " " + error->text : "ok";
}

std::string Rig::view() const {
  return views.empty() ? "-" : views.back()->ops_state.value_or("-");
}

bool Rig::hears(const std::string& ops_state) {
  gs.change({{"spec", {{"opsState", ops_state}}}});
  return run_until_view(ops_state);
}

std::string Rig::log() const {
  std::string all;
  for (const std::string& line : logged) all += line + "\n";
  return all;
}

void Rig::podinfo(const std::string& text, const std::string& file) {
  std::ofstream(root / "podinfo/new") << text;
  std::filesystem::rename(root / "podinfo/new", root / ("podinfo/" + file));
}

std::string Rig::token() const {
  std::string line;
  std::ifstream file(root / "ops");
  std::getline(file, line);
  return line;
}

FakeApiServer::Handler refusing(unsigned code, const std::string& reason, const std::string& message,
                                const okg::test::FakeHeaders& more) {
  return [=](const FakeRequest&, FakeAnswer& answer) { answer.refuse(code, reason, message, more); };
}

FakeApiServer::Handler forbidding(const std::string& verb) {
  return refusing(
      403, "Forbidden",
      "gameservers.game.kruise.io \"gss-0\" is forbidden: User \"system:serviceaccount:default:game\" "
      "cannot " +
          verb + " resource \"gameservers\" in API group \"game.kruise.io\" in the namespace \"default\"");
}

}  // namespace okg::controller::test
