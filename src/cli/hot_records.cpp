// okg hot get, export: what is in it.
#include <charconv>

#include "base/text.hpp"
#include "cli/fields.hpp"
#include "cli/hot.hpp"

namespace okg::cli {
namespace {

using base::Code;
using base::Error;
using base::OrderedJson;
using base::Result;
using base::Status;
using hot::EntryKind;

constexpr std::uint64_t kMostRegion = 64ULL << 20;  // that is shown

Result<std::string> parse_key(const hot::Entry& entry, const std::string& text) {
  const auto wrong = [&](const char* why) {
    return Error(Code::invalid_argument, "key " + base::quote(text) + ": " + why);
  };
  std::string key;
  if (entry.flavor == static_cast<std::uint64_t>(hot::KeyKind::u64)) {
    std::uint64_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc() || end != text.data() + text.size())
      return wrong("is no number: the table's keys are");
    key.assign(reinterpret_cast<const char*>(&number), sizeof number);
    return key;
  }
  if (!text.starts_with("0x")) {
    key = text;
  } else {
    if (text.size() % 2 != 0) return wrong("has an odd number of hex digits");
    for (std::size_t at = 2; at < text.size(); at += 2) {
      unsigned char byte = 0;
      const auto [end, error] = std::from_chars(text.data() + at, text.data() + at + 2, byte, 16);
      if (error != std::errc() || end != text.data() + at + 2) return wrong("is no hex");
      key += static_cast<char>(byte);
    }
  }
  if (key.empty() || key.size() > hot::kMostKeyBytes) return wrong("a key has 1 to 64 bytes");
  return key;
}

// What the entry's text says of its newest schema says nothing of others.
OrderedJson value_as(const hot::Entry& entry, std::uint64_t schema, std::string_view value) {
  return show_value(schema == entry.newest_version ? fields_of(entry) : "", value);
}

OrderedJson record_as(const Program& program, const hot::Named& table, const hot::Record& record) {
  OrderedJson json = {
      {"table", table.name}, {"key", show_key(table.entry, record.key)}, {"schema", record.header.schema}};
  if (record.deadline_ns != 0)
    json["deadline_ms"] =
        (static_cast<std::int64_t>(record.deadline_ns) - program.os.boottime_ns()) / 1'000'000;
  json["value"] = value_as(table.entry, record.header.schema, record.value);
  return json;
}

Result<const hot::Named*> find_table(const std::vector<hot::Named>& names, const std::string& name) {
  std::string list;
  for (const hot::Named& named : names) {
    if (named.kind() != EntryKind::table) continue;
    if (named.name == name) return &named;
    list += (list.empty() ? "" : ", ") + base::one_line(named.name);
  }
  return Error(Code::not_found, "table " + base::quote(name) + ": there is none" +
                                    (list.empty() ? std::string() : ": there are " + list));
}

std::string text_of(const OrderedJson& json) {
  return json.is_string() ? base::one_line(json.get<std::string>(), 4096) : base::dump(json);
}

void show_record(Program& program, const OrderedJson& json) {
  const OrderedJson& value = json["value"];
  if (value.size() == 1 && value.contains("hex")) {
    program.output.result(value["hex"].get<std::string>());
    return;
  }
  Columns columns;
  for (const auto& [name, field] : value.items()) columns.row({name, text_of(field)});
  program.output.result_text(columns.text());
}

class Exporter {
 public:
  Exporter(Program& program, hot::Reader& reader, bool names_file)
      : program_(program), reader_(reader), names_file_(names_file) {}

  Status run(const Value& only) {
    const auto names = hot::names_in(reader_);
    if (!names) return names.error();
    if (only) {
      const auto table = find_table(*names, *only);
      if (!table) return table.error();
      return records(**table);
    }
    for (const EntryKind kind : {EntryKind::table, EntryKind::journal, EntryKind::region})
      for (const hot::Named& named : *names) {
        if (named.kind() != kind) continue;
        const Status done = kind == EntryKind::table     ? records(named)
                            : kind == EntryKind::journal ? messages(named)
                                                         : region(named);
        if (!done) return done;
      }
    return {};
  }
  bool is_whole() const { return is_whole_; }

