// What is answered to a request: docs/interface.md, section 6. No sockets: a request comes in, an answer goes
// out, or the wish to wait until a digest has an outcome.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <variant>

#include "base/log.hpp"
#include "base/os.hpp"
#include "control/backend.hpp"
#include "control/limits.hpp"
#include "control/message.hpp"
#include "control/metrics.hpp"

namespace okg::control {

struct Waiting {
  enum class For { status, order, legacy } what = For::status;
  std::string route;
  std::optional<payload::Digest> digest;  // none with legacy: what is desired may change meanwhile
  std::chrono::milliseconds at_most{0};
};

using Answer = std::variant<Reply, Waiting>;

class Router {
 public:
  struct Options {
    std::string legacy_reload, token_file;
    std::chrono::milliseconds legacy_wait{25'000};
  };
  Router(Backend& backend, Options options, base::Os& os, base::Log log);

  // Backend::look_now() is to be called before answer(), so that what was published earlier is known.
  bool wants_look(const Incoming& request) const;
  PeerTable::Kind kind(const Incoming& request) const;

  Answer answer(const Incoming& request, Transport transport);
  // Something may have changed, or the time is up (`last`): then there always is a reply.
  std::optional<Reply> look_again(const Waiting& waiting, bool last);

  // A refusal in the form its route has: on the legacy route the body stays empty, since scripts take body
  // and code together for a number.
  Reply refuse(const Incoming& request, int status, std::string_view code, std::string_view text) const;

  void count(const Reply& reply) { ++counts_[{reply.route, reply.status}]; }

 private:
  std::string route_of(const Incoming& request, Transport transport) const;
  Answer answer_status(const Incoming& request);
  Answer answer_order(const Incoming& request, const std::string& route);
  Reply answer_write(const Incoming& request);
  Answer answer_legacy(const Incoming& request, Transport transport);
  Reply status_reply(const Outcome& outcome);
  Reply order_reply(const std::string& route, const Outcome& outcome);
  Reply plain(const std::string& route, int status) const;

  Backend& backend_;
  const Options options_;
  base::Os& os_;
  const base::Log log_;
  RequestCounts counts_;
  std::string token_trouble_;  // said last: not again until it changes
};

}  // namespace okg::control
