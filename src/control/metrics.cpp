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
    if (name.ends_with("_seconds")) out_.append("# UNIT ").append(name).append(" seconds\n");
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

void histogram(Text& text, const std::string& phase, const PhaseHistogram& values) {
  static constexpr std::string_view kBucket = "okg_reload_duration_seconds_bucket";
  const std::string labels = label("phase", phase);
  std::uint64_t count = 0;
  for (std::size_t i = 0; i < PhaseHistogram::kBounds.size(); ++i) {
    count += values.counts[i];
    text.sample(kBucket, labels + "," + label("le", bound(PhaseHistogram::kBounds[i])),
                std::to_string(count));
  }
  count += values.counts.back();
  text.sample(kBucket, labels + "," + label("le", "+Inf"), std::to_string(count));
  text.sample("okg_reload_duration_seconds_count", labels, std::to_string(count));
  text.sample("okg_reload_duration_seconds_sum", labels, number(values.sum));
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
  for (const auto& [phase, values] : metrics.phases) histogram(text, phase, values);

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
  return std::move(text).finish();
}

}  // namespace okg::control
