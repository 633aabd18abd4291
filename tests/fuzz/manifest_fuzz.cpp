// Hostile bytes as manifest.json. What is accepted is written in a form that is accepted again and means the
// same, and has an order in which its components can be taken into use.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "payload/manifest.hpp"
#include "payload/path.hpp"
#include "payload/requirement.hpp"

namespace {

void demand(bool so) {
  if (!so) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto manifest = okg::payload::Manifest::parse(text);
  if (!manifest) {
    const std::string& said = manifest.error().text;
    demand(!said.empty() && said.find('\n') == std::string::npos);
    return 0;
  }
  demand(okg::payload::check_version(manifest->version).has_value());
  if (manifest->requires_server)
    (void)okg::payload::require_server(*manifest->requires_server, manifest->version);

  const auto order = okg::payload::component_order(manifest->components);
  demand(order.has_value() && order->size() == manifest->components.size());
  for (const auto& [name, component] : manifest->components) {
    demand(okg::payload::check_component_name(name).has_value());
    const auto own = std::find(order->begin(), order->end(), name);
    for (const auto& before : component.after) demand(std::find(order->begin(), own, before) != own);
  }

  const std::string written = manifest->text();
  const auto again = okg::payload::Manifest::parse(written);
  demand(again.has_value() && again->text() == written);
  return 0;
}
