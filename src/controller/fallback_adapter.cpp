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
    newest_ = object;
    if (!without_rights_) sink_.seen(std::move(object));
  };
  ours.patched = [this](PatchId id, base::Result<ObjectPtr> result) { sink_.patched(id, std::move(result)); };
  ours.linked = [this](Link link, std::string why) {
    if (link == Link::connected && without_rights_) return come_back();
    if (link != Link::connected && first_->denied()) {
      missing_ = std::move(why);
      return fall_back();
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
  tell_second();
  if (second_started_) return second_->reread();
  second_started_ = true;
  AdapterSink ours;
  ours.seen = [this](ObjectPtr object) {
    if (without_rights_) sink_.seen(std::move(object));
  };
  ours.patched = [this](PatchId id, base::Result<ObjectPtr> result) { sink_.patched(id, std::move(result)); };
  ours.linked = [this](Link link, std::string why) {
    second_link_ = link;
    second_why_ = std::move(why);
    if (without_rights_) tell_second();
  };
  second_->start(std::move(ours));
}

// Whichever way it goes, somebody may want to know why it is not the better one.
void FallbackAdapter::tell_second() {
  sink_.linked(second_link_, second_why_.empty() ? missing_ : missing_ + "; " + second_why_);
}

// It was read before, so nothing is written over what is not known.
void FallbackAdapter::come_back() {
  log_.info("controller", "the Kubernetes API answers: going on with it");
  without_rights_ = false;
  missing_.clear();
  sink_.seen(newest_);
  sink_.linked(Link::connected, "");
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
