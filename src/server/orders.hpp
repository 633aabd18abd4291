// Orders that operators leave as annotations of the GameServer: gs-sync/okg-reload and gs-sync/okg-rollback,
// each
// "<digest>#<nonce>". An annotation stays where it is, so what has been carried out is remembered in the run
// directory: a server that is started again does not do it once more.
#pragma once

#include <string>

#include "base/error.hpp"
#include "base/os.hpp"
#include "controller/conversation.hpp"

namespace okg::server {

inline constexpr char kOrdersFile[] = "orders.json";

class Orders {
 public:
  Orders(base::Os& os, int run_directory);

  // False: it has been carried out already. What cannot be remembered is not carried out: it would be, again
  // and again.
  base::Result<bool> begin(const controller::say::Ask& ask);

 private:
  base::Os& os_;
  int run_;
  std::string reload_, rollback_;
};

}  // namespace okg::server
