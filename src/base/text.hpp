// Small text helpers: quoting for messages, numbers, durations and sizes as flags and environment spell them.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/error.hpp"

namespace okg::base {

class Os;

// For one-line messages: in quotes, control characters and invalid UTF-8 escaped, shortened to about 200
// bytes.
std::string quote(std::string_view text);
// The same without quotes, for texts of handlers that go into status and logs (up to `limit` bytes).
std::string one_line(std::string_view text, std::size_t limit = 1000);

std::string to_hex(const std::uint8_t* data, std::size_t size);
std::string random_hex(Os& os);  // 16 digits
std::string make_uuid(Os& os);   // version 4

Result<std::uint64_t> parse_number(std::string_view text, std::uint64_t most);
// "250ms" "30s" "2m" "1h"; a bare "0" is nothing.
Result<std::chrono::milliseconds> parse_duration(std::string_view text);
// "900Mi" "1Gi" "64Ki" "5M" or plain bytes.
Result<std::uint64_t> parse_size(std::string_view text);
std::string format_size(std::uint64_t bytes);                    // "1.5 MiB"
std::string format_duration(std::chrono::nanoseconds duration);  // "41 us" "11.0 ms" "2.50 s"
std::string format_time(std::int64_t realtime_ns);               // "2026-11-22T13:00:00Z"

bool is_utf8(std::string_view text);

}  // namespace okg::base
