// The library never prints: what it has to say goes to the sink the user handed in, or nowhere.
#pragma once

#include <atomic>
#include <optional>
#include <string>
#include <string_view>

namespace okg::base {

enum class LogLevel : int { error = 0, warn = 1, info = 2, debug = 3 };

std::string_view log_level_name(LogLevel level) noexcept;
std::optional<LogLevel> parse_log_level(std::string_view text) noexcept;

// Called from any thread, possibly from two at once. `text` is not NUL-terminated and lives for the call.
using LogSink = void (*)(void* user, LogLevel level, std::string_view category, std::string_view text);

class Log {
 public:
  Log() = default;
  Log(LogSink sink, void* user, LogLevel level) : sink_(sink), user_(user), level_(level) {}

  bool enabled(LogLevel level) const noexcept { return sink_ != nullptr && level <= level_; }
  // `category` is a room's name: "payload", "reload", "control". A sink that throws is silenced for that
  // line.
  void write(LogLevel level, std::string_view category, std::string_view text) const noexcept;

  void error(std::string_view category, std::string_view text) const noexcept {
    write(LogLevel::error, category, text);
  }
  void warn(std::string_view category, std::string_view text) const noexcept {
    write(LogLevel::warn, category, text);
  }
  void info(std::string_view category, std::string_view text) const noexcept {
    write(LogLevel::info, category, text);
  }
  void debug(std::string_view category, std::string_view text) const noexcept {
    write(LogLevel::debug, category, text);
  }

 private:
  LogSink sink_ = nullptr;
  void* user_ = nullptr;
  LogLevel level_ = LogLevel::info;
};

}  // namespace okg::base
