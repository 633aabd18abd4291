// The controller with rights to the Kubernetes API: our own GameServer is read once, then watched; patches
// carry the version they are based on.
//
// In peace this makes about a dozen requests an hour: the watch, which the server ends after some minutes.
// Where watching is forbidden, the object is read every 75 s.
#pragma once

#include <boost/asio/io_context.hpp>
#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "base/log.hpp"
#include "base/os.hpp"
#include "controller/adapter.hpp"
#include "controller/alarm.hpp"
#include "controller/object_reader.hpp"
#include "controller/podinfo.hpp"
#include "controller/right.hpp"
#include "kube/backoff.hpp"
#include "kube/transport.hpp"

namespace okg::controller {

struct KubernetesTimes {
  std::chrono::milliseconds call{10'000};      // a get or a patch, all of it
  std::chrono::milliseconds watch{400'000};    // how long the server is asked to keep a watch
  std::chrono::milliseconds silence{520'000};  // without a byte: bookmarks come every minute or so, if at all
  std::chrono::milliseconds unwatched{75'000};  // between reads where watching or reading is forbidden
  std::chrono::milliseconds rights{600'000};    // between tries of what was forbidden
  std::chrono::milliseconds doubt{30'000};  // for so long a right that was there is not believed to be gone
  std::chrono::milliseconds short_watch{5'000};  // one that ends sooner was refused, whatever was said
  std::chrono::milliseconds backoff_min{500}, backoff_max{30'000};
};

class KubernetesAdapter final : public Adapter {
 public:
  struct Identity {
    std::string name_space, name;  // of the GameServer, which are those of the pod
  };
  // `podinfo`: also there, it tells of an update what the GameServer does not; "" none.
  KubernetesAdapter(boost::asio::io_context& io, base::Os& os, std::unique_ptr<kube::Transport> transport,
                    Identity identity, const std::string& podinfo, base::Log log, KubernetesTimes times = {});
  ~KubernetesAdapter() override { stop(); }

  const char* name() const override { return "kubernetes"; }
  void start(AdapterSink sink) override;
  void send(Patch patch) override;
  void reread() override;
  void tick() override;
  void stop() override;
  AdapterCounts counts() const override { return counts_; }

  // Asked for by whoever can do without: rights are missing, to read or to patch. The link is `connecting`
  // then, and says which. They are tried again, and the link is `connected` when they are there.
  bool denied() const { return denied_ || !may_not_patch_.empty(); }

 private:
  std::string path() const;
  bool is_ours(const Object& object) const;
  std::optional<ObjectPtr> gameserver_in(const std::string& body) const;
  void read();
  void have_read(base::Result<kube::Response> result);
  void watch();
  void line(std::string_view text);
  void take_event(WatchEvent event);
  void nonsense(const std::string& text);
  bool has_lived();
  void watch_ended(const base::Error& error);
  void watch_refused(const base::Error& error);
  void too_old(std::optional<std::chrono::milliseconds> retry_after);
  void trouble(const base::Error& error, const std::optional<kube::Response>& response);
  void fine();
  void have_patched(PatchId id, base::Result<kube::Response> result);
  void fail_later(PatchId id, base::Error error, std::optional<std::chrono::milliseconds> retry_after);
  void tell_failure();
  void rehearse(std::function<void(const base::Result<kube::Response>&)> done);
  void forbidden(PatchId id, const base::Error& error);
  void try_rights();
  bool is_news(const std::string& version);
  bool remember(const ObjectPtr& object);
  void restored(const std::string& version);
  bool look_at_pod();
  void see(ObjectPtr object);
  void read_after(std::chrono::milliseconds time);
  void watch_after(std::chrono::milliseconds time);

  base::Os& os_;
  std::unique_ptr<kube::Transport> transport_;
  Identity identity_;
  std::optional<Podinfo> podinfo_;
  base::Log log_;
  KubernetesTimes times_;
  kube::Backoff backoff_;
  Alarm alarm_;  // for the next read or watch
  kube::Backoff patch_backoff_;
  Alarm patch_alarm_;
  std::optional<std::pair<PatchId, base::Error>> failure_;  // not told yet
  unsigned conflicts_ = 0;                                  // in a row
  AdapterSink sink_;
  ObjectPtr object_;     // as the API has it
  ObjectPtr pod_;        // as the volume has it
  std::string version_;  // to watch from; "" from whatever is there
  std::string newest_;   // the highest version that we were told of, also of one that is gone by now
  std::string known_;    // that, when we began to read
  std::int64_t watched_at_ = 0, may_watch_at_ = 0;
  bool watching_ = false;                  // asked for, or open
  bool opened_ = false;                    // the watch
  bool heard_ = false;                     // something came by it
  bool from_anything_ = false;             // it was asked for without a version
  bool anew_ = false;                      // and what is there is to be read once it is open
  std::optional<kube::Response> refused_;  // what the watch was answered with instead
  bool reading_ = false;
  std::string may_not_watch_;  // why; "" as far as we know we may
  bool linked_ = false;        // we read what is there
  bool denied_ = false;        // reading is forbidden
  std::string may_not_patch_;  // why; "" as far as we know we may
  Right may_read_, may_watch_, may_patch_;
  Alarm rights_alarm_;
  std::string trouble_;
  AdapterCounts counts_;
};

}  // namespace okg::controller
