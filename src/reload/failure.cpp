#include "reload/failure.hpp"

#include <utility>

#include "base/text.hpp"

namespace okg::reload {

std::string_view stage_name(Stage stage) noexcept {
  switch (stage) {
    case Stage::verify:
      return "verify";
    case Stage::requirement:
      return "requires";
    case Stage::prepare:
      return "prepare";
    case Stage::commit:
      return "commit";
    case Stage::confirm:
      return "confirm";
    case Stage::probation:
      break;
  }
  return "probation";
}

std::optional<Stage> parse_stage(std::string_view name) noexcept {
  for (Stage stage :
       {Stage::verify, Stage::requirement, Stage::prepare, Stage::commit, Stage::confirm, Stage::probation})
    if (name == stage_name(stage)) return stage;
  return std::nullopt;
}

Failure failure_of(Stage stage, std::string component, const base::Error& error) {
  base::Code code = error.code;
  const auto within = [&](base::Code first, base::Code last) { return code >= first && code <= last; };
  if (!within(base::Code::io, base::Code::no_memory) &&
      !within(base::Code::digest_mismatch, base::Code::crash_loop))
    code = stage == Stage::prepare || stage == Stage::commit ? base::Code::rejected : base::Code::io;
  return {stage, std::move(component), code, base::one_line(error.text), error.retriable};
}

std::string describe(const Failure& failure, std::string_view version) {
  std::string text =
      "reload of " + std::string(version) + " failed at " + std::string(stage_name(failure.stage));
  if (!failure.component.empty()) text += "(" + failure.component + ")";
  return text + ": " + failure.text;
}

}  // namespace okg::reload
