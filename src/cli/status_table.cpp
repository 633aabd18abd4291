#include "cli/status_table.hpp"

#include <chrono>

#include "base/text.hpp"

namespace okg::cli {
namespace {

constexpr std::size_t kLabelWidth = 11;

std::string row(std::string label, const std::string& text) {
  label.resize(std::max(label.size(), kLabelWidth), ' ');
  return label + text + "\n";
}

Colour colour_of_state(const std::string& state) {
  if (state == "idle") return Colour::good;
  return state == "stalled" ? Colour::bad : Colour::doubtful;
}

std::string name_of(const std::optional<PayloadName>& name) {
  if (!name) return "-";
  std::string text = name->version.empty() ? "?" : name->version;
  if (name->digest) text += "  " + short_digest(*name->digest);
  if (!name->since.empty()) text += "  since " + name->since;
  if (name->unverified) text += "  (unverified: its files came without a manifest)";
  return text;
}

std::string version_of(const ServerStatus& status, const std::optional<payload::Digest>& digest) {
  for (const auto* named : {&status.active, &status.desired})
    if (digest && *named && (*named)->digest == digest)
      return (*named)->version + "  " + short_digest(*digest);
  return digest ? short_digest(*digest) : "-";
}

std::string times_of(const Attempt& last) {
  std::string out;
  const auto add = [&](const char* what, const std::optional<std::uint64_t>& microseconds) {
    constexpr std::uint64_t kMost = 1'000'000'000'000'000;  // what a duration in nanoseconds can hold
    if (!microseconds || *microseconds > kMost) return;
    out += std::string(out.empty() ? "" : ", ") + what + " " +
           base::format_duration(std::chrono::microseconds(*microseconds));
  };
  add("detect", last.detect_us);
  add("verify", last.verify_us);
  add("prepare", last.prepare_us);
  add("commit", last.commit_us);
  add("total", last.total_us);
  return out;
}

// A line for each hot state that is open.
std::string hot_rows(const base::Json& json) {
  std::string out;
  const auto all = json.find("hot");
  if (all == json.end() || !all->is_array()) return out;
  for (const base::Json& one : *all) {
    if (!one.is_object()) continue;
    const auto number = [&](const char* key) { return base::get_uint(one, key).value_or(0); };
    const auto text_of = [&](const char* key) {
      return base::one_line(base::get_string(one, key).value_or("?"), 64);
    };
    std::string text = text_of("name") + ": " + text_of("opened") + ", " + std::to_string(number("records")) +
                       " records, " + base::format_size(number("bytes")) + ", file " +
                       base::format_size(number("file_bytes")) + " of " +
                       base::format_size(number("max_bytes"));
    if (base::get_bool(one, "crash_loop").value_or(false)) text += ", crash loop";
    out += row(out.empty() ? "hot" : "", text);
  }
  return out;
}

// The conversation with the controller, and why the process was started.
std::string controller_rows(const Output& output, const ServerStatus& status) {
  std::string out;
  if (status.controller) {
    const bool well = status.controller->link == "connected" && status.controller->trouble.empty();
    out +=
        row("controller", output.paint(well ? Colour::none : Colour::doubtful, describe(*status.controller)));
    if (status.controller->update)
      out += row("update", output.paint(Colour::doubtful, describe(*status.controller->update)));
  }
  if (status.start) out += row("start", describe(*status.start));
  return out;
}

std::string result_of(const Output& output, const Attempt& last) {
  const bool good = last.result == "active";
  std::string text = output.paint(good                          ? Colour::good
                                  : last.result == "superseded" ? Colour::doubtful
                                                                : Colour::bad,
                                  last.result == "rolled_back" ? "rolled back" : last.result);
  if (good) return text;
  if (const std::string place = place_of(last); !place.empty()) text += " at " + place;
  if (!last.text.empty()) text += ": " + last.text;
  if (!last.code.empty()) text += " [" + last.code + "]";
  if (last.retriable) text += " (attempt " + std::to_string(last.attempt) + ", will be tried again)";
  return text;
}

}  // namespace

std::string status_table(const Output& output, const ServerStatus& status) {
  std::string out = row("state", output.paint(colour_of_state(status.state), status.state));
  std::string ready = status.ready ? output.paint(Colour::good, "yes") : output.paint(Colour::bad, "no");
  if (!status.ready && !status.not_ready_reason.empty()) ready += ": " + status.not_ready_reason;
  out += row("ready", ready);
  if (!status.trouble.empty()) out += row("trouble", output.paint(Colour::doubtful, status.trouble));
  out += row("active", name_of(status.active));
  out += row("desired", name_of(status.desired));
  if (status.inconsistent)
    out += row("in parts", output.paint(Colour::bad,
                                        "what is in use is not whole: a commit failed and could not be "
                                        "undone; publish what works, or restart the server"));
  if (status.hold)
    out += row("on hold",
               output.paint(Colour::doubtful, version_or_digest(status, status.hold->desired) +
                                                  " was rolled back " + describe_hold(status, *status.hold)));
  out += row("last good", version_of(status, status.last_good));
  if (status.last) {
    const Attempt& last = *status.last;
    out += row("last", (last.version.empty() ? "?" : last.version) + "  " + result_of(output, last));
    if (const std::string times = times_of(last); !times.empty())
      out += row("", output.paint(Colour::dim, times));
  } else {
    out += row("last", "-");
  }
  const char* label = "refused";
  for (const Attempt& refused : status.refused) {
    std::string text = refused.digest ? short_digest(*refused.digest) : "?";
    if (const std::string place = place_of(refused); !place.empty()) text += "  " + place;
    if (!refused.text.empty()) text += ": " + refused.text;
    out += row(std::exchange(label, ""), text);
  }
  std::string reloads = std::to_string(status.ok) + " ok, " + std::to_string(status.failed) + " failed, " +
                        std::to_string(status.superseded) + " superseded";
  if (status.rolled_back > 0) reloads += ", " + std::to_string(status.rolled_back) + " rolled back";
  out += row("reloads", reloads);
  std::string watch = status.watch;
  if (status.tick_age_ms) watch += ", last poll " + std::to_string(*status.tick_age_ms) + " ms ago";
  out += row("watch", watch);
  std::string server = status.server_version.empty() ? "-" : status.server_version;
  if (!status.okg.empty()) server += ", okg " + status.okg;
  if (status.pid) server += ", pid " + std::to_string(*status.pid);
  out += hot_rows(status.json) + controller_rows(output, status) + row("server", server);
  return out + row("instance", status.instance);
}

std::string status_line(const ServerStatus& status) {
  std::string out = status.state + (status.ready ? ", ready" : ", not ready");
  if (status.active) out += "; active " + status.active->version;
  if (status.desired && (!status.active || status.desired->digest != status.active->digest))
    out += "; desired " + status.desired->version;
  if (status.inconsistent) out += "; what is in use is in parts only";
  if (status.hold) out += "; rolled back " + describe_hold(status, *status.hold);
  if (status.last && status.last->result != "active" && !status.last->result.empty())
    out +=
        "; " + (status.last->result == "superseded" ? status.last->version + " superseded"
                                                    : describe_failure(status.last->version, *status.last));
  if (status.controller && status.controller->kind != "off") {
    const ControllerStatus& controller = *status.controller;
    if (controller.link != "connected") out += "; controller " + controller.link;
    if (controller.ops_state) out += "; opsState " + *controller.ops_state;
    if (controller.update)
      out += "; " + std::string(controller.update->kind == "deletion" ? "" : "update ") +
             describe(*controller.update);
  }
  return out;
}

bool same_status(const ServerStatus& one, const ServerStatus& other) {
  const auto lasting = [](const ServerStatus& status) {
    base::Json json = status.json;
    json.erase("tick_age_ms");
    if (const auto hot = json.find("hot"); hot != json.end() && hot->is_array())
      for (base::Json& state : *hot)
        if (state.is_object()) {
          state.erase("records");
          state.erase("bytes");
        }
    if (const auto controller = json.find("controller");
        controller != json.end() && controller->is_object()) {
      for (const char* counted : {"requests", "errors"}) controller->erase(counted);
      if (const auto update = controller->find("update"); update != controller->end() && update->is_object())
        update->erase("deadline_ms");
    }
    return json;
  };
  return lasting(one) == lasting(other);
}

}  // namespace okg::cli
