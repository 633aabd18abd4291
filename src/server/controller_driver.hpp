// Carries the conversation with the controller: what the adapter sees and what the game wants goes into the
// state machine, what comes out goes to the adapter, on the io thread, and to the game, on the polling
// thread. One mutex guards it; no user code runs under it.
#pragma once

#include <boost/asio/io_context.hpp>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "base/json.hpp"
#include "base/log.hpp"
#include "base/os.hpp"
#include "control/backend.hpp"
#include "controller/adapter.hpp"
#include "controller/conversation.hpp"
#include "server/controller_options.hpp"
#include "server/poll_signal.hpp"

namespace okg::server {

// What the game can hear of.
enum class Topic { ops_state, network, update, kill, change, connection };

struct ControllerEvent {
  Topic topic;
  controller::ObjectPtr object;  // as it is now; null before the first
  std::string value, before;     // ops_state: what it is, and what the game thought it was. kill: why
  controller::Notice notice;     // update
  controller::Link link = controller::Link::off;  // connection
};

// Polling thread. What `call` lets out is its own affair: it does not throw.
struct Listener {
  Topic topic;
  std::function<void(const ControllerEvent&)> call;
  bool retired = false;
};
using ListenerPtr = std::shared_ptr<Listener>;

// The end of a write, on the polling thread.
using WrittenFn = std::function<void(const std::optional<base::Error>&)>;

struct WriteOptions {
  std::int64_t timeout_ns = 0;  // 0: ten seconds
  std::optional<controller::Value> expect;
  WrittenFn done;  // null: nobody waits
};

class ControllerDriver {
 public:
  struct Options {
    ControllerOptions controller;
    int run_directory = -1;
    std::string run_path, server_name;
    base::Log log;
  };
  // io thread, without the mutex.
  struct Hooks {
    std::function<void(const controller::say::Ask&)> ask;
    std::function<void(const controller::Object&)> seen;  // of each version of our GameServer
  };
  ControllerDriver(base::Os& os, Options options, PollSignal& signal, Hooks hooks);
  ~ControllerDriver();

  // --- Polling thread ---
  void add(ListenerPtr listener);
  void remove(const ListenerPtr& listener);
  // Tells what there is to tell, until `budget_ns` (0: no bound) is used up; at least one thing. The number
  // of callbacks.
  int run(std::int64_t budget_ns);
  // Ends every write that is waited for, here.
  void finish();

  // --- Any thread ---
  // The value has to be valid already.
  base::Status set(const controller::Field& field, controller::Value value, WriteOptions options);
  // Somebody at the endpoint wants it, and has looked at what is there now: the game is told of it as of
  // anybody else's. The number under which json() tells the end. unsupported: there is no controller; busy:
  // it has not been heard yet.
  base::Result<std::uint64_t> order(const controller::Field& field, controller::Value value);
  // Nobody else's business, and written again when somebody changes it: what okg reports.
  void report(const controller::Field& field, controller::Value value);
  base::Status allow(std::uint64_t notice);
  controller::ObjectPtr view();
  controller::Link link(std::string* why);
  base::OrderedJson json();  // for the status
  void describe(control::Metrics& metrics);
  const ControllerOptions& options() const { return options_.controller; }

  // --- io thread ---
  void start(boost::asio::io_context& io, std::function<void()> rearm);
  void tick();
  void interval();
  std::optional<std::int64_t> next_deadline();
  // Idempotent; also for a driver that was never started.
  void stop();

 private:
  struct Waiting {
    controller::Field field;
    WrittenFn done;
    bool has_expect = false;
  };
  struct Order {
    controller::Ticket ticket = 0;
    controller::Field field;
    controller::Value value;
    bool ended = false;
    std::optional<base::Error> error;
  };
  struct Done {
    WrittenFn call;
    std::optional<base::Error> error;
  };

  controller::Conversation::Clock clock();
  std::unique_ptr<controller::Adapter> make_adapter(boost::asio::io_context& io);
  void take(controller::Sayings sayings);  // mutex held
  void end_order(const controller::say::Finished& end);
  void flush();  // io thread: what the adapter is to do
  void flush_soon();
  void linked(controller::Link link, std::string why);
  bool tell_next(int* calls);
  bool compare(const controller::ObjectPtr& view, std::vector<ControllerEvent>* events);
  void call(const ControllerEvent& event, int* calls);

  base::Os& os_;
  Options options_;
  PollSignal& signal_;
  Hooks hooks_;
  boost::asio::io_context* io_ = nullptr;
  std::function<void()> rearm_;
  std::unique_ptr<controller::Adapter> adapter_;  // io thread

  std::mutex mutex_;
  controller::Conversation conversation_;
  std::vector<controller::Patch> to_send_;
  bool to_reread_ = false;
  bool flushing_ = false;
  bool stopped_ = false;
  std::vector<controller::say::Ask> asked_;
  std::string why_;
  controller::AdapterCounts counts_;
  const char* adapter_name_ = "off";
  controller::Ticket last_ticket_ = 0;
  std::map<controller::Ticket, Waiting> waiting_;
  std::deque<Order> orders_;                                // the newest
  std::map<controller::Field, controller::Ticket> newest_;  // of a field that is being written
  std::map<controller::Field, controller::Value>
      believed_;  // what the game has set and not seen otherwise since
  // For the polling thread.
  std::deque<Done> done_;
  std::deque<controller::Notice> notices_;
  std::deque<controller::Link> links_;
  bool view_is_new_ = false;
  controller::ObjectPtr delivered_;  // what the game has been told of

  // The polling thread's.
  std::vector<ListenerPtr> listeners_;
};

}  // namespace okg::server
