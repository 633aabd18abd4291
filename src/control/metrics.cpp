#include "control/metrics.hpp"

#include <charconv>
#include <cmath>
#include <string_view>

namespace okg::control {
namespace {

std::string number(double value) {
  if (std::isnan(value)) return "NaN";
  if (std::isinf(value)) return value > 0 ? "+Inf" : "-Inf";
  char text[64];
  const auto end = std::to_chars(text, text + sizeof text, value);
  return std::string(text, end.ptr);
}

// The canonical spelling of a bucket's bound: "0.0001", "1.0".
std::string bound(double value) {
  char text[64];
  const auto end = std::to_chars(text, text + sizeof text, value, std::chars_format::fixed);
  std::string out(text, end.ptr);
  if (out.find('.') == out.npos) out += ".0";
  return out;
}

std::string label(std::string_view name, std::string_view value) {
  std::string out(name);
  out += "=\"";
  for (const char c : value) {
    if (c == '\\' || c == '"') {
      out += '\\';
      out += c;
    } else if (c == '\n') {
      out += "\\n";
    } else {
      out += c;
    }
  }
  return out + '"';
}

class Text {
 public:
  void family(std::string_view name, std::string_view type, std::string_view help) {
    out_.append("# TYPE ").append(name).append(" ").append(type).append("\n");
    for (const std::string_view unit : {"seconds", "bytes"})
      if (name.ends_with(unit)) out_.append("# UNIT ").append(name).append(" ").append(unit).append("\n");
    out_.append("# HELP ").append(name).append(" ").append(help).append("\n");
  }
  void sample(std::string_view name, const std::string& labels, const std::string& value) {
    out_.append(name);
    if (!labels.empty()) out_.append("{").append(labels).append("}");
    out_.append(" ").append(value).append("\n");
  }
  std::string finish() && { return std::move(out_) + "# EOF\n"; }

 private:
  std::string out_;
};

template <class Bounds, class Counts>
void histogram(Text& text, const std::string& family, const std::string& labels, const Bounds& bounds,
               const Counts& counts, double sum) {
  std::uint64_t count = 0;
  for (std::size_t i = 0; i < bounds.size(); ++i) {
    count += counts[i];
    text.sample(family + "_bucket", labels + "," + label("le", bound(bounds[i])), std::to_string(count));
  }
  count += counts[bounds.size()];
  text.sample(family + "_bucket", labels + "," + label("le", "+Inf"), std::to_string(count));
  text.sample(family + "_count", labels, std::to_string(count));
  text.sample(family + "_sum", labels, number(sum));
}

// One gauge of every hot state.
void hot_gauge(Text& text, const std::vector<HotMetrics>& all, const char* name, const char* help,
               std::uint64_t HotMetrics::* value) {
  text.family(name, "gauge", help);
  for (const HotMetrics& hot : all) text.sample(name, label("segment", hot.name), std::to_string(hot.*value));
}

void hot_states(Text& text, const std::vector<HotMetrics>& all) {
  hot_gauge(text, all, "okg_hot_records", "Records in hot state.", &HotMetrics::records);
  hot_gauge(text, all, "okg_hot_bytes", "Bytes of keys and values in hot state.", &HotMetrics::bytes);
  hot_gauge(text, all, "okg_hot_file_bytes", "Memory that the segment takes.", &HotMetrics::file_bytes);
  hot_gauge(text, all, "okg_hot_max_bytes", "Memory that the segment may take.", &HotMetrics::max_bytes);
  text.family("okg_hot_commit_duration_seconds", "histogram",
              "Time that commits of transactions and regions took.");
  for (const HotMetrics& hot : all)
    histogram(text, "okg_hot_commit_duration_seconds", label("segment", hot.name), hot.commits.bounds,
              hot.commits.counts, hot.commits.sum);
}

void controller(Text& text, const ControllerMetrics& metrics) {
  text.family("okg_gameserver", "info", "The GameServer as the controller has it.");
  text.sample("okg_gameserver_info",
              label("controller", metrics.kind) + "," + label("ops_state", metrics.ops_state) + "," +
                  label("state", metrics.state),
              "1");
  text.family("okg_controller_connected", "gauge", "1 while the controller is heard.");
  text.sample("okg_controller_connected", "", metrics.connected ? "1" : "0");
  text.family("okg_update_pending", "gauge",
              "1 while an update or the deletion of this pod is coming or going on.");
  text.sample("okg_update_pending", "", metrics.waits_for_update ? "1" : "0");
  text.family("okg_api_requests", "counter", "Requests to the Kubernetes API.");
  text.sample("okg_api_requests_total", "", std::to_string(metrics.requests));
  text.family("okg_api_errors", "counter", "Requests to the Kubernetes API that failed.");
  text.sample("okg_api_errors_total", "", std::to_string(metrics.errors));
}

}  // namespace

void PhaseHistogram::add(double seconds) {
  std::size_t bucket = 0;
  while (bucket < kBounds.size() && !(seconds <= kBounds[bucket])) ++bucket;
  ++counts[bucket];
  sum += seconds;
}

std::string metrics_text(const Metrics& metrics, const RequestCounts& requests) {
  Text text;
  text.family("okg_reloads", "counter", "Reloads by how they ended.");
  text.sample("okg_reloads_total", label("result", "active"), std::to_string(metrics.reloads_active));
  text.sample("okg_reloads_total", label("result", "failed"), std::to_string(metrics.reloads_failed));
  text.sample("okg_reloads_total", label("result", "superseded"), std::to_string(metrics.reloads_superseded));
  text.sample("okg_reloads_total", label("result", "rolled_back"),
              std::to_string(metrics.reloads_rolled_back));

  text.family("okg_reload_duration_seconds", "histogram", "Time that each phase of a reload took.");
  for (const auto& [phase, values] : metrics.phases)
    histogram(text, "okg_reload_duration_seconds", label("phase", phase), PhaseHistogram::kBounds,
              values.counts, values.sum);

  text.family("okg_payload", "info", "The payload in use and the payload that is wanted.");
  for (const PayloadInfo& payload : metrics.payloads)
    text.sample("okg_payload_info",
                label("version", payload.version) + "," + label("digest", payload.digest) + "," +
                    label("role", payload.role),
                "1");

  text.family("okg_ready", "gauge", "1 when the server is ready for players.");
  text.sample("okg_ready", "", metrics.ready ? "1" : "0");
  text.family("okg_tick_age_seconds", "gauge", "Time since the game loop polled.");
  text.sample("okg_tick_age_seconds", "", number(metrics.tick_age_seconds));
  text.family("okg_watch_fallback", "gauge", "1 when the volume gives no events and is polled instead.");
  text.sample("okg_watch_fallback", "", metrics.watch_fallback ? "1" : "0");
  text.family("okg_watch_overflows", "counter", "Times that the queue of events overflowed.");
  text.sample("okg_watch_overflows_total", "", std::to_string(metrics.watch_overflows));

  text.family("okg_http_requests", "counter", "Requests answered by this endpoint.");
  for (const auto& [key, count] : requests)
    text.sample("okg_http_requests_total",
                label("route", key.first) + "," + label("code", std::to_string(key.second)),
                std::to_string(count));
  if (!metrics.hot.empty()) hot_states(text, metrics.hot);
  if (metrics.controller) controller(text, *metrics.controller);
  return std::move(text).finish();
}

}  // namespace okg::control
