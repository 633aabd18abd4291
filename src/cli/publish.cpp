// okg publish: a payload directory onto the volume, and what the server makes of it.
#include "payload/publish.hpp"

#include <sys/auxv.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>

#include "base/text.hpp"
#include "cli/command.hpp"
#include "cli/own_payload.hpp"
#include "cli/places.hpp"
#include "cli/progress.hpp"
#include "cli/publish_follow.hpp"
#include "cli/publish_report.hpp"
#include "cli/sacred.hpp"
#include "cli/server.hpp"
#include "cli/trigger.hpp"
#include "control/token.hpp"
#include "payload/collect_volume.hpp"
#include "payload/path.hpp"

namespace okg::cli {
namespace {

using base::Code;
using base::Error;
using base::Result;
using base::Status;
using Clock = std::chrono::steady_clock;

constexpr std::uint64_t kMostKept = 1000;

// This very program; "" where the system does not tell.
std::string own_program() {
  if (::access("/proc/self/exe", R_OK) == 0) return "/proc/self/exe";
  const unsigned long name = ::getauxval(AT_EXECFN);
  if (name == 0) return {};
  std::string path = reinterpret_cast<const char*>(name);  // the kernel's, valid for the life of the process
  return ::access(path.c_str(), R_OK) == 0 ? path : std::string();
}

void write_log(void* user, base::LogLevel, std::string_view, std::string_view text) {
  static_cast<Output*>(user)->complain(prefixed("publish", base::one_line(text)));
}

class Publish final : public Command {
 public:
  const char* name() const override { return "publish"; }
  const char* summary() const override {
    return "Put a payload on the volume, report what the server makes of it, stay until SIGTERM";
  }
  std::vector<const char*> examples() const override {
    return {"okg publish --from /data --budget 900Mi",
            "okg publish --from public/ --version dev --once --wait 30s"};
  }
  void define(Arguments& arguments) override {
    arguments.value("--from", "DIR", "payload directory, or plain files (with --version)", &from_);
    arguments.value("--to", "DIR", "the payload volume, if it is not what --payload says", &to_);
    arguments.value("--version", "V", "label for a DIR that has no manifest", &version_);
    arguments.value("--budget", "SIZE", "what the volume may hold at most, for example 900Mi", &budget_);
    arguments.value("--keep", "N", "versions to keep besides those in use (2)", &keep_);
    arguments.flag("--sync", "write through to the disk before and after", &sync_);
    arguments.flag("--once", "end as soon as it is published", &once_);
    arguments.value("--wait", "DURATION", "with --once: wait so long for the outcome; 75 when there is none",
                    &wait_);
    arguments.value("--trigger", "URL", "request this after publishing, for servers without okg", &trigger_);
    arguments.value("--expect", "STATUS", "HTTP status that means success (200)", &expect_);
  }
  int run(Program& program) override;

 private:
  // The flags as numbers, and what they mean together.
  struct Settings {
    std::string to, run;
    bool to_named = false;
    std::uint64_t budget = 0;
    std::uint64_t keep = 2;
    base::LogLevel log_level = base::LogLevel::info;
    std::optional<std::chrono::milliseconds> wait;
    std::optional<Trigger> trigger;
  };
  Result<Settings> read_flags(const Program& program) const;
  Status read_trigger(const Program& program, Settings& settings) const;
  Status read_places(const Program& program, Settings& settings) const;
  Result<payload::PublishOptions> read_source(const Program& program) const;
  int follow(Program& program, const Settings& settings, const payload::Published& published,
             PublishReport& report);

