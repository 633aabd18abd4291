#include "hot/faults.hpp"

#ifdef OKG_HOT_TESTING
namespace okg::hot::faults {
void (*on_store)(const void*, const void*, std::size_t) = nullptr;
Mutant mutant = Mutant::none;
}  // namespace okg::hot::faults
#endif
