// How a reload ends when it does not end well, in the words of the status schema okg.status/v1.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/error.hpp"

namespace okg::reload {

enum class Stage { verify, requirement, prepare, commit, confirm, probation };

std::string_view stage_name(
    Stage stage) noexcept;  // "verify" "requires" "prepare" "commit" "confirm" "probation"
std::optional<Stage> parse_stage(std::string_view name) noexcept;

struct Failure {
  Stage stage = Stage::verify;
  std::string component;  // "": none in particular
  base::Code code = base::Code::internal;
  std::string text;
  bool retriable = false;
};

// What went wrong there. A code that says nothing of a payload (a handler may return any) becomes one of
// those the status may show: `rejected` where a handler spoke, else `io`.
Failure failure_of(Stage stage, std::string component, const base::Error& error);

// "reload of 2.4.1 failed at prepare(scripts): a.lua:3: '=' expected"
std::string describe(const Failure& failure, std::string_view version);

}  // namespace okg::reload
