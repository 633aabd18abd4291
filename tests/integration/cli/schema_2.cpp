// The next version of schema_1.cpp: Player has one more member, Monster is gone, Item has come, and Chest has
// changed without a new version.
#include "okg/hot_value.hpp"

struct Player {
  std::uint32_t hp;
  char name[16];
  std::uint64_t score;
};
struct Item {
  std::uint8_t kind;
};
struct Chest {
  std::int32_t gold;
};
OKG_HOT_SCHEMA(Player, 2, hp, name, score)
OKG_HOT_SCHEMA(Item, 1, kind)
OKG_HOT_SCHEMA(Chest, 5, gold)

int main() {
  return 0;
}
