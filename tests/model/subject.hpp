// What the model looks at: a Reloader behind a seam, so that a test can put one that lies in its place.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "reload/reloader.hpp"

namespace okg::model {

using reload::Action;
using reload::Actions;
using reload::Failure;
using reload::Guard;
using reload::JobId;
using reload::Nanoseconds;
using reload::Phase;
using reload::Target;

class Subject {
 public:
  Subject(reload::ReloaderOptions options, Guard guard) : real_(std::move(options), std::move(guard)) {}
  virtual ~Subject() = default;

  virtual Actions desired(const Target& target, Nanoseconds now) { return real_.desired(target, now); }
  virtual Actions verified(JobId job, const std::string& version, const std::optional<Failure>& failure,
                           Nanoseconds now) {
    return real_.verified(job, version, failure, now);
  }
  virtual Actions prepared(JobId job, const std::optional<Failure>& failure, Nanoseconds now) {
    return real_.prepared(job, failure, now);
  }
  virtual std::optional<JobId> begin_commit() { return real_.begin_commit(); }
  virtual Actions committed(JobId job, const std::optional<Failure>& failure, bool consistent,
                            Nanoseconds now) {
    return real_.committed(job, failure, consistent, now);
  }
  virtual Actions tick(Nanoseconds now) { return real_.tick(now); }
  virtual Actions reload(bool force, Nanoseconds now) { return real_.reload(force, now); }
  virtual Actions rollback(const Target& to, Nanoseconds now) { return real_.rollback(to, now); }
  virtual Actions restart(Nanoseconds now) { return real_.restart(now); }
  virtual bool report_bad(const std::string& text, Nanoseconds now, Actions* actions) {
    return real_.report_bad(text, now, actions);
  }

  virtual Phase phase() const { return real_.phase(); }
  virtual std::optional<Nanoseconds> next_deadline() const { return real_.next_deadline(); }
  virtual const std::optional<Target>& active() const { return real_.active(); }
  virtual std::uint64_t count(reload::End end) const {
    switch (end) {
      case reload::End::active:
        return real_.ok_count();
      case reload::End::failed:
        return real_.failed_count();
      case reload::End::superseded:
        return real_.superseded_count();
      case reload::End::rolled_back:
        return real_.rolled_back_count();
    }
    return 0;
  }
  const reload::Reloader& real() const { return real_; }

 protected:
  reload::Reloader real_;
};

using MakeSubject = std::function<std::unique_ptr<Subject>(reload::ReloaderOptions, Guard)>;

}  // namespace okg::model
