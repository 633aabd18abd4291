#include "base/log.hpp"

namespace okg::base {

std::string_view log_level_name(LogLevel level) noexcept {
  switch (level) {
    case LogLevel::error:
      return "error";
    case LogLevel::warn:
      return "warn";
    case LogLevel::info:
      return "info";
    case LogLevel::debug:
      break;
  }
  return "debug";
}

std::optional<LogLevel> parse_log_level(std::string_view text) noexcept {
  for (LogLevel level : {LogLevel::error, LogLevel::warn, LogLevel::info, LogLevel::debug})
    if (text == log_level_name(level)) return level;
  return std::nullopt;
}

void Log::write(LogLevel level, std::string_view category, std::string_view text) const noexcept {
  if (!enabled(level)) return;
  try {
    sink_(user_, level, category, text);
  } catch (...) {  // a log line is never worth a game
  }
}

}  // namespace okg::base
