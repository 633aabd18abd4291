// The Kubernetes API where we have the rights to it, the downward volume where we do not. Rights may come
// later: the API is tried on.
#pragma once

#include <memory>

#include "controller/downward_adapter.hpp"
#include "controller/kubernetes_adapter.hpp"

namespace okg::controller {

class FallbackAdapter final : public Adapter {
 public:
  FallbackAdapter(std::unique_ptr<KubernetesAdapter> first, std::unique_ptr<DownwardAdapter> second,
                  base::Log log)
      : first_(std::move(first)), second_(std::move(second)), log_(log) {}
  ~FallbackAdapter() override { stop(); }

  const char* name() const override { return without_rights_ ? second_->name() : first_->name(); }
  void start(AdapterSink sink) override;
  void send(Patch patch) override { current().send(std::move(patch)); }
  void reread() override { current().reread(); }
  void tick() override;
  void stop() override;
  AdapterCounts counts() const override { return first_->counts(); }

 private:
  Adapter& current() const;
  void fall_back();
  void come_back();
  void tell_second();

  std::unique_ptr<KubernetesAdapter> first_;
  std::unique_ptr<DownwardAdapter> second_;
  base::Log log_;
  AdapterSink sink_;
  bool without_rights_ = false;
  bool second_started_ = false;
  std::string missing_;  // which rights
  ObjectPtr newest_;     // what the API told meanwhile
  Link second_link_ = Link::connecting;
  std::string second_why_;
};

}  // namespace okg::controller
