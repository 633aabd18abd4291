#include "model/event.hpp"

#include <sstream>

namespace okg::model {

namespace {

const char* kEvents[] = {"start", "desired", "verified", "prepared", "begin_commit", "committed",
                         "tick",  "reload",  "force",    "rollback", "restart",      "report_bad"};
const char* kEnds[] = {"active", "failed", "superseded", "rolled_back"};

std::string text_of(const Failure& failure) {
  std::ostringstream out;
  out << reload::stage_name(failure.stage) << ' ' << base::code_name(failure.code)
      << (failure.retriable ? " retriable" : "");
  return out.str();
}

}  // namespace

// The simulated digests differ in their first byte.
std::string name_of(const payload::Digest& digest) {
  return "D" + std::to_string(digest.bytes[0]);
}

std::string name_of(const Target& target) {
  return name_of(target.digest()) + "." + std::to_string(target.name.copy) + "#" +
         std::to_string(target.inode);
}

std::string describe(const Call& call) {
  std::ostringstream out;
  out << static_cast<double>(call.now) / 1e9 << "s " << kEvents[static_cast<int>(call.event)];
  if (call.job != 0) out << " job " << call.job;
  if (call.target) out << ' ' << name_of(*call.target);
  if (call.failure) out << " failed: " << text_of(*call.failure) << (call.consistent ? "" : " inconsistent");
  return out.str();
}

std::string describe(const Action& action) {
  using namespace reload::action;
  std::ostringstream out;
  if (const auto* verify = std::get_if<Verify>(&action))
    out << "Verify " << verify->job << ' ' << name_of(verify->target);
  if (const auto* prepare = std::get_if<Prepare>(&action))
    out << "Prepare " << prepare->job << (prepare->everything ? " everything" : "");
  if (const auto* cancel = std::get_if<Cancel>(&action)) out << "Cancel " << cancel->job;
  if (const auto* offer = std::get_if<Offer>(&action))
    out << "Offer " << offer->job << (offer->restore ? " restore" : "");
  if (std::holds_alternative<DropKept>(action)) out << "DropKept";
  if (std::holds_alternative<SaveGuard>(action)) out << "SaveGuard";
  if (const auto* ended = std::get_if<Ended>(&action)) {
    const reload::Record& record = ended->record;
    out << "Ended " << name_of(record.digest) << ' ' << kEnds[static_cast<int>(record.result)] << " attempt "
        << record.attempt;
    if (record.failure) out << ": " << text_of(*record.failure);
  }
  return out.str();
}

}  // namespace okg::model
