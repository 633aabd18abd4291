// okg pack: writes the list and the manifest of a payload directory.
#include "payload/pack.hpp"

#include "base/text.hpp"
#include "cli/command.hpp"
#include "cli/progress.hpp"
#include "payload/path.hpp"

namespace okg::cli {
namespace {

// "NAME=VALUE" cut at the first "=".
std::optional<std::pair<std::string, std::string>> split(const std::string& text) {
  const std::size_t at = text.find('=');
  if (at == text.npos || at == 0 || at + 1 == text.size()) return std::nullopt;
  return std::pair(text.substr(0, at), text.substr(at + 1));
}

class Pack final : public Command {
 public:
  const char* name() const override { return "pack"; }
  const char* summary() const override {
    return "Write manifest.json and files.list for DIR/files; print the digest";
  }
  std::vector<const char*> examples() const override {
    return {"okg pack payload --version 2.4.1", "okg pack payload --version 2.4.1 --after scripts=config"};
  }
  void define(Arguments& arguments) override {
    arguments.positional("DIR", "payload directory; its files are in DIR/files", &directory_);
    arguments.value("--version", "V", "label for people, for example 2.4.1", &version_);
    arguments.values("--component", "NAME=PATH",
                     "a component and its directory below files/ (\".\": the rest)", &components_);
    arguments.values("--after", "NAME=NAME", "the first is reloaded after the second", &after_);
    arguments.value("--requires-server", "R", "server versions that can use it, for example \">=2.4 <2.5\"",
                    &requires_server_);
    arguments.value("--unhandled", "fail|accept", "what a changed component without a handler does (fail)",
                    &unhandled_);
  }

  int run(Program& program) override {
    if (!directory_) return program.fail(kUsage, "DIR: is needed: okg pack DIR --version V");
    if (!version_) return program.fail(kUsage, "--version: is needed, for example --version 2.4.1");
    auto options = read_flags();
    if (!options) return program.fail(kUsage, options.error().text);
    options->source_date_epoch = program.environment("SOURCE_DATE_EPOCH");

    Progress progress(program.output, "packing");
    const auto packed = payload::pack_directory(program.os, *directory_, *options, program.interrupt.token(),
                                                [&](std::uint64_t bytes) { progress.add(bytes); });
    progress.clear();
    if (program.interrupt.requested()) return program.fail(kTryAgain, "interrupted: run it again");
    if (!packed) return program.fail(input_exit_code(packed.error().code), packed.error().text);
    if (program.flags.json)
      program.output.result_json(base::OrderedJson{{"digest", packed->digest.text()},
                                                   {"version", packed->manifest.version},
                                                   {"files", packed->manifest.files},
                                                   {"bytes", packed->manifest.bytes}});
    else
      program.output.result(packed->digest.text());
    return program.done();
  }

 private:
  base::Result<payload::PackOptions> read_flags() const {
    const auto bad = [](const char* flag, const std::string& value, const std::string& why) {
      return base::Error(base::Code::invalid_argument,
                         std::string(flag) + " " + base::quote(value) + ": " + why);
    };
    payload::PackOptions options;
    options.version = *version_;
    if (auto good = payload::check_version(*version_); !good)
      return bad("--version", *version_, good.error().text);
    for (const std::string& text : components_) {
      const auto pair = split(text);
      if (!pair) return bad("--component", text, "write it like scripts=lua/");
      if (!options.components.insert(*pair).second)
        return bad("--component", text, "this name is given twice");
    }
    for (const std::string& text : after_) {
      const auto pair = split(text);
      if (!pair) return bad("--after", text, "write it like scripts=config");
      options.after.push_back(*pair);
    }
    options.requires_server = requires_server_;
    if (unhandled_ && *unhandled_ != "fail" && *unhandled_ != "accept")
      return bad("--unhandled", *unhandled_, "it is fail or accept");
    if (unhandled_ == "accept") options.unhandled = payload::Unhandled::accept;
    return options;
  }

  Value directory_, version_, requires_server_, unhandled_;
  std::vector<std::string> components_, after_;
};

}  // namespace

std::unique_ptr<Command> make_pack() {
  return std::make_unique<Pack>();
}

}  // namespace okg::cli
