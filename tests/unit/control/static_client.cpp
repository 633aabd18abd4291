// Linked with -static and warnings as errors: proves that the client needs no name service at run time. Exits
// with 0 when asking a socket that is not there, and a name, fail the way they should.
#include <chrono>

#include "control/client.hpp"

int main() {
  using okg::base::Code;
  const auto socket = okg::control::ask_socket("/nonexistent", {}, std::chrono::seconds(1));
  const auto url = okg::control::ask_url("http://example.com/", {}, std::chrono::seconds(1));
  const bool right =
      !socket && socket.error().code == Code::not_found && !url && url.error().code == Code::invalid_argument;
  return right ? 0 : 1;
}
