// All that is said between a game server and its controller, whichever it is: a pure state machine. What the
// adapter sees goes in, what the game wants goes in; patches, and what the game is to hear, come out.
#pragma once

#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "controller/handshake.hpp"
#include "controller/object.hpp"
#include "controller/writer.hpp"

namespace okg::controller {

enum class Link {
  off,         // there is no controller
  connecting,  // not reached yet, or lost; `why` tells
  connected,
  limited  // what comes and goes does so without the rights to the API: opsState and the answer to an update
           // only
};

namespace say {
struct Send {
  Patch patch;
};
struct Reread {};
struct Finished {
  Ticket ticket = 0;
  std::optional<base::Error> error;
};
// The GameServer as the game is to see it.
struct View {
  ObjectPtr object;
};
struct Tell {
  Notice notice;
};
// An operator asks, by annotation. `to` is a digest, or "last_good" for a rollback.
struct Ask {
  bool rollback = false;
  std::string to, nonce;
};
}  // namespace say
using Saying = std::variant<say::Send, say::Reread, say::Finished, say::View, say::Tell, say::Ask>;
using Sayings = std::vector<Saying>;

struct ConversationOptions {
  std::string pod_uid;  // "" not known
  HandshakeOptions handshake;
};

class Conversation {
 public:
  explicit Conversation(ConversationOptions options)
      : options_(std::move(options)), handshake_(options_.handshake) {}

  using Clock = Handshake::Clock;

  // From the adapter. null: there is no such object.
  Sayings seen(ObjectPtr object, Clock clock);
  Sayings patched(PatchId id, const base::Result<ObjectPtr>& result, Clock clock);
  Sayings linked(Link link, Clock clock);

  // From the game.
  Sayings set(Wish wish, Clock clock);
  bool allow(std::uint64_t notice, Clock clock, Sayings* sayings);
  void asks_before_updates(bool somebody) { handshake_.asks(somebody); }

  Sayings tick(Clock clock);
  Sayings stop(const base::Error& error);
  std::optional<Nanoseconds> next_deadline() const;

  Link link() const { return link_; }
  const ObjectPtr& view() const { return view_; }
  const std::optional<Notice>& notice() const { return handshake_.notice(); }
  bool allowed() const { return handshake_.allowed(); }

 private:
  void add(WriterActions actions, Sayings& sayings);
  void add(HandshakeActions actions, Sayings& sayings);
  void look(Clock clock, Sayings& sayings);
  void show(Sayings& sayings);
  void look_for_orders(const Object& object, Sayings& sayings);

  ConversationOptions options_;
  Writer writer_;
  Handshake handshake_;
  Link link_ = Link::connecting;
  ObjectPtr view_, shown_;                   // what the game sees, and the object that it was made of
  std::string last_reload_, last_rollback_;  // orders that were handed on
};

}  // namespace okg::controller
