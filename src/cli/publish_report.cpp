#include "cli/publish_report.hpp"

#include <cmath>

#include "base/text.hpp"

namespace okg::cli {
namespace {

double milliseconds(std::chrono::nanoseconds duration) {
  return std::round(static_cast<double>(duration.count()) / 1e3) / 1e3;
}

base::OrderedJson text_or_null(const std::string& text) {
  return text.empty() ? base::OrderedJson(nullptr) : base::OrderedJson(text);
}

}  // namespace

base::OrderedJson PublishReport::event(const char* name) const {
  return {{"event", name}, {"version", version_}, {"digest", digest_}};
}

void PublishReport::published(const payload::Published& published) {
  version_ = published.version;
  digest_ = published.digest.text();
  if (json_) {
    auto json = event("published");
    json["files"] = published.files;
    json["bytes"] = published.bytes;
    json["reused"] = published.reused_bytes;
    json["ms"] = milliseconds(published.took);
    return output_.result_json(json);
  }
  std::string line = output_.paint(Colour::good, "published") + " " + base::one_line(version_) + " " +
                     digest_ + ": " + std::to_string(published.files) +
                     (published.files == 1 ? " file, " : " files, ") + base::format_size(published.bytes);
  if (published.already_there)
    line += ", was there already";
  else if (published.reused_bytes > 0)
    line += " (" + base::format_size(published.reused_bytes) + " reused)";
  output_.result(line + ", in " + base::format_duration(published.took));
}

void PublishReport::active(std::chrono::nanoseconds after) {
  if (json_) {
    auto json = event("active");
    json["ms"] = milliseconds(after);
    return output_.result_json(json);
  }
  output_.result(output_.paint(Colour::good, "active") + " " + base::one_line(version_) + ", " +
                 base::format_duration(after) + " after it was published");
}

void PublishReport::failure(const char* name, const Attempt& attempt) {
  if (json_) {
    auto json = event(name);
    json["stage"] = text_or_null(attempt.stage);
    json["component"] = text_or_null(attempt.component);
    json["code"] = text_or_null(attempt.code);
    json["text"] = attempt.text;
    return output_.result_json(json);
  }
  output_.result(output_.paint(Colour::bad, attempt.result == "rolled_back" ? "rolled back" : "failed") +
                 ": " + describe_failure(base::one_line(version_), attempt));
}

void PublishReport::failed(const Attempt& attempt) {
  failure("failed", attempt);
}

void PublishReport::rolled_back(const Attempt& attempt) {
  failure("rolled_back", attempt);
}

void PublishReport::superseded(const std::string& by) {
  if (json_) {
    auto json = event("superseded");
    json["by"] = text_or_null(by);
    return output_.result_json(json);
  }
  output_.result(output_.paint(Colour::doubtful, "superseded") + ": " + base::one_line(version_) +
                 (by.empty() ? " gave way to something newer" : " gave way to " + by));
}

void PublishReport::outcome(const OutcomeOf& outcome, std::chrono::nanoseconds after) {
  switch (outcome.outcome) {
    case Outcome::none:
      return;
    case Outcome::active:
      return active(after);
    case Outcome::failed:
      return failed(outcome.attempt);
    case Outcome::rolled_back:
      return rolled_back(outcome.attempt);
    case Outcome::superseded:
      return superseded(outcome.attempt.text);
  }
}

void PublishReport::publish_failed(const base::Error& error) {
  if (!json_) return;
  output_.result_json(base::OrderedJson{{"event", "failed"},
                                        {"stage", "publish"},
                                        {"component", nullptr},
                                        {"code", std::string(base::code_name(error.code))},
                                        {"text", error.text}});
}

std::string describe(const OutcomeOf& outcome, const std::string& version) {
  switch (outcome.outcome) {
    case Outcome::active:
      return version + " is active";
    case Outcome::failed:
    case Outcome::rolled_back:
      return describe_failure(version, outcome.attempt);
    case Outcome::superseded:
      return version + " was superseded" +
             (outcome.attempt.text.empty() ? "" : " by " + outcome.attempt.text);
    case Outcome::none:
      break;
  }
  return "no outcome of " + version + " yet" +
         (outcome.attempt.text.empty() ? "" : ": " + outcome.attempt.text);
}

}  // namespace okg::cli
