#include "hot/migration.hpp"

#include <algorithm>

namespace okg::hot {

using base::Code;
using base::Error;
using base::Result;
using base::Status;

namespace {

const Migration* find(const std::vector<Migration>& migrations, std::uint64_t from) {
  const auto found = std::ranges::find(migrations, from, &Migration::from);
  return found == migrations.end() ? nullptr : &*found;
}

}  // namespace

Status order_migrations(std::vector<Migration>& migrations, std::uint64_t version) {
  std::ranges::sort(migrations, {}, &Migration::from);
  for (std::size_t i = 0; i < migrations.size(); ++i)
    if (migrations[i].from == 0 || migrations[i].from + migrations.size() - i != version || !migrations[i].up)
      return Error(Code::invalid_argument,
                   "migrations lead from version to version, without a gap, to " + std::to_string(version));
  return {};
}

bool leads_from(const std::vector<Migration>& migrations, std::uint64_t version) {
  return find(migrations, version) != nullptr;
}

Result<std::string> convert(const std::vector<Migration>& migrations, std::string_view value,
                            std::uint64_t from, std::uint64_t to) {
  std::string converted(value);
  while (from != to) {
    const bool is_up = from < to;
    const Migration* const one = find(migrations, is_up ? from : from - 1);
    if (one == nullptr || (!is_up && !one->down))
      return Error(Code::schema_mismatch,
                   "no migration leads from schema " + std::to_string(from) + " to " + std::to_string(to));
    auto next = is_up ? one->up(converted) : one->down(converted);
    if (!next) return next.error();
    converted = *std::move(next);
    from = is_up ? from + 1 : from - 1;
  }
  return converted;
}

}  // namespace okg::hot
