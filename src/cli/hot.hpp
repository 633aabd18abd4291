// What the parts of `okg hot` share. Each returns the exit code.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "cli/command.hpp"
#include "hot/contents.hpp"
#include "hot/reader.hpp"

namespace okg::cli {

using Words = std::vector<std::string>;

int hot_ls(Program& program, const Words& files);
int hot_stat(Program& program, const Words& files);
int hot_get(Program& program, const Words& words);  // [FILE] TABLE KEY
int hot_verify(Program& program, const Words& files);
int hot_export(Program& program, const Words& files, const Value& table);
int hot_schema_diff(Program& program, const Words& words);  // A B

// Of opening: a file that is not there is the caller's mistake.
int fail_hot(const Program& program, const base::Error& error);
// What an error of a segment's insides is about.
base::Error about(const hot::Reader& reader, const base::Error& error);

// `files`, or the segments of the run: not_found when there are none.
base::Result<Words> segment_files(const Program& program, const Words& files);
base::Result<std::unique_ptr<hot::Reader>> open_segment(const Program& program, const std::string& file);

// A table for people: columns as wide as what is in them.
class Columns {
 public:
  void row(Words cells) { rows_.push_back(std::move(cells)); }
  std::string text() const;

 private:
  std::vector<Words> rows_;
};

const char* name_of(hot::EntryKind kind);
// The text of what a value of that entry's newest schema looks like.
std::string fields_of(const hot::Entry& entry);
// "42", "\"alice\"" as JSON, or "0x…" where bytes are no text.
base::OrderedJson show_key(const hot::Entry& entry, std::string_view key);

}  // namespace okg::cli
