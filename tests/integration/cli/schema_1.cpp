// A program of which `okg hot schema-diff` is asked how it differs from schema_2.cpp.
#include "okg/hot_value.hpp"

struct Player {
  std::uint32_t hp;
  char name[16];
};
struct Monster {
  std::uint16_t kind;
};
struct Chest {
  std::uint32_t gold;
};
OKG_HOT_SCHEMA(Player, 1, hp, name)
OKG_HOT_SCHEMA(Monster, 1, kind)
OKG_HOT_SCHEMA(Chest, 5, gold)

int main() {
  return 0;
}
