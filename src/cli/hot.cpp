// okg hot: looks at the hot state that servers keep in shared memory, without disturbing who writes it.
#include "cli/hot.hpp"

#include <fcntl.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "base/text.hpp"
#include "cli/fields.hpp"
#include "cli/places.hpp"

namespace okg::cli {
namespace {

constexpr std::string_view kEnding = ".okghot";

class Hot final : public Command {
 public:
  const char* name() const override { return "hot"; }
  const char* summary() const override {
    return "Look at hot state, of a running server or a killed one: ls, stat, get, verify, export, "
           "schema-diff";
  }
  std::vector<const char*> examples() const override {
    return {"okg hot ls                               tables, journals and regions of the run's segments",
            "okg hot stat /okg/hot/world.okghot       how full it is",
            "okg hot get players 42                   one record; [FILE] TABLE KEY, 1 when it is not there",
            "okg hot verify world.okghot              1 and the first thing that is wrong",
            "okg hot export --table players > p.jsonl JSON, a line for each record",
            "okg hot schema-diff server-1 server-2    two segments or programs; 1 when they differ"};
  }
  void define(Arguments& arguments) override {
    arguments.positional("WHAT", "ls, stat, get, verify, export or schema-diff", &what_);
    arguments.positionals("FILE", "segments; without, those of the run (OKG_HOT_DIR)", &words_);
    arguments.value("--table", "NAME", "export: only the records of this table", &table_);
  }

  int run(Program& program) override {
    if (!what_) return program.fail(kUsage, "WHAT: is needed: ls, stat, get, verify, export or schema-diff");
    if (table_ && *what_ != "export") return program.fail(kUsage, "--table: is for okg hot export");
    if (*what_ == "ls") return as(program, "hot ls", hot_ls);
    if (*what_ == "stat") return as(program, "hot stat", hot_stat);
    if (*what_ == "get") return as(program, "hot get", hot_get);
    if (*what_ == "verify") return as(program, "hot verify", hot_verify);
    if (*what_ == "schema-diff") return as(program, "hot schema-diff", hot_schema_diff);
    if (*what_ != "export")
      return program.fail(kUsage,
                          base::quote(*what_) + ": it is ls, stat, get, verify, export or schema-diff");
    program.command = "hot export";
    return hot_export(program, words_, table_);
  }

 private:
  int as(Program& program, const char* command, int (*call)(Program&, const Words&)) const {
    program.command = command;
    return call(program, words_);
  }

  Value what_, table_;
  Words words_;
};

}  // namespace

std::unique_ptr<Command> make_hot() {
  return std::make_unique<Hot>();
}

int fail_hot(const Program& program, const base::Error& error) {
  return program.fail(input_exit_code(error.code), error.text);
}

base::Error about(const hot::Reader& reader, const base::Error& error) {
  if (error.text.starts_with("hot state ")) return error;
  return {error.code, "hot state " + reader.path() + ": " + error.text};
}

base::Result<Words> segment_files(const Program& program, const Words& files) {
  if (!files.empty()) return files;
  const auto directory = hot_directory(program);
  if (!directory) return directory.error();
  const auto none = [&](const char* why) {
    return base::Error(base::Code::not_found, "hot state directory " + *directory + ": " + why +
                                                  ": name a FILE, or set OKG_HOT_DIR");
  };
  const base::UniqueFd fd(program.os.open(AT_FDCWD, directory->c_str(), O_RDONLY | O_DIRECTORY));
  if (fd.get() == -ENOENT) return none("is not there");
  if (!fd) return base::error_from_errno(-fd.get(), "hot state directory " + *directory);
  std::vector<base::DirectoryEntry> entries;
  if (const int failed = program.os.list_directory(fd.get(), &entries); failed < 0)
    return base::error_from_errno(-failed, "hot state directory " + *directory);
  Words found;
  for (const base::DirectoryEntry& entry : entries)
    // What begins with a dot is being made.
    if (entry.name.ends_with(kEnding) && !entry.name.starts_with("."))
      found.push_back(*directory + "/" + entry.name);
  if (found.empty()) return none("holds no segment");
  std::sort(found.begin(), found.end());
  return found;
}

base::Result<std::unique_ptr<hot::Reader>> open_segment(const Program& program, const std::string& file) {
  return hot::Reader::open(program.os, file, program.interrupt.token());
}

std::string Columns::text() const {
  std::vector<std::size_t> widths;
  for (const Words& row : rows_) {
    widths.resize(std::max(widths.size(), row.size()));
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], row[i].size());
  }
  std::string text;
  for (const Words& row : rows_) {
    for (std::size_t i = 0; i < row.size(); ++i) {
      text += row[i];
      if (i + 1 < row.size()) text.append(widths[i] - row[i].size() + 2, ' ');
    }
    text += '\n';
  }
  return text;
}

const char* name_of(hot::EntryKind kind) {
  switch (kind) {
    case hot::EntryKind::table:
      return "table";
    case hot::EntryKind::journal:
      return "journal";
    default:
      return "region";
  }
}

std::string fields_of(const hot::Entry& entry) {
  return {entry.fields.data(), ::strnlen(entry.fields.data(), entry.fields.size())};
}

base::OrderedJson show_key(const hot::Entry& entry, std::string_view key) {
  if (entry.flavor == static_cast<std::uint64_t>(hot::KeyKind::u64) && key.size() == 8) {
    std::uint64_t number = 0;
    std::memcpy(&number, key.data(), sizeof number);
    return number;
  }
  const auto is_control = [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; };
  if (base::is_utf8(key) && !key.starts_with("0x") && std::ranges::none_of(key, is_control))
    return std::string(key);
  return "0x" + hex(key);
}

}  // namespace okg::cli
