// What the adapter writes, and what it does where that is forbidden.
#include <utility>

#include "controller/kubernetes_adapter.hpp"
#include "controller/patch_json.hpp"
#include "kube/answer.hpp"

namespace okg::controller {
namespace {

using base::Code;
using base::Error;
using std::chrono::milliseconds;

// As many in a row are nothing unusual while the controller writes, too.
constexpr unsigned kQuickConflicts = 5;

}  // namespace

void KubernetesAdapter::send(Patch patch) {
  ++counts_.requests;
  transport_->send({"PATCH", path() + "/" + identity_.name + "?fieldManager=okg",
                    "application/merge-patch+json", base::dump(to_merge_patch(patch))},
                   times_.call, [this, id = patch.id](auto result) { have_patched(id, std::move(result)); });
}

void KubernetesAdapter::have_patched(PatchId id, base::Result<kube::Response> result) {
  const std::string what = "patch gameserver " + identity_.name;
  if (result && kube::is_success(*result)) {
    const auto object = gameserver_in(result->body);
    if (!object) return fail_later(id, Error(Code::io, what + ": the answer is no GameServer"), {});
    patch_backoff_.succeeded();
    may_patch_.granted();
    conflicts_ = 0;
    remember(*object);
    return sink_.patched(id, with_update_of(pod_, *object));
  }
  ++counts_.errors;
  Error error = result ? kube::error_of(*result, what) : result.error();
  // A token that ran out is replaced sooner or later, and a certificate, too: the wish stays.
  if (error.code == Code::denied && !(result && result->status == 403)) error.code = Code::io;
  switch (error.code) {
    case Code::denied:
      return forbidden(id, error);
    case Code::conflict:
      if (++conflicts_ > kQuickConflicts) return fail_later(id, std::move(error), {});
      break;
    case Code::busy:
    case Code::io:
    case Code::timeout:
    case Code::no_space:
    case Code::not_found:  // the watch would have told
      return fail_later(id, std::move(error), result ? result->retry_after : std::nullopt);
    default:
      break;
  }
  sink_.patched(id, std::move(error));
}

// Whoever hears of it reads, and patches again: after a pause.
void KubernetesAdapter::fail_later(PatchId id, Error error, std::optional<milliseconds> retry_after) {
  tell_failure();
  failure_.emplace(id, std::move(error));
  patch_alarm_.set(patch_backoff_.next(retry_after), [this] { tell_failure(); });
}

void KubernetesAdapter::tell_failure() {
  if (!failure_) return;
  auto [id, error] = *std::exchange(failure_, std::nullopt);
  const bool is_missing = error.code == Code::not_found;
  sink_.patched(id, std::move(error));
  if (is_missing) reread();  // nobody else does
}

// Is it the right to patch that is missing, or is it this patch that somebody (a webhook, a policy) does not
// want? A patch of nothing, which is not even carried out, tells.
void KubernetesAdapter::forbidden(PatchId id, const Error& error) {
  rehearse([this, id, error](const base::Result<kube::Response>& result) {
    if (!result || result->status != 403) return sink_.patched(id, error);
    if (!may_patch_.is_missing(os_.monotonic_ns(), times_.doubt))
      return fail_later(id, Error(Code::io, error.text), result->retry_after);
    if (may_not_patch_.empty()) log_.warn("controller", error.text);
    may_not_patch_ = error.text;
    rights_alarm_.set(times_.rights, [this] { try_rights(); });
    sink_.linked(Link::connecting, error.text);
    sink_.patched(id, Error(Code::io, error.text));  // the wish stays, until there is a way
  });
}

void KubernetesAdapter::rehearse(std::function<void(const base::Result<kube::Response>&)> done) {
  ++counts_.requests;
  transport_->send({"PATCH", path() + "/" + identity_.name + "?fieldManager=okg&dryRun=All",
                    "application/merge-patch+json", "{}"},
                   times_.call, std::move(done));
}

void KubernetesAdapter::try_rights() {
  rights_alarm_.set(times_.rights, [this] { try_rights(); });
  if (!linked_) return;  // first things first
  rehearse([this](const base::Result<kube::Response>& result) {
    if (!result || !kube::is_success(*result)) return;
    may_patch_.granted();
    rights_alarm_.cancel();
    may_not_patch_.clear();
    if (linked_) sink_.linked(Link::connected, "");
  });
}

}  // namespace okg::controller
