#include "hotabi/home.hpp"

#include "abi/handles.hpp"

namespace okg::abi {

Home home_of(const okg_server& server) {
  return {server.game_server->hot_directory(), [states = server.game_server->hot_states()](Say say) {
            return states->add([say = std::move(say)] {
              Said said = say();
              return server::HotStates::Said{std::move(said.json), said.commits};
            });
          }};
}

}  // namespace okg::abi
