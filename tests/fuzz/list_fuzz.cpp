// Hostile bytes as files.list. What is accepted is written back as it came, in order, within the volume.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "payload/list.hpp"
#include "payload/path.hpp"

namespace {

void demand(bool so) {
  if (!so) std::abort();
}

bool one_line(std::string_view text) {
  return !text.empty() && text.find('\n') == std::string_view::npos;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto list = okg::payload::FileList::parse(text);
  if (!list) {
    demand(one_line(list.error().text));
    return 0;
  }
  demand(list->text() == text);
  std::uint64_t bytes = 0;
  const okg::payload::ListEntry* last = nullptr;
  for (const auto& entry : list->entries()) {
    demand(okg::payload::check_path(entry.path).has_value());
    demand(entry.path.front() != '/' && ("/" + entry.path + "/").find("/../") == std::string::npos);
    demand(last == nullptr || last->path < entry.path);
    demand(list->find(entry.path) == &entry);
    bytes += entry.size;
    last = &entry;
  }
  demand(list->bytes() == bytes);
  return 0;
}
