// okg ready: is the payload of this image what the server uses? The sidecar's readiness probe.
#include <fcntl.h>

#include "base/text.hpp"
#include "cli/command.hpp"
#include "cli/own_payload.hpp"
#include "cli/places.hpp"
#include "cli/publish_report.hpp"
#include "cli/server.hpp"
#include "payload/pack.hpp"
#include "payload/read.hpp"
#include "payload/sha256.hpp"
#include "payload/verify.hpp"

namespace okg::cli {
namespace {

using base::Result;
using payload::Digest;
using Clock = std::chrono::steady_clock;

enum class Gate { published, prepared, active, good };

std::optional<Gate> parse_gate(const std::string& text) {
  if (text == "published") return Gate::published;
  if (text == "prepared") return Gate::prepared;
  if (text == "active") return Gate::active;
  if (text == "good") return Gate::good;
  return std::nullopt;
}

// Yes or no, and one line why.
struct Answer {
  bool yes = false;
  std::string line;
};

// The payload of the image as far as the volume and the server can tell it from others.
struct Own {
  std::optional<Digest> digest;  // nullopt: plain files that are not on the volume
  std::string version;
};

class Ready final : public Command {
 public:
  const char* name() const override { return "ready"; }
  const char* summary() const override {
    return "Is the payload in DIR, this image's own, in use by a live server?";
  }
  std::vector<const char*> examples() const override {
    return {"okg ready --from /data", "okg ready --from /data --gate good --print-version"};
  }
  void define(Arguments& arguments) override {
    arguments.value("--from", "DIR", "this image's payload directory, or its plain files", &from_);
    arguments.value("--gate", "published|prepared|active|good", "what it has to be (active)", &gate_text_);
    arguments.flag("--print-version", "print just the version when it is so", &print_version_);
  }
  int run(Program& program) override;

 private:
  Result<Own> find_own(Program& program, const std::string& volume, const std::vector<Digest>& candidates);
  Answer ask_volume(Program& program, const std::string& volume);
  Answer ask_server(Program& program, const std::string& volume, const std::string& run);
  Answer judge(const ServerStatus& status, const Own& own) const;
  int say(Program& program, const Answer& answer) const;

