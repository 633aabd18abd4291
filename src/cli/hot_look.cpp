// okg hot ls, stat: what there is, and how full it is.
#include <array>
#include <cstdio>

#include "base/text.hpp"
#include "cli/hot.hpp"
#include "hot/journal.hpp"
#include "hot/statistics.hpp"

namespace okg::cli {
namespace {

using base::OrderedJson;
using base::Result;
using base::Status;
using hot::EntryKind;

struct Lag {
  std::uint64_t messages = 0, bytes = 0;
};

Result<Lag> lag_of(hot::Reader& reader, const hot::Named& named) {
  Lag lag;
  const auto read = hot::for_each_message(reader, named.at, [&](std::uint64_t, std::string_view message) {
    ++lag.messages;
    lag.bytes += hot::frame_bytes(message.size());
    return true;
  });
  if (!read) return read.error();
  return lag;
}

std::string fixed(double number, const char* unit) {
  std::array<char, 64> text{};
  const int size = std::snprintf(text.data(), text.size(), "%.2f%s", number, unit);
  return {text.data(), static_cast<std::size_t>(size)};
}

std::string number(std::uint64_t value) {
  return std::to_string(value);
}

// Calls `look` for each file; the worst exit code of all.
template <class Look>
int for_each_file(Program& program, const Words& files, Look&& look) {
  const auto found = segment_files(program, files);
  if (!found) return fail_hot(program, found.error());
  int code = kDone;
  for (const std::string& file : *found) {
    auto reader = open_segment(program, file);
    const Status looked = reader ? look(**reader) : Status(reader.error());
    if (!looked)
      code = std::max(code, fail_hot(program, reader ? about(**reader, looked.error()) : looked.error()));
    if (program.interrupt.requested()) return code;
  }
  return code == kDone ? program.done() : code;
}

Status ls(Program& program, hot::Reader& reader) {
  const auto names = hot::names_in(reader);
  if (!names) return names.error();
  Columns columns;
  columns.row({"KIND", "NAME", "SCHEMA", "COUNT", "BYTES"});
  OrderedJson entries = OrderedJson::array();
  for (const hot::Named& named : *names) {
    OrderedJson entry = {
        {"kind", name_of(named.kind())}, {"name", named.name}, {"schema", named.entry.newest_version}};
    std::string count = "-";
    std::uint64_t bytes = named.entry.value_bytes;
    if (named.kind() == EntryKind::table) {
      const auto counted = hot::table_counts(reader, named.entry);
      entry["records"] = counted.records;
      count = number(counted.records);
      bytes = counted.bytes;
    } else if (named.kind() == EntryKind::journal) {
      const auto lag = lag_of(reader, named);
      if (!lag) return lag.error();
      entry["messages"] = lag->messages;
      count = number(lag->messages);
      bytes = lag->bytes;
    }
    entry["bytes"] = bytes;
    columns.row({name_of(named.kind()), base::one_line(named.name), number(named.entry.newest_version), count,
                 base::format_size(bytes)});
    entries.push_back(std::move(entry));
  }
  if (program.flags.json)
    program.output.result_json({{"file", reader.path()}, {"entries", std::move(entries)}});
  else
    program.output.result_text(reader.path() + "\n" + columns.text());
  return {};
}

struct Row {
  OrderedJson json;
  std::string text;
};

Result<Row> stat_of(hot::Reader& reader, const hot::Named& named) {
  Row row{{{"kind", name_of(named.kind())}, {"name", named.name}, {"schema", named.entry.newest_version}},
          {}};
  if (named.kind() == EntryKind::table) {
    const auto table = hot::table_statistics(reader, named.at);
    if (!table) return table.error();
    row.json.update({{"records", table->records},
                     {"bytes", table->bytes},
                     {"index_cells", table->cells},
                     {"load_factor", table->load_factor()}});
    row.text = number(table->records) + " records, " + base::format_size(table->bytes) + ", index " +
               fixed(table->load_factor() * 100, " % full");
  } else if (named.kind() == EntryKind::journal) {
    const auto lag = lag_of(reader, named);
    if (!lag) return lag.error();
    row.json.update(
        {{"lag_messages", lag->messages}, {"lag_bytes", lag->bytes}, {"ring_bytes", named.entry.data_bytes}});
    row.text = number(lag->messages) + " messages, " + base::format_size(lag->bytes) + " of " +
               base::format_size(named.entry.data_bytes) + " not acknowledged";
  } else {
    const char* const mode =
        named.entry.flavor == static_cast<std::uint64_t>(hot::RegionMode::in_place) ? "in_place" : "diff";
    row.json.update({{"bytes", named.entry.value_bytes}, {"mode", mode}});
    row.text = base::format_size(named.entry.value_bytes) + ", " + mode;
  }
  return row;
}

std::string state_of(bool is_live, bool is_clean) {
  if (is_live) return "open: a process holds it";
  return is_clean ? "closed in good order" : "its process was killed";
}

Status stat(Program& program, hot::Reader& reader) {
  const auto pages = hot::page_statistics(reader);
  if (!pages) return pages.error();
  const hot::State state = reader.state();
  const hot::Header& header = reader.header();
  const bool is_live = reader.is_live(), is_clean = state.clean.word == 1;
  const std::uint64_t free = pages->pages[0] + pages->never_used;
  const std::uint64_t used = reader.bytes() - free * hot::kPageBytes;

  constexpr std::array<const char*, hot::kPageKinds> kinds = {
      "free", "slab", "", "index_leaf", "index_directory", "large", "named"};
  OrderedJson by_kind = OrderedJson::object();
  std::string kinds_text;
  const auto add_kind = [&](const char* kind, std::uint64_t count) {
    by_kind[kind] = count;
    kinds_text += (kinds_text.empty() ? "" : ", ") + number(count) + " " + kind;
  };
  for (std::size_t i = 0; i < kinds.size(); ++i)
    if (*kinds[i] != '\0') add_kind(kinds[i], pages->pages[i]);
  add_kind("never_used", pages->never_used);
  if (pages->without_meaning != 0) add_kind("without_meaning", pages->without_meaning);

  const auto names = hot::names_in(reader);
  if (!names) return names.error();
  Columns columns;
  columns.row({"state", state_of(is_live, is_clean) + ", epoch " + number(state.epoch.word)});
  columns.row({"format", number(header.major) + "." + number(header.minor) + ", " + number(header.shards) +
                             " shards, id " + base::to_hex(header.id.data(), header.id.size())});
  columns.row({"bytes", base::format_size(used) + " in use, " + base::format_size(reader.bytes()) +
                            " allocated, " + base::format_size(header.max_bytes) + " at most"});
  columns.row({"pages", kinds_text});
  columns.row({"slots", number(pages->used_slots) + " in use of " + number(pages->slots) + " in " +
                            number(pages->slabs) + " slabs, " + fixed(pages->fragmentation(), " % free")});
  OrderedJson entries = OrderedJson::array();
  for (const hot::Named& named : *names) {
    auto row = stat_of(reader, named);
    if (!row) return row.error();
    columns.row({std::string(name_of(named.kind())) + " " + base::one_line(named.name),
                 row->text + ", schema " + number(named.entry.newest_version)});
    entries.push_back(std::move(row->json));
  }
  if (!program.flags.json) {
    program.output.result_text(reader.path() + "\n" + columns.text());
    return {};
  }
  program.output.result_json({{"file", reader.path()},
                              {"live", is_live},
                              {"clean", is_clean},
                              {"epoch", state.epoch.word},
                              {"format", number(header.major) + "." + number(header.minor)},
                              {"id", base::to_hex(header.id.data(), header.id.size())},
                              {"shards", header.shards},
                              {"bytes_used", used},
                              {"bytes_allocated", reader.bytes()},
                              {"bytes_max", header.max_bytes},
                              {"pages", std::move(by_kind)},
                              {"slabs", pages->slabs},
                              {"slots", pages->slots},
                              {"slots_used", pages->used_slots},
                              {"fragmentation_percent", pages->fragmentation()},
                              {"entries", std::move(entries)}});
  return {};
}

}  // namespace

int hot_ls(Program& program, const Words& files) {
  return for_each_file(program, files, [&](hot::Reader& reader) { return ls(program, reader); });
}

int hot_stat(Program& program, const Words& files) {
  return for_each_file(program, files, [&](hot::Reader& reader) { return stat(program, reader); });
}

}  // namespace okg::cli
