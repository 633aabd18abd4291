#include "hot/headroom.hpp"

#include <fcntl.h>

#include <algorithm>
#include <string_view>

#include "base/files.hpp"
#include "base/text.hpp"

namespace okg::hot {
namespace {

constexpr std::size_t kMostText = 64 * 1024;
// cgroup v1 writes no limit as the largest multiple of a page.
constexpr std::uint64_t kNoLimit = 1ULL << 60;

std::optional<std::string> read(base::Os& os, int directory, std::string_view name) {
  const auto text = base::read_small_file(os, directory, name, kMostText, name);
  return text ? std::optional(*text) : std::nullopt;
}

std::optional<std::uint64_t> number(std::optional<std::string> text) {
  if (!text) return std::nullopt;
  while (!text->empty() && text->back() == '\n') text->pop_back();
  const auto parsed = base::parse_number(*text, UINT64_MAX);  // "max" is none
  return parsed ? std::optional(*parsed) : std::nullopt;
}

// "name 123" among the lines of memory.stat; 0 when it is not there.
std::uint64_t counted(const std::optional<std::string>& text, std::string_view name) {
  if (!text) return 0;
  std::string_view rest = *text;
  while (!rest.empty()) {
    const std::size_t end = std::min(rest.find('\n'), rest.size());
    const std::string_view line = rest.substr(0, end);
    if (line.starts_with(name) && line.size() > name.size() && line[name.size()] == ' ') {
      const auto parsed = base::parse_number(line.substr(name.size() + 1), UINT64_MAX);
      return parsed ? *parsed : 0;
    }
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  return 0;
}

std::optional<std::uint64_t> left(std::optional<std::uint64_t> limit, std::optional<std::uint64_t> used,
                                  std::uint64_t droppable) {
  if (!limit || !used || *limit >= kNoLimit) return std::nullopt;
  const std::uint64_t kept = *used - std::min(*used, droppable);
  return *limit - std::min(*limit, kept);
}

}  // namespace

std::optional<std::uint64_t> headroom(base::Os& os, const std::string& root) {
  const int fd = os.open(AT_FDCWD, root.c_str(), O_RDONLY | O_DIRECTORY);
  if (fd < 0) return std::nullopt;
  const base::UniqueFd owner(fd);
  const auto v2 = left(number(read(os, fd, "memory.max")), number(read(os, fd, "memory.current")),
                       counted(read(os, fd, "memory.stat"), "inactive_file"));
  if (v2) return v2;
  return left(number(read(os, fd, "memory/memory.limit_in_bytes")),
              number(read(os, fd, "memory/memory.usage_in_bytes")),
              counted(read(os, fd, "memory/memory.stat"), "total_inactive_file"));
}

}  // namespace okg::hot
