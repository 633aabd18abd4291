// The worker's half of the reload driver: verification and prepare.
#include <fcntl.h>

#include <new>

#include "base/text.hpp"
#include "payload/plain_tree.hpp"
#include "payload/read.hpp"
#include "payload/requirement.hpp"
#include "payload/verify.hpp"
#include "reload/plan.hpp"
#include "server/driver_section.hpp"

namespace okg::server {

using base::Code;
using base::Error;
using reload::Failure;
using reload::failure_of;
using reload::JobId;
using reload::Stage;
using reload::Target;

namespace {

constexpr std::size_t kVersionsKept = 64;

// At this stage a reader may be ahead of the content (Kata copies links first) or of a chmod: worth another
// try.
Failure verify_failure(const Error& error) {
  Failure failure = failure_of(Stage::verify, "", error);
  if (error.code == Code::not_found || error.code == Code::denied) failure.retriable = true;
  return failure;
}

// All that can be said of it: it is as it was when it had been quiet for long enough.
base::Result<LivePayloadPtr> open_plain_tree(base::Os& os, base::UniqueFd root, const Target& target) {
  const auto stamp = payload::stamp_of_tree(os, root.get());
  if (!stamp) return stamp.error();
  if (*stamp != target.digest()) return Error(Code::busy, "the files are being written to");
  payload::VersionDirectory directory{target.name,
                                      base::UniqueFd(os.open(root.get(), ".", O_RDONLY | O_DIRECTORY))};
  payload::Manifest manifest;
  manifest.version = "unverified";
  manifest.components[payload::kRootComponent].digest = *stamp;
  auto payload = std::make_shared<LivePayload>(
      std::move(directory), payload::VerifiedPayload{*stamp, std::move(manifest), {}, std::move(root)});
  return LivePayloadPtr(std::move(payload));
}

}  // namespace

base::Result<LivePayloadPtr> ReloadDriver::open_and_verify(const Target& target, const std::stop_token& stop,
                                                           std::uint64_t* inode, Failure* failure) {
  const auto failed = [&](const Error& error) {
    *failure = verify_failure(error);
    return error;
  };
  const int root_fd = os_.open(AT_FDCWD, options_.payload_directory.c_str(), O_RDONLY | O_DIRECTORY);
  if (root_fd < 0)
    return failed(base::error_from_errno(-root_fd, "payload volume " + options_.payload_directory));
  base::UniqueFd root(root_fd);
  if (options_.unverified) {
    auto opened = open_plain_tree(os_, std::move(root), target);
    if (!opened) return failed(opened.error());
    *inode = (*opened)->directory.inode;
    return opened;
  }
  auto directory = payload::open_version(os_, root.get(), target.name);
  if (!directory) return failed(directory.error());
  *inode = directory->inode;
  auto verified = payload::verify(os_, directory->fd.get(), target.digest(), stop);
  if (!verified) return failed(verified.error());
  LivePayloadPtr payload = std::make_shared<LivePayload>(std::move(*directory), std::move(*verified));
  if (const auto& wanted = payload->verified.manifest.requires_server; wanted) {
    if (const auto met = payload::require_server(*wanted, options_.server_version); !met)
      *failure = failure_of(Stage::requirement, "", met.error());
  }
  return payload;
}

std::optional<Failure> ReloadDriver::plan_for(const LivePayloadPtr& payload, bool everything,
                                              std::vector<HandlerPtr>* due) {
  const std::lock_guard lock(mutex_);
  std::vector<reload::HandlerInfo> infos;
  infos.reserve(handlers_.size());
  for (const HandlerPtr& handler : handlers_)
    infos.push_back({handler->name(), handler->after(), handler->sees_every_payload()});
  std::string component;
  const auto order = reload::plan(payload->verified.manifest,
                                  active_ ? active_->component_digests() : reload::ComponentDigests{}, infos,
                                  everything, &component);
  if (!order) return failure_of(Stage::prepare, component, order.error());
  for (const std::string& name : *order)
    for (const HandlerPtr& handler : handlers_)
      if (handler->name() == name) due->push_back(handler);
  return std::nullopt;
}

void ReloadDriver::verify_on_worker(JobId id, Target target, std::stop_token stop) {
  const std::int64_t began = now();
  Failure failure;
  failure.text.clear();
  failure.code = Code::ok;
  LivePayloadPtr payload;
  std::uint64_t inode = 0;
  try {
    if (auto opened = open_and_verify(target, stop, &inode, &failure)) payload = *opened;
  } catch (const std::bad_alloc&) {
    failure = failure_of(Stage::verify, "", Error(Code::no_memory, "verify: out of memory"));
  } catch (const std::exception& thrown) {
    failure = failure_of(Stage::verify, "", Error(Code::internal, thrown.what()));
  }
  const Section section(*this);
  const auto found = jobs_.find(id);
  if (stopping_ || found == jobs_.end()) return;
  Job& job = found->second;
  job.on_worker = false;
  job.times.verify = now() - began;
  job.payload = payload;
  std::string version;
  if (payload) {
    version = payload->version();
    std::erase_if(alive_, [](const auto& old) { return old.expired(); });
    alive_.push_back(payload);
    if (versions_.size() >= kVersionsKept) versions_.clear();
    versions_[target.digest()] = version;
  }
  if (job.cancelled)
    jobs_.erase(found);
  else
    current_times_ = job.times;
  const bool failed = failure.code != Code::ok;
  carry_out(reloader_.verified(id, version, failed ? std::optional(failure) : std::nullopt, now(), inode));
}

std::optional<Failure> ReloadDriver::prepare_all(const LivePayloadPtr& payload, bool everything,
                                                 const std::stop_token& stop, std::vector<Held>* staged) {
  std::vector<HandlerPtr> due;
  if (auto unplanned = plan_for(payload, everything, &due)) return unplanned;
  staged->reserve(due.size());
  for (const HandlerPtr& handler : due) {
    {
      const std::lock_guard lock(mutex_);
      if (stop.stop_requested()) break;
      preparing_ = handler;
    }
    void* object = nullptr;
    const auto done = handler->prepare(payload, stop, &object);
    const std::lock_guard lock(mutex_);
    preparing_.reset();
    change_.notify_all();
    if (!done) return failure_of(Stage::prepare, handler->name(), done.error());
    staged->push_back({handler, object});
  }
  return std::nullopt;
}

void ReloadDriver::prepare_on_worker(JobId id, LivePayloadPtr payload, bool everything,
                                     std::stop_token stop) {
  const std::int64_t began = now();
  std::vector<Held> staged;
  std::optional<Failure> failure;
  try {
    failure = prepare_all(payload, everything, stop, &staged);
  } catch (const std::exception& thrown) {  // ours: no handler lets one out
    failure =
        failure_of(Stage::prepare, "", Error(Code::no_memory, std::string("prepare: ") + thrown.what()));
  }
  const Section section(*this);
  const auto found = jobs_.find(id);
  if (found == jobs_.end()) {
    throw_away(staged);
    return;
  }
  Job& job = found->second;
  job.on_worker = false;
  job.times.prepare = now() - began;
  job.staged = std::move(staged);
  if (stopping_) return;  // stop() discards
  if (job.cancelled) {
    throw_away(job.staged);
    jobs_.erase(found);
  } else {
    current_times_ = job.times;
  }
  carry_out(reloader_.prepared(id, failure, now()));
}

}  // namespace okg::server
