#include "server/start_reason.hpp"

#include <fcntl.h>

#include <algorithm>

#include "base/files.hpp"
#include "base/text.hpp"
#include "controller/update_facts.hpp"

namespace okg::server {
namespace {

using base::OrderedJson;

constexpr char kInstanceFile[] = "instance.json";
// Its modification time is the CLOCK_BOOTTIME at which the server was last known to live: a system call a
// second, no more.
constexpr char kAliveFile[] = "alive";

// A container that is started anew has another id, and the pod's status tells of it within seconds. Where it
// never does, somebody in the container starts its server.
constexpr std::int64_t kPatience = 30'000'000'000;

std::optional<Life> read_life(base::Os& os, int run) {
  const auto text = base::read_small_file(os, run, kInstanceFile, 64 * 1024, kInstanceFile);
  if (!text) return std::nullopt;
  const auto json = base::parse_json_object(*text, kInstanceFile, base::Code::io);
  if (!json || base::get_string(*json, "schema") != "okg.instance/v1") return std::nullopt;
  const auto of = [&](const char* key) { return base::get_string(*json, key).value_or(""); };
  Life life;
  life.instance = of("instance");
  life.server_version = of("server_version");
  life.binary = of("binary");
  life.boot_id = of("boot_id");
  life.pid = base::get_int(*json, "pid").value_or(0);
  life.started_ns = controller::parse_time(of("started")).value_or(0);
  life.pod_uid = of("pod_uid");
  life.pod_ip = of("pod_ip");
  life.network = of("network");
  life.image = of("image");
  life.image_id = of("image_id");
  life.container_id = of("container_id");
  life.ended = base::get_bool(*json, "ended").value_or(false);
  return life;
}

std::optional<bool> compare(const std::string& a, const std::string& b) {
  if (a.empty() || b.empty()) return std::nullopt;
  return a == b;
}

// The addresses that players know.
std::string describe(const controller::Network& network) {
  std::string out;
  for (const auto& address : network.external) {
    out += address.ip + address.end_point;
    for (const auto& port : address.ports) out += " " + port.number + "/" + port.protocol;
    if (address.range) out += " " + address.range->range + "/" + address.range->protocol;
    out += ";";
  }
  return out;
}

OrderedJson or_null(const std::string& text) {
  return text.empty() ? OrderedJson(nullptr) : OrderedJson(text);
}
OrderedJson or_null(const std::optional<bool>& value) {
  return value ? OrderedJson(*value) : OrderedJson(nullptr);
}

}  // namespace

const char* start_reason_name(StartReason reason) {
  switch (reason) {
    case StartReason::fresh_pod:
      return "fresh_pod";
    case StartReason::in_place_update:
      return "in_place_update";
    case StartReason::crash:
      return "crash";
    case StartReason::restart:
      break;
  }
  return "restart";
}

OrderedJson StartReport::json() const {
  return {{"reason", start_reason_name(reason)},
          {"final", is_final},
          {"image_from", or_null(image_from)},
          {"image_to", or_null(image_to)},
          {"downtime_ms", downtime_ns < 0 ? OrderedJson(nullptr) : OrderedJson(downtime_ns / 1'000'000)},
          {"same_pod", or_null(same_pod)},
          {"same_ip", or_null(same_ip)},
          {"same_network", or_null(same_network)},
          {"instance_before", or_null(instance_before)}};
}

StartReport decide_start(const std::optional<Life>& before, const Life& now, const std::string& container,
                         const controller::Object* object) {
  StartReport report;
  report.is_final = object != nullptr;
  // The run directory is the pod's: without anybody before us in it, the pod is new.
  if (!before || compare(before->pod_uid, now.pod_uid) == false) {
    report.is_final = true;
    return report;
  }
  report.instance_before = before->instance;
  report.same_pod = compare(before->pod_uid, now.pod_uid);
  report.same_ip = compare(before->pod_ip, now.pod_ip);
  report.same_network = compare(before->network, now.network);
  report.image_from = before->image;
  report.image_to = now.image;
  report.reason = before->ended ? StartReason::restart : StartReason::crash;
  bool is_update =
      compare(before->image, now.image) == false || compare(before->image_id, now.image_id) == false;
  if (object != nullptr && !container.empty()) {
    // Kruise's record of the last update stays: it counts if it is younger than the process before us.
    const auto facts = controller::read_update_facts(*object, "", "");
    is_update = is_update ||
                (facts.state && facts.state->updated_at &&
                 *facts.state->updated_at / 1'000'000'000 >= before->started_ns / 1'000'000'000 &&
                 std::count(facts.state->containers.begin(), facts.state->containers.end(), container) > 0);
  }
  if (is_update) report.reason = StartReason::in_place_update;
  return report;
}

StartWatch::StartWatch(base::Os& os, int run_directory, Life now, std::string container)
    : os_(os),
      run_(run_directory),
      container_(std::move(container)),
      now_(std::move(now)),
      begun_ns_(os.boottime_ns()) {
  if (run_ >= 0) {
    before_ = read_life(os_, run_);
    struct stat last{};
    const bool knows = before_ && !before_->boot_id.empty() && before_->boot_id == now_.boot_id &&
                       os_.stat(run_, kAliveFile, &last) == 0;
    if (knows)
      downtime_ns_ = std::max<std::int64_t>(
          os_.boottime_ns() - (std::int64_t{last.st_mtim.tv_sec} * 1'000'000'000 + last.st_mtim.tv_nsec), 0);
    alive_.reset(os_.open(run_, kAliveFile, O_WRONLY | O_CREAT | O_NOFOLLOW, 0644));
  }
  report_ = decide_start(before_, now_, container_, nullptr);
  report_.downtime_ns = before_ ? downtime_ns_ : -1;
  alive();
}

base::Status StartWatch::write() {
  if (run_ < 0) return {};
  OrderedJson json;
  json["schema"] = "okg.instance/v1";
  json["instance"] = now_.instance;
  json["pid"] = now_.pid;
  json["server_version"] = now_.server_version;
  json["binary"] = now_.binary;
  json["started"] = base::format_time(now_.started_ns);
  json["boot_id"] = now_.boot_id;
  json["pod_uid"] = or_null(now_.pod_uid);
  json["pod_ip"] = or_null(now_.pod_ip);
  json["network"] = or_null(now_.network);
  json["image"] = or_null(now_.image);
  json["image_id"] = or_null(now_.image_id);
  json["container_id"] = or_null(now_.container_id);
  json["ended"] = now_.ended;
  return base::replace_file(os_, run_, kInstanceFile, base::dump(json, 1) + "\n", 0644);
}

base::Status StartWatch::begin() {
  const std::lock_guard lock(mutex_);
  return write();
}

bool StartWatch::is_of_the_life_before(const controller::Container& own) const {
  return before_ && !own.id.empty() && own.id == before_->container_id;
}

void StartWatch::see(const controller::Object& object) {
  const std::lock_guard lock(mutex_);
  Life now = now_;
  const auto own = object.containers.find(container_);
  // What is told right after a start may still be the status of the container before us.
  const bool is_old = own != object.containers.end() && is_of_the_life_before(own->second) &&
                      os_.boottime_ns() - begun_ns_ < kPatience;
  if (own != object.containers.end() && !is_old) {
    now.image = own->second.image;
    now.image_id = own->second.image_id;
    now.container_id = own->second.id;
  }
  if (!object.pod_ip.empty()) now.pod_ip = object.pod_ip;
  if (object.network.ready()) now.network = describe(object.network);
  const bool is_new = now.image != now_.image || now.image_id != now_.image_id ||
                      now.container_id != now_.container_id || now.pod_ip != now_.pod_ip ||
                      now.network != now_.network;
  if (!is_new && report_.is_final) return;
  now_ = now;
  report_ = decide_start(before_, now_, container_, &object);
  report_.downtime_ns = before_ ? downtime_ns_ : -1;
  waits_for_the_pod_ = is_old && report_.reason != StartReason::fresh_pod;
  if (waits_for_the_pod_) report_.is_final = false;
  if (is_new) static_cast<void>(write());
}

bool StartWatch::alive() {
  const std::int64_t now = os_.boottime_ns();
  if (alive_) os_.set_mtime(alive_.get(), {now / 1'000'000'000, now % 1'000'000'000});
  const std::lock_guard lock(mutex_);
  if (!waits_for_the_pod_ || now - begun_ns_ < kPatience) return false;
  waits_for_the_pod_ = false;
  report_.is_final = true;
  return true;
}

void StartWatch::ended() {
  alive();
  const std::lock_guard lock(mutex_);
  now_.ended = true;
  static_cast<void>(write());
}

StartReport StartWatch::report() const {
  const std::lock_guard lock(mutex_);
  return report_;
}

}  // namespace okg::server
