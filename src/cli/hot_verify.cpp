// okg hot verify: is a segment what it should be?
#include "base/text.hpp"
#include "cli/hot.hpp"
#include "hot/verify.hpp"

namespace okg::cli {
namespace {

using base::Code;
using base::Error;

constexpr int kTries = 3;

struct Verdict {
  bool is_sound = true;
  bool is_complete = true;  // else somebody wrote, and only some of it could be checked
  std::string text;
};

base::Result<Verdict> look(hot::Reader& reader) {
  const auto is_no_verdict = [](const Error& error) {
    return error.code != Code::corrupt && error.code != Code::unsupported;
  };
  for (int tries = 0; tries < kTries; ++tries) {
    if (const auto done = reader.refresh(); !done) {
      if (is_no_verdict(done.error())) return done.error();
      return Verdict{false, true, done.error().text};
    }
    const auto usage = hot::verify(reader);
    if (!usage && is_no_verdict(usage.error())) return usage.error();
    if (reader.has_changed()) continue;
    if (usage)
      return Verdict{true, true,
                     "is sound: " + std::to_string(usage->records) + " records in " +
                         std::to_string(usage->slabs) + " slabs and " + std::to_string(usage->large) +
                         " pieces of their own"};
    // Not all that a writer stores goes through its logs.
    if (!reader.is_live() || tries + 1 == kTries) return Verdict{false, true, usage.error().text};
  }
  const auto readable = hot::verify_readable(reader);
  if (!readable && is_no_verdict(readable.error())) return readable.error();
  if (!readable) return Verdict{false, false, readable.error().text};
  return Verdict{
      true, false,
      "is readable: it was written meanwhile, so only its names, records and messages were checked, not "
      "its counts and its free room"};
}

}  // namespace

int hot_verify(Program& program, const Words& files) {
  const auto found = segment_files(program, files);
  if (!found) return fail_hot(program, found.error());
  int code = kDone;
  for (const std::string& file : *found) {
    const auto reader = open_segment(program, file);
    base::Result<Verdict> verdict = Verdict{};
    if (reader)
      verdict = look(**reader);
    else if (reader.error().code == Code::corrupt || reader.error().code == Code::unsupported)
      verdict = Verdict{false, true, reader.error().text};
    else
      verdict = reader.error();
    if (!verdict) {
      code = std::max(code, fail_hot(program, reader ? about(**reader, verdict.error()) : verdict.error()));
      if (program.interrupt.requested()) return code;
      continue;
    }
    const std::string prefix = "hot state " + file + ": ";
    std::string text = verdict->text;
    if (text.starts_with(prefix)) text.erase(0, prefix.size());
    if (program.flags.json)
      program.output.result_json({{"file", file},
                                  {"sound", verdict->is_sound},
                                  {"complete", verdict->is_complete},
                                  {"live", reader && (*reader)->is_live()},
                                  {"text", text}});
    else
      program.output.result(file + ": " + text);
    if (!verdict->is_sound)
      code = std::max(
          code, program.fail(kFailed,
                             prefix + text + ": keep a copy, and have the server begin anew: move it aside"));
  }
  return code == kDone ? program.done() : code;
}

}  // namespace okg::cli
