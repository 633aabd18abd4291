#include "base/log.hpp"

#include <gtest/gtest.h>

#include <stdexcept>
#include <string>
#include <vector>

namespace okg::base {
namespace {

void collect_lines(void* user, LogLevel level, std::string_view category, std::string_view text) {
  static_cast<std::vector<std::string>*>(user)->push_back(std::string(log_level_name(level)) + " " +
                                                          std::string(category) + ": " + std::string(text));
}

TEST(Log, PassesOnWhatIsImportantEnough) {
  std::vector<std::string> lines;
  const Log log(collect_lines, &lines, LogLevel::warn);
  log.error("a", "1");
  log.warn("b", "2");
  log.info("c", "3");
  log.debug("d", "4");
  EXPECT_EQ(lines, (std::vector<std::string>{"error a: 1", "warn b: 2"}));
  EXPECT_TRUE(log.enabled(LogLevel::warn));
  EXPECT_FALSE(log.enabled(LogLevel::info));
}

TEST(Log, SaysNothingWithoutASink) {
  const Log log;
  log.error("a", "1");
  EXPECT_FALSE(log.enabled(LogLevel::error));
}

TEST(Log, SurvivesASinkThatThrows) {
  const Log log([](void*, LogLevel, std::string_view, std::string_view) { throw std::runtime_error("sink"); },
                nullptr, LogLevel::debug);
  EXPECT_NO_THROW(log.error("a", "1"));
}

TEST(Log, KnowsItsLevelsByName) {
  for (const LogLevel level : {LogLevel::error, LogLevel::warn, LogLevel::info, LogLevel::debug})
    EXPECT_EQ(parse_log_level(log_level_name(level)), level);
  for (const char* name : {"", "Error", "warning", "trace", "info "})
    EXPECT_FALSE(parse_log_level(name)) << name;
}

}  // namespace
}  // namespace okg::base
