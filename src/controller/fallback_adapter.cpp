#include "controller/fallback_adapter.hpp"

namespace okg::controller {

Adapter& FallbackAdapter::current() const {
  if (without_rights_) return *second_;
  return *first_;
}

void FallbackAdapter::start(AdapterSink sink) {
  sink_ = std::move(sink);
  AdapterSink ours;
  ours.seen = [this](ObjectPtr object) {
    if (!without_rights_) sink_.seen(std::move(object));
  };
  ours.patched = [this](PatchId id, base::Result<ObjectPtr> result) {
    // Reading alone does not carry a conversation.
    if (!result && first_->denied() && !without_rights_) {
      fall_back();
      return sink_.patched(id, base::Error(base::Code::io, result.error().text));
    }
    sink_.patched(id, std::move(result));
  };
  ours.linked = [this](Link link, std::string why) {
    if (link != Link::connected && first_->denied()) return fall_back();
    if (link == Link::connected && without_rights_) {
      log_.info("controller", "the Kubernetes API answers: going on with it");
      without_rights_ = false;
      first_->reread();
    }
    if (!without_rights_) sink_.linked(link, std::move(why));
  };
  first_->start(std::move(ours));
}

void FallbackAdapter::fall_back() {
  if (without_rights_) return;
  without_rights_ = true;
  log_.warn("controller",
            "without rights to the Kubernetes API only opsState and the answer to an update are reported, by "
            "`okg probe ops`");
  if (second_started_) {
    sink_.linked(Link::limited, "");
    return second_->reread();
  }
  second_started_ = true;
  AdapterSink ours;
  ours.seen = [this](ObjectPtr object) {
    if (without_rights_) sink_.seen(std::move(object));
  };
  ours.patched = [this](PatchId id, base::Result<ObjectPtr> result) { sink_.patched(id, std::move(result)); };
  ours.linked = [this](Link link, std::string why) {
    if (without_rights_) sink_.linked(link, std::move(why));
  };
  second_->start(std::move(ours));
}

void FallbackAdapter::tick() {
  first_->tick();
  if (second_started_) second_->tick();
}

void FallbackAdapter::stop() {
  first_->stop();
  second_->stop();
}

}  // namespace okg::controller