  Value from_, gate_text_;
  bool print_version_ = false;
  Gate gate_ = Gate::active;
  OwnPayload own_;
  std::string version_;
  Clock::time_point deadline_;
};

std::optional<base::UniqueFd> open_volume_root(base::Os& os, const std::string& volume) {
  const int fd = os.open(AT_FDCWD, volume.c_str(), O_RDONLY | O_DIRECTORY);
  if (fd < 0) return std::nullopt;
  return base::UniqueFd(fd);
}

// The manifest of `name` on the volume; it is not checked against the files.
Result<payload::Manifest> manifest_of(base::Os& os, int root, const payload::VersionName& name) {
  const auto version = payload::open_version(os, root, name);
  if (!version) return version.error();
  auto opened = payload::open_unverified(os, version->fd.get(), name.digest);
  if (!opened) return opened.error();
  return std::move(opened->manifest);
}

Result<Digest> list_digest(base::Os& os, const std::string& directory, const std::stop_token& stop) {
  const int fd = os.open(AT_FDCWD, directory.c_str(), O_RDONLY | O_DIRECTORY);
  if (fd < 0) return base::error_from_errno(-fd, "open " + directory);
  const base::UniqueFd owner(fd);
  const auto list = payload::scan_files(os, fd, stop);
  if (!list) return list.error();
  return payload::sha256(list->text());
}

// With a manifest the image says itself what it is. Plain files have no digest of their own: they are
// whichever candidate on the volume has the same list.
Result<Own> Ready::find_own(Program& program, const std::string& volume,
                            const std::vector<Digest>& candidates) {
  if (own_.manifest) return Own{own_.digest, own_.manifest->version};
  const auto list = list_digest(program.os, *from_, program.interrupt.token());
  if (!list) return list.error();
  Own own{std::nullopt, "this image's payload"};
  const auto root = open_volume_root(program.os, volume);
  if (!root) return own;
  std::vector<payload::VersionName> names;
  if (const auto current = payload::read_current(program.os, root->get()); current && *current)
    names.push_back((*current)->name);
  for (const Digest& digest : candidates)
    if (const auto name = payload::find_version(program.os, root->get(), digest); name && *name)
      names.push_back(**name);
  for (const auto& name : names) {
    const auto manifest = manifest_of(program.os, root->get(), name);
    if (manifest && manifest->list == *list) return Own{name.digest, manifest->version};
  }
  return own;
}

Answer Ready::ask_volume(Program& program, const std::string& volume) {
  const auto root = open_volume_root(program.os, volume);
  if (!root) return {false, volume + ": no such volume: is it mounted?"};
  const auto current = payload::read_current(program.os, root->get());
  if (!current) return {false, current.error().text};
  const auto own = find_own(program, volume, {});
  if (!own) return {false, own.error().text};
  version_ = base::one_line(own->version);
  if (!*current) return {false, version_ + " is not published yet: nothing is"};
  const payload::VersionName& name = (*current)->name;
  if (own->digest != name.digest)
    return {false, version_ + " is not published: current is " + short_digest(name.digest)};
  if (const auto manifest = manifest_of(program.os, root->get(), name); !manifest)
    return {false, version_ + " is published, but damaged: " + manifest.error().text};
  return {true, version_ + " is published"};
}

Answer Ready::ask_server(Program& program, const std::string& volume, const std::string& run) {
  const auto left = [&] {
    return std::max(std::chrono::milliseconds(1),
                    std::chrono::ceil<std::chrono::milliseconds>(deadline_ - Clock::now()));
  };
  const std::stop_token stop = program.interrupt.token();
  const auto answer = get_status(run, left(), stop);
  if (!answer)
    return {false, nobody_answers(answer.error()) ? unanswered(answer.error()) : answer.error().text};
  const ServerStatus& status = answer->status;
  std::vector<Digest> candidates;
  for (const auto& named : {status.active, status.desired})
    if (named && named->digest) candidates.push_back(*named->digest);
  const auto own = find_own(program, volume, candidates);
  if (!own) return {false, own.error().text};
  version_ = base::one_line(own->version);
  Answer judged = judge(status, *own);
  if (!judged.yes) return judged;
  // What a dead game loop has in use is in use by nobody.
  const auto live = get(run, "/livez", left(), stop);
  if (!live) return {false, unanswered(live.error())};
  if (live->status != 200) {
    std::string line = judged.line + ", but the server is not alive: state " + status.state;
    if (status.tick_age_ms)
      line += ", last poll " + base::format_duration(std::chrono::milliseconds(*status.tick_age_ms)) + " ago";
    return {false, line};
  }
  return judged;
}

Answer Ready::judge(const ServerStatus& status, const Own& own) const {
  const bool in_parts = status.inconsistent;
  const bool active = own.digest && status.active && status.active->digest == own.digest;
  const bool desired = own.digest && status.desired && status.desired->digest == own.digest;
  if (active && !in_parts && gate_ != Gate::good) return {true, version_ + " is active"};
  if (active && !in_parts) {
    if (status.state == "probation") return {false, version_ + " is active, but still on probation"};
    if (status.last_good != own.digest) return {false, version_ + " is active, but not known to be good yet"};
    return {true, version_ + " is good"};
  }
  if (!own.digest) return {false, version_ + " is not published"};
  const bool worked_on = status.working_on == own.digest;
  if (gate_ == Gate::prepared && worked_on && !is_refused(status, *own.digest) &&
      (status.state == "prepared" || status.state == "committing"))
    return {true, version_ + " is prepared"};
  // Why not, the most telling first.
  if (status.hold && status.hold->desired == *own.digest)
    return {false, version_ + " was rolled back " + describe_hold(status, *status.hold)};
  if (const auto failure = failure_of(status, *own.digest))
    return {false, describe_failure(version_, *failure)};
  if (active)
    return {false, version_ +
                       " is in use in parts only: a commit failed and could not be undone; the server is " +
                       status.state};
  const std::string in_use =
      status.active ? "; active is " + (status.active->version.empty() ? "another" : status.active->version)
                    : "";
  if (desired) return {false, version_ + " is not active yet: the server is " + status.state + in_use};
  if (status.desired)
    return {false, version_ + " is not what is desired: that is " + status.desired->version + in_use};
  return {false, version_ + " has not been seen by the server yet: it is " + status.state + in_use};
}

int Ready::say(Program& program, const Answer& answer) const {
  Output& output = program.output;
  if (!answer.yes) output.complain("ready: " + answer.line);
  if (program.flags.json) {
    base::OrderedJson json{{"ready", answer.yes}, {"gate", gate_text_.value_or("active")}};
    json["version"] = own_.manifest ? base::OrderedJson(own_.manifest->version) : base::OrderedJson(version_);
    json["digest"] = own_.manifest ? base::OrderedJson(own_.digest.text()) : base::OrderedJson(nullptr);
    json["text"] = answer.line;
    output.result_json(json);
  } else {
    output.result(answer.yes && print_version_ ? version_ : answer.line);
  }
  if (!answer.yes) return kFailed;
  return print_version_ ? program.done() : kDone;
}

int Ready::run(Program& program) {
  deadline_ = Clock::now() + kQuestion;
  if (!from_) return program.fail(kUsage, "--from: is needed, for example --from /data");
  if (gate_text_) {
    const auto gate = parse_gate(*gate_text_);
    if (!gate)
      return program.fail(
          kUsage, "--gate " + base::quote(*gate_text_) + ": it is published, prepared, active or good");
    gate_ = *gate;
  }
  auto own = read_own_payload(program.os, *from_);
  if (!own) return program.fail(kUsage, "--from " + base::quote(*from_) + ": " + own.error().text);
  own_ = *std::move(own);
  version_ = own_.manifest ? base::one_line(own_.manifest->version) : "this image's payload";

  // Only plain files have to be looked up on the volume for what a server says.
  std::string volume;
  if (gate_ == Gate::published || !own_.manifest) {
    auto found = payload_directory(program);
    if (!found) return program.fail(kUsage, found.error().text);
    volume = *std::move(found);
  }
  if (gate_ == Gate::published) return say(program, ask_volume(program, volume));
  const auto run = run_directory(program);
  if (!run) return program.fail(kUsage, run.error().text);
  const Answer answer = ask_server(program, volume, *run);
  if (program.interrupt.requested()) return program.fail(kTryAgain, "interrupted");
  return say(program, answer);
}

}  // namespace

std::unique_ptr<Command> make_ready() {
  return std::make_unique<Ready>();
}

}  // namespace okg::cli