 private:
  bool print(OrderedJson json) {
    if (names_file_) json["file"] = reader_.path();
    program_.output.result_json(json);
    return program_.output.result_alive();
  }
  void leave_out(const std::string& what) {
    is_whole_ = false;
    program_.fail(kFailed, about(reader_, Error(Code::corrupt, what)).text);
  }

  Status records(const hot::Named& table) {
    std::uint64_t damaged = 0;
    const auto done = hot::for_each_record(
        reader_, table.at,
        [&](const hot::Record& record) { return print(record_as(program_, table, record)); }, &damaged);
    if (damaged != 0)
      leave_out("table " + base::quote(table.name) + ": " + std::to_string(damaged) +
                " records are damaged and left out: see okg hot verify");
    return done;
  }
  Status messages(const hot::Named& journal) {
    const std::uint64_t schema = journal.entry.newest_version;
    return hot::for_each_message(reader_, journal.at, [&](std::uint64_t sequence, std::string_view message) {
      return print({{"journal", journal.name},
                    {"sequence", sequence},
                    {"schema", schema},
                    {"value", value_as(journal.entry, schema, message)}});
    });
  }
  Status region(const hot::Named& region) {
    const auto bytes = reader_.region(region.at, kMostRegion);
    if (!bytes && bytes.error().code == Code::unsupported) {
      leave_out("region " + base::quote(region.name) + ": is larger than " + base::format_size(kMostRegion) +
                ": left out");
      return {};
    }
    if (!bytes) return bytes.error();
    const std::uint64_t schema = region.entry.newest_version;
    print({{"region", region.name}, {"schema", schema}, {"value", value_as(region.entry, schema, *bytes)}});
    return {};
  }

  Program& program_;
  hot::Reader& reader_;
  bool names_file_, is_whole_ = true;
};

}  // namespace

int hot_get(Program& program, const Words& words) {
  if (words.size() < 2 || words.size() > 3)
    return program.fail(kUsage, "TABLE KEY: are needed: okg hot get [FILE] TABLE KEY");
  const auto files = segment_files(program, words.size() == 3 ? Words{words.front()} : Words{});
  if (!files) return fail_hot(program, files.error());
  if (files->size() > 1)
    return program.fail(kUsage, "FILE: is needed: the run has " + std::to_string(files->size()) +
                                    " segments, " + files->front() + " and others");
  const std::string &name = words[words.size() - 2], &text = words.back();
  const auto reader = open_segment(program, files->front());
  if (!reader) return fail_hot(program, reader.error());
  const auto names = hot::names_in(**reader);
  if (!names) return fail_hot(program, about(**reader, names.error()));
  const auto table = find_table(*names, name);
  if (!table) return program.fail(about(**reader, table.error()));
  const auto key = parse_key((*table)->entry, text);
  if (!key) return fail_hot(program, key.error());
  const auto record = hot::find_record(**reader, (*table)->at, *key);
  if (!record) return fail_hot(program, about(**reader, record.error()));
  if (!*record)
    return program.fail(kFailed,
                        "table " + base::quote(name) + ": key " + base::quote(text) + ": is not there");
  const OrderedJson json = record_as(program, **table, **record);
  if (program.flags.json)
    program.output.result_json(json);
  else
    show_record(program, json);
  return program.done();
}

int hot_export(Program& program, const Words& files, const Value& table) {
  const auto found = segment_files(program, files);
  if (!found) return fail_hot(program, found.error());
  bool is_whole = true;
  for (const std::string& file : *found) {
    const auto reader = open_segment(program, file);
    if (!reader) return fail_hot(program, reader.error());
    Exporter exporter(program, **reader, found->size() > 1);
    if (const auto done = exporter.run(table); !done) return program.fail(about(**reader, done.error()));
    is_whole = is_whole && exporter.is_whole();
  }
  return is_whole ? program.done() : kFailed;
}

}  // namespace okg::cli