  Value from_, to_, version_, budget_, keep_, wait_, trigger_, expect_;
  bool sync_ = false, once_ = false;
};

// A volume within the payload would become part of what is published from it next time.
Status check_apart(const std::string& from, const std::string& to) {
  namespace fs = std::filesystem;
  std::error_code failed;
  const fs::path source = fs::canonical(from, failed);
  if (failed) return {};  // said by whoever reads it
  // May not be there yet; only below an absolute path it is canonical then. A trailing slash is no name.
  fs::path volume = fs::absolute(to, failed);
  if (!failed) volume = fs::weakly_canonical(volume, failed);
  if (failed) return {};
  if (!volume.has_filename()) volume = volume.parent_path();
  const auto [in_source, in_volume] =
      std::mismatch(source.begin(), source.end(), volume.begin(), volume.end());
  if (in_source != source.end()) return {};
  const char* where = in_volume == volume.end() ? " is --from itself" : " lies within --from";
  return Error(Code::invalid_argument,
               "payload volume " + base::quote(to) + where + ": name one outside of it with --to");
}

Error bad_value(const char* flag, const std::string& value, const std::string& why) {
  // base/text.hpp already quotes the value.
  const std::string quoted = base::quote(value);
  return Error(Code::invalid_argument,
               std::string(flag) + " " + (why.starts_with(quoted) ? why : quoted + ": " + why));
}

Result<Publish::Settings> Publish::read_flags(const Program& program) const {
  if (!from_) return Error(Code::invalid_argument, "--from: is needed, for example --from /data");
  Settings settings;
  if (budget_) {
    const auto parsed = base::parse_size(*budget_);
    if (!parsed) return bad_value("--budget", *budget_, parsed.error().text);
    settings.budget = *parsed;
  }
  if (keep_) {
    const auto parsed = base::parse_number(*keep_, kMostKept);
    if (!parsed) return bad_value("--keep", *keep_, parsed.error().text);
    if (*parsed == 0) return bad_value("--keep", *keep_, "at least 1");
    settings.keep = *parsed;
  }
  if (wait_) {
    const auto parsed = base::parse_duration(*wait_);
    if (!parsed) return bad_value("--wait", *wait_, parsed.error().text);
    if (!once_)
      return Error(Code::invalid_argument, "--wait: only with --once; without it, publish waits anyway");
    settings.wait = *parsed;
  }
  if (const auto level = program.environment("OKG_LOG")) {
    const auto parsed = base::parse_log_level(*level);
    if (!parsed)
      return Error(Code::invalid_argument,
                   "OKG_LOG: " + base::quote(*level) + ": use error, warn, info or debug");
    settings.log_level = *parsed;
  }
  if (to_ && program.flags.payload && *to_ != *program.flags.payload)
    return Error(Code::invalid_argument, "--to and --payload: name two volumes: give one");
  if (auto read = read_trigger(program, settings); !read) return read.error();
  if (auto read = read_places(program, settings); !read) return read.error();
  return settings;
}

Status Publish::read_trigger(const Program& program, Settings& settings) const {
  if (expect_ && !trigger_) return Error(Code::invalid_argument, "--expect: only with --trigger");
  if (!trigger_) return {};
  Trigger trigger;
  trigger.url = *trigger_;
  if (expect_) {
    const auto parsed = base::parse_number(*expect_, 599);
    if (!parsed || *parsed < 100) return bad_value("--expect", *expect_, "an HTTP status, 100 to 599");
    trigger.expect = static_cast<int>(*parsed);
  }
  // Asked without leave to go on: only what is wrong with the URL itself is found.
  std::stop_source stopped;
  stopped.request_stop();
  const auto asked = control::ask_url(trigger.url, {}, std::chrono::milliseconds(1), stopped.get_token());
  if (!asked && asked.error().code == Code::invalid_argument)
    return bad_value("--trigger", *trigger_, asked.error().text);
  if (const auto file = program.environment("OKG_TOKEN_FILE")) {
    auto token = control::read_token(program.os, *file);
    if (!token) return token.error();
    trigger.token = *std::move(token);
  }
  settings.trigger = std::move(trigger);
  return {};
}

Status Publish::read_places(const Program& program, Settings& settings) const {
  if (to_) {
    settings.to = *to_;
  } else {
    auto to = payload_directory(program);
    if (!to) return to.error();
    settings.to = *std::move(to);
  }
  settings.to_named = to_ || program.flags.payload || program.environment("OKG_PAYLOAD_DIR");
  auto run = run_directory(program);
  if (run) {
    settings.run = *std::move(run);
    return {};
  }
  // Publishing needs no server; only who asked for its answer has to say where it is.
  if (settings.wait && !settings.trigger) return run.error();
  if (!once_ && !settings.trigger)
    program.output.complain("publish: run directory: not known, so no outcome will be reported: " +
                            run.error().text);
  return {};
}

Result<payload::PublishOptions> Publish::read_source(const Program& program) const {
  payload::PublishOptions options;
  options.from = *from_;
  if (version_)
    if (auto good = payload::check_version(*version_); !good)
      return bad_value("--version", *version_, good.error().text);
  const auto own = read_own_payload(program.os, *from_);
  if (own) {
    if (version_ && own->manifest && *version_ != own->manifest->version)
      return bad_value(
          "--version", *version_,
          *from_ + " has a manifest that says " + base::quote(own->manifest->version) + ": leave it out");
    if (own->manifest) return options;
    if (!version_)
      return Error(Code::invalid_argument,
                   "--from " + base::quote(*from_) +
                       ": has no manifest.json: give --version V, or run okg pack first");
    options.pack.emplace();
    options.pack->version = *version_;
    options.pack->source_date_epoch = program.environment("SOURCE_DATE_EPOCH");
    return options;
  }
  if (own.error().code == Code::not_found || own.error().code == Code::invalid_argument)
    return Error(Code::invalid_argument, "--from " + base::quote(*from_) + ": " + own.error().text);
  return own.error();  // an image that is there but damaged
}

int Publish::run(Program& program) {
  PublishReport report(program.output, program.flags.json);
  const auto settings = read_flags(program);
  if (!settings) return program.fail(kUsage, settings.error().text);
  auto options = read_source(program);
  if (!options) {
    if (options.error().code != Code::invalid_argument) report.publish_failed(options.error());
    return program.fail(input_exit_code(options.error().code), options.error().text);
  }
  if (auto apart = check_apart(*from_, settings->to); !apart) return program.fail(apart.error());
  const std::stop_token stop = program.interrupt.token();
  if (auto made = make_payload_directory(program, settings->to, settings->to_named); !made)
    return program.fail(made.error());
  if (!settings->run.empty()) make_run_directory(program, settings->run);

  options->to = settings->to;
  options->run = settings->run;
  options->budget = settings->budget;
  options->keep = settings->keep;
  options->sacred = sacred_digests(program.os, settings->run, stop);
  options->sync = sync_;
  options->program = own_program();
  options->stop = stop;
  options->log = base::Log(write_log, &program.output, settings->log_level);
  Progress progress(program.output, "publishing");
  options->progress = [&](const payload::PublishProgress& done) { progress.set(done.bytes, done.of_bytes); };

  const auto published = payload::publish(program.os, *options);
  progress.clear();
  if (!published) {
    if (stop.stop_requested())
      return program.fail(kTryAgain, settings->to + ": interrupted before it was published: run it again");
    report.publish_failed(published.error());
    return program.fail(published.error());
  }
  if (!once_) program.interrupt.set_exit_code(kDone);
  report.published(*published);
  return follow(program, *settings, *published, report);
}

int Publish::follow(Program& program, const Settings& settings, const payload::Published& published,
                    PublishReport& report) {
  const Clock::time_point begin = Clock::now();
  if (once_ && !settings.wait && !settings.trigger) return kDone;

  const std::stop_token stop = program.interrupt.token();
  const auto tidy = [&] {
    payload::CollectOptions collect;
    collect.keep = settings.keep;
    collect.sacred = sacred_digests(program.os, settings.run, stop);
    (void)payload::collect_volume(program.os, settings.to, collect,
                                  stop);  // best effort: the next publish does it too
  };
  Follower follower(program.os, {settings.to, settings.run, published.digest, stop, [&] {
                                   if (!settings.run.empty() && !once_)
                                     program.output.complain("publish: " + socket_path(settings.run) +
                                                             ": no server answers yet: waiting for it");
                                   tidy();
                                 }});
  std::optional<Clock::time_point> deadline;
  if (settings.wait) deadline = begin + *settings.wait;
  const OutcomeOf outcome =
      settings.trigger ? pull(*settings.trigger, deadline, stop) : follower.wait(deadline);
  report.outcome(outcome, Clock::now() - begin);
  if (outcome.outcome != Outcome::none) tidy();

  if (once_) {
    if (outcome.outcome == Outcome::active) return kDone;
    const std::string version = base::one_line(published.version);
    if (outcome.outcome == Outcome::none)
      return program.fail(kTryAgain,
                          describe(outcome, version) + (stop.stop_requested() ? ": interrupted" : ""));
    return program.fail(kFailed, describe(outcome, version));
  }
  // A reload that failed does not end a publisher: its pod stays, not ready, and says why.
  follower.stay(outcome.outcome,
                [&](const OutcomeOf& changed) { report.outcome(changed, Clock::now() - begin); });
  return kDone;
}

}  // namespace

std::unique_ptr<Command> make_publish() {
  return std::make_unique<Publish>();
}

}  // namespace okg::cli
