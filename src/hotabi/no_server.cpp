// okg::hot is the hot state alone: nobody can have a server.
#include "hotabi/home.hpp"

namespace okg::abi {

Home home_of(const okg_server&) {
  return {};
}

}  // namespace okg::abi
