// What is to be written to the GameServer, and what became of it: a pure state machine, without I/O or a
// clock.
//
// Every patch carries the resourceVersion it is based on. A field that somebody else changed meanwhile is
// left alone: the wish ends as a conflict, and the game hears of the other value. Only what the controller
// provably took back with a copy older than our write (docs/controller-protocol.md) is written again, a
// bounded number of times.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/error.hpp"
#include "controller/object.hpp"

namespace okg::controller {

using Nanoseconds = std::int64_t;  // of CLOCK_MONOTONIC
using Ticket = std::uint64_t;      // who waits for the end of a wish; 0: nobody
using PatchId = std::uint64_t;

struct Patch {
  PatchId id = 0;
  std::string resource_version;  // it is based on; "" where the source has none
  std::map<Field, Value> fields;
};

struct Wish {
  Field field;
  Value value;
  std::optional<Value> expect;  // write only over this
  // Values the decision may have been based on. None and no `expect`: only what was never set is overwritten.
  std::vector<Value> known;
  bool ours =
      false;  // nobody else has a say: written over anything, and again when it changes or was refused
  // It answers the object as it is now: whoever wants it looks at each version and says so again, or takes it
  // back. Written once and forgotten.
  bool passing = false;
  Ticket ticket = 0;
  Nanoseconds deadline = 0;  // 0: none. It ends the waiting; the wish stays, unless it has an `expect`
};

namespace writer_action {
struct Send {
  Patch patch;  // answered with patched(), exactly once
};
struct Reread {};  // the object is needed as it is now: answered with seen()
struct Finished {
  Ticket ticket;
  std::optional<base::Error> error;
};
}  // namespace writer_action
using WriterAction = std::variant<writer_action::Send, writer_action::Reread, writer_action::Finished>;
using WriterActions = std::vector<WriterAction>;

class Writer {
 public:
  WriterActions set(Wish wish, Nanoseconds now);
  // The object as somebody told of it; null: there is none now.
  WriterActions seen(ObjectPtr object, Nanoseconds now);
  WriterActions patched(PatchId id, const base::Result<ObjectPtr>& result, Nanoseconds now);
  WriterActions connected(bool is_connected, Nanoseconds now);
  // There are other rights now: what was refused is tried at once.
  void forget_refusals();

  // The same without sending anything yet, for who has something to say to it first; then go().
  WriterActions put(Wish wish);
  void take(ObjectPtr object, Nanoseconds now);
  WriterActions take_answer(PatchId id, const base::Result<ObjectPtr>& result, Nanoseconds now);
  // A passing wish is taken back, unless it is on its way.
  void drop(const Field& field);
  WriterActions go(Nanoseconds now);

  WriterActions tick(Nanoseconds now);
  // Ends everything that is waited for, with `error`.
  WriterActions stop(const base::Error& error);

  std::optional<Nanoseconds> next_deadline() const;
  const ObjectPtr& object() const { return object_; }
  // What the field holds once it is as we last left it: not the value that is being written over again.
  Value effective(const Field& field) const;
  // Is it on its way already?
  bool is_wanted(const Field& field, const Value& value) const;

 private:
  enum class Phase { waiting, held };
  struct Entry {
    Wish wish;
    Phase phase = Phase::waiting;
    std::uint64_t serial = 0;
    // What we last wrote, and it arrived; what that replaced; and that again, once the controller took ours
    // back.
    std::optional<Value> own, replaced, taken_back;
    std::optional<Value>
        lost;  // a patch got no answer: it may have arrived, and this is what it would have replaced
    Nanoseconds written_at = 0;
    unsigned written_again = 0, refused = 0;
    Nanoseconds not_before = 0;
  };
  struct Sent {
    Wish wish;
    std::uint64_t serial = 0;
    Value previous;
  };
  enum class May { write, nothing_to_do, conflict };

  May may(const Entry& entry, const Value& current) const;
  void look(bool is_another, Nanoseconds now);
  bool stays(Entry& entry, const Value& current, bool is_another, Nanoseconds now);
  bool is_taken_back(const Entry& entry, const Value& current) const;
  void arrived(const Sent& sent, bool is_gone, Nanoseconds now, WriterActions& actions);
  void forget_answer(Nanoseconds now);
  void failed(WriterActions& actions);
  void refused(const base::Error& error, Nanoseconds now, WriterActions& actions);
  void write_again(Entry& entry, Nanoseconds now);
  bool may_send(Nanoseconds now);
  bool is_on_its_way(const Field& field, const Entry& entry) const;

  std::map<Field, Entry> entries_;
  std::optional<PatchId> in_flight_;
  std::map<Field, Sent> sent_;
  ObjectPtr object_;
  std::string uid_, newest_;  // and version, of the last there was
  bool connected_ = false;
  bool stale_ = false;                     // object_ is known not to be the newest
  bool singly_ = false;                    // a patch of several fields was refused: which one is it?
  unsigned conflicts_ = 0, failures_ = 0;  // one after another
  std::uint64_t last_serial_ = 0;
  PatchId last_id_ = 0;
  double tokens_ = 10;  // of the bucket that bounds how often we write
  Nanoseconds refilled_at_ = 0;
  Nanoseconds pause_until_ = 0;
};

}  // namespace okg::controller
