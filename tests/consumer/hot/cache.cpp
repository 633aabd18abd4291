// Counts its starts in hot state: cache DIRECTORY. Ends with that number.
#include <cstdint>
#include <cstdio>
#include <okg/hot_state.hpp>

struct Starts {
  std::uint32_t count;
};

int main(int argc, char** argv) {
  if (argc < 2) return 99;
  auto hot = okg::HotState::open("cache", {.directory = argv[1], .max_bytes = 2 << 20});
  if (!hot) return std::fprintf(stderr, "%s\n", hot.error().text.c_str()), 98;
  auto table = hot->table<std::uint64_t, Starts>("starts");
  if (!table) return std::fprintf(stderr, "%s\n", table.error().text.c_str()), 97;
  Starts starts = table->get(1).value_or(Starts{0});
  ++starts.count;
  if (const auto put = table->put(1, starts); !put) return 96;
  return static_cast<int>(starts.count);
}
