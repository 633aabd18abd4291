#include "base/text.hpp"

#include <charconv>
#include <chrono>
#include <cstdio>
#include <limits>

#include "base/os.hpp"

namespace okg::base {
namespace {

constexpr char kHexDigits[] = "0123456789abcdef";

// Length of the UTF-8 sequence at `at`, or 0 if it is not one (overlong forms and surrogates are not).
std::size_t utf8_length(std::string_view text, std::size_t at) {
  const auto byte = [&](std::size_t i) -> unsigned {
    return at + i < text.size() ? static_cast<unsigned char>(text[at + i]) : 0U;
  };
  const auto tail = [&](std::size_t i) { return (byte(i) & 0xC0U) == 0x80U; };
  const unsigned lead = byte(0);
  if (lead < 0x80) return 1;
  if (lead >= 0xC2 && lead <= 0xDF) return tail(1) ? 2 : 0;
  if (lead >= 0xE0 && lead <= 0xEF) {
    if (!tail(1) || !tail(2)) return 0;
    if (lead == 0xE0 && byte(1) < 0xA0) return 0;
    if (lead == 0xED && byte(1) >= 0xA0) return 0;
    return 3;
  }
  if (lead >= 0xF0 && lead <= 0xF4) {
    if (!tail(1) || !tail(2) || !tail(3)) return 0;
    if (lead == 0xF0 && byte(1) < 0x90) return 0;
    if (lead == 0xF4 && byte(1) >= 0x90) return 0;
    return 4;
  }
  return 0;
}

std::string escaped(std::string_view text, std::size_t limit) {
  std::string out;
  for (std::size_t at = 0; at < text.size();) {
    if (out.size() >= limit) return out + "...";
    const std::size_t length = utf8_length(text, at);
    const auto byte = static_cast<unsigned char>(text[at]);
    if (length == 0 || byte < 0x20 || byte == 0x7F) {
      out += "\\x";
      out += kHexDigits[byte >> 4];
      out += kHexDigits[byte & 15];
      ++at;
    } else {
      out.append(text, at, length);
      at += length;
    }
  }
  return out;
}

struct Unit {
  std::string_view name;
  std::uint64_t factor;
};

// <number><unit>; `empty_unit` is the factor of a bare number, 0 where one is not allowed (except 0 itself).
template <std::size_t N>
Result<std::uint64_t> parse_with_unit(std::string_view text, const Unit (&units)[N], std::uint64_t empty_unit,
                                      const char* example) {
  const auto bad = [&] { return Error(Code::invalid_argument, quote(text) + ": write it like " + example); };
  std::uint64_t number = 0;
  const auto [rest, failed] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (failed != std::errc{} || rest == text.data()) return bad();
  const std::string_view unit(rest, static_cast<std::size_t>(text.data() + text.size() - rest));
  std::uint64_t factor = 0;
  if (unit.empty()) {
    if (empty_unit == 0 && number != 0) return bad();
    factor = empty_unit == 0 ? 1 : empty_unit;
  }
  for (const Unit& known : units)
    if (unit == known.name) factor = known.factor;
  if (factor == 0) return bad();
  if (number > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max()) / factor) return bad();
  return number * factor;
}

std::string format_decimal(double value, const char* unit) {
  char text[48];
  std::snprintf(text, sizeof text, value < 10 ? "%.2f %s" : value < 100 ? "%.1f %s" : "%.0f %s", value, unit);
  return text;
}

}  // namespace

std::string quote(std::string_view text) {
  return "\"" + escaped(text, 200) + "\"";
}
std::string one_line(std::string_view text, std::size_t limit) {
  return escaped(text, limit);
}

std::string to_hex(const std::uint8_t* data, std::size_t size) {
  std::string out(size * 2, '0');
  for (std::size_t i = 0; i < size; ++i) {
    out[2 * i] = kHexDigits[data[i] >> 4];
    out[2 * i + 1] = kHexDigits[data[i] & 15];
  }
  return out;
}

