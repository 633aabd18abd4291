#include "controller/downward_adapter.hpp"

#include <boost/asio/post.hpp>
#include <utility>

namespace okg::controller {
namespace {

using base::Code;
using base::Error;

// Probe period, two controllers, and the kubelet, which looks at a volume every minute at the least.
constexpr Nanoseconds kPatience = 90'000'000'000;

}  // namespace

DownwardAdapter::DownwardAdapter(boost::asio::io_context& io, base::Os& os, std::string podinfo_directory,
                                 int run_directory, HandshakeOptions hooks, base::Log log)
    : io_(io),
      os_(os),
      podinfo_(os, std::move(podinfo_directory)),
      run_(run_directory),
      hooks_(std::move(hooks)),
      log_(log) {}

void DownwardAdapter::start(AdapterSink sink) {
  sink_ = std::move(sink);
  if (run_ >= 0) {
    if (const auto token = read_ops_token(os_, run_); token)
      said_ = *token;  // what the process before us said still stands
    else
      log_.warn("controller", token.error().text);
    state_ = said_.state;
    if (const auto written = write_ops_token(os_, run_, said_); !written)
      log_.warn("controller", written.error().text);
  }
  later([this] { tick(); });
}

void DownwardAdapter::later(std::function<void()> call) {
  boost::asio::post(io_, [alive = alive_, call = std::move(call)] {
    if (*alive) call();
  });
}

void DownwardAdapter::tick() {
  const auto found = podinfo_.look();
  if (!found) {
    trouble(found.error().text);
  } else {
    if (*found) {
      object_ = *found;
      follow(*object_);
      sink_.seen(object_);
    }
    trouble_.clear();
    if (object_ && !std::exchange(linked_, true)) sink_.linked(Link::limited, "");
  }
  if (!pending_) return;
  bool is_so = object_ != nullptr;
  for (const auto& [field, value] : pending_->fields) is_so = is_so && object_->get(field) == value;
  if (!is_so && os_.monotonic_ns() - pending_since_ < kPatience) return;
  const PatchId id = std::exchange(pending_, std::nullopt)->id;
  if (is_so)
    sink_.patched(id, object_);
  else
    sink_.patched(id, Error(Code::timeout, "token " + said_.text() +
                                               " of `okg probe ops`: without effect for 90 s: is "
                                               "there a service quality with an action for it?"));
}

// A state that somebody else set since is the one to be said with the next answer.
void DownwardAdapter::follow(const Object& object) {
  if (pending_ && pending_->fields.contains(kOpsStateField)) return;
  if (object.ops_state) state_ = *object.ops_state;
}

void DownwardAdapter::trouble(const std::string& text) {
  linked_ = false;
  if (trouble_ == text) return;
  trouble_ = text;
  log_.warn("controller", text);
  sink_.linked(Link::connecting, text);
}

void DownwardAdapter::reread() {
  later([this] {
    if (object_) sink_.seen(object_);
  });
}

void DownwardAdapter::send(Patch patch) {
  later([this, patch = std::move(patch)] { carry_out(patch); });
}

bool DownwardAdapter::apply(const Field& field, const Value& value, OpsToken& token) const {
  if (field == kOpsStateField && value) {
    token.state = *value;
    return true;
  }
  const bool is_update = field == label_field(hooks_.update_hook);
  if (!is_update && field != label_field(hooks_.delete_hook)) return false;
  const auto answer = is_update ? OpsToken::Answer::update_ok : OpsToken::Answer::delete_ok;
  if (value == "false")
    token.answer = answer;
  else if (token.answer == answer)
    token.answer = OpsToken::Answer::none;
  return true;
}

void DownwardAdapter::carry_out(Patch patch) {
  const auto refuse = [&](Error error) { sink_.patched(patch.id, std::move(error)); };
  if (run_ < 0) return refuse(Error(Code::unsupported, "without a run directory nothing can be reported"));
  OpsToken token{state_, false, said_.answer};
  for (const auto& [field, value] : patch.fields)
    if (!apply(field, value, token))
      return refuse(Error(Code::unsupported,
                          field + ": cannot be set without rights to the Kubernetes API: only opsState "
                                  "and the answer to an update can"));
  // OKG acts only on what differs from what it heard last.
  if (token == said_) token.again = true;
  if (const auto written = write_ops_token(os_, run_, token); !written) return refuse(written.error());
  said_ = token;
  state_ = token.state;
  pending_ = std::move(patch);
  pending_since_ = os_.monotonic_ns();
}

}  // namespace okg::controller
