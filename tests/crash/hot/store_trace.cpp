#include "crash/hot/store_trace.hpp"

#include <algorithm>
#include <cstring>
#include <stdexcept>

namespace okg::hot::test {
namespace {

// on_store is a plain function.
const Bytes* traced = nullptr;
std::vector<Store>* trace = nullptr;

void add(const void* at, const void* bytes, std::size_t size) {
  const auto* to = static_cast<const std::byte*>(at);
  if (to < traced->get() || to + size > traced->get() + traced->size())
    throw std::runtime_error("a store beside the file");
  Store store{static_cast<std::uint64_t>(to - traced->get()), std::vector<std::byte>(size)};
  if (bytes != nullptr) std::memcpy(store.bytes.data(), bytes, size);
  trace->push_back(std::move(store));
}

}  // namespace

std::vector<Store> trace_stores(const Bytes& memory, const std::function<void()>& body) {
  struct Tracing {
    ~Tracing() { faults::on_store = nullptr; }
  };
  std::vector<Store> stores;
  traced = &memory;
  trace = &stores;
  faults::on_store = add;
  {
    const Tracing tracing;
    body();
  }
  return stores;
}

bool takes_pages(const Header& header, const std::vector<Store>& stores) {
  return std::any_of(stores.begin(), stores.end(), [&](const Store& store) {
    return store.offset >= header.page_map_offset && store.offset < header.data_offset;
  });
}

}  // namespace okg::hot::test