std::string random_hex(Os& os) {
  std::uint8_t bytes[8];
  if (os.random(bytes, sizeof bytes) < 0) {
    // Uniqueness is wanted, not secrecy: names made from this are opened with O_EXCL.
    const auto now = static_cast<std::uint64_t>(os.monotonic_ns());
    for (unsigned i = 0; i < 8; ++i) bytes[i] = static_cast<std::uint8_t>(now >> (8 * i));
  }
  return to_hex(bytes, sizeof bytes);
}

std::string make_uuid(Os& os) {
  std::string hex = random_hex(os) + random_hex(os);
  hex[12] = '4';
  hex[16] = "89ab"[static_cast<unsigned char>(hex[16]) % 4];
  return hex.substr(0, 8) + "-" + hex.substr(8, 4) + "-" + hex.substr(12, 4) + "-" + hex.substr(16, 4) + "-" +
         hex.substr(20);
}

Result<std::uint64_t> parse_number(std::string_view text, std::uint64_t most) {
  std::uint64_t number = 0;
  const auto [rest, failed] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (failed != std::errc{} || rest != text.data() + text.size() || text.empty() || number > most)
    return Error(Code::invalid_argument, quote(text) + ": not a number from 0 to " + std::to_string(most));
  return number;
}

Result<std::chrono::milliseconds> parse_duration(std::string_view text) {
  static constexpr Unit kUnits[] = {{"ms", 1}, {"s", 1000}, {"m", 60'000}, {"h", 3'600'000}};
  auto parsed = parse_with_unit(text, kUnits, 0, "250ms, 30s or 2m");
  if (!parsed) return parsed.error();
  // Larger spans would overflow once they are nanoseconds added to a clock.
  constexpr std::uint64_t kHundredYears = 100ULL * 365 * 24 * 3'600'000;
  if (*parsed > kHundredYears)
    return Error(Code::invalid_argument, quote(text) + ": longer than a hundred years");
  return std::chrono::milliseconds(static_cast<std::int64_t>(*parsed));
}

Result<std::uint64_t> parse_size(std::string_view text) {
  static constexpr Unit kUnits[] = {{"Ki", 1ULL << 10},  {"Mi", 1ULL << 20}, {"Gi", 1ULL << 30},
                                    {"Ti", 1ULL << 40},  {"k", 1000},        {"M", 1'000'000},
                                    {"G", 1'000'000'000}};
  return parse_with_unit(text, kUnits, 1, "900Mi or 1Gi");
}

std::string format_size(std::uint64_t bytes) {
  if (bytes < 1024) return std::to_string(bytes) + " B";
  double value = static_cast<double>(bytes);
  const char* unit = "B";
  for (const char* next : {"KiB", "MiB", "GiB", "TiB"}) {
    if (value < 1024) break;
    value /= 1024;
    unit = next;
  }
  return format_decimal(value, unit);
}

std::string format_duration(std::chrono::nanoseconds duration) {
  const auto ns = static_cast<double>(duration.count());
  if (ns < 1e3) return std::to_string(duration.count()) + " ns";
  if (ns < 1e6) return format_decimal(ns / 1e3, "us");
  if (ns < 1e9) return format_decimal(ns / 1e6, "ms");
  return format_decimal(ns / 1e9, "s");
}

std::string format_time(std::int64_t realtime_ns) {
  // Not by gmtime_r(), which reads /etc/localtime the first time.
  const std::chrono::sys_seconds time{
      std::chrono::floor<std::chrono::seconds>(std::chrono::nanoseconds(realtime_ns))};
  const auto day = std::chrono::floor<std::chrono::days>(time);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss clock(time - day);
  char text[64];
  std::snprintf(text, sizeof text, "%04d-%02u-%02uT%02d:%02d:%02dZ", static_cast<int>(date.year()),
                static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                static_cast<int>(clock.hours().count()), static_cast<int>(clock.minutes().count()),
                static_cast<int>(clock.seconds().count()));
  return text;
}

bool is_utf8(std::string_view text) {
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t length = utf8_length(text, at);
    if (length == 0) return false;
    at += length;
  }
  return true;
}

}  // namespace okg::base
