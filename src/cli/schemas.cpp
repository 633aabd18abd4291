#include "cli/schemas.hpp"

#include <fcntl.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <map>

#include "base/text.hpp"
#include "cli/hot.hpp"
#include "hot/contents.hpp"
#include "hot/reader.hpp"

namespace okg::cli {
namespace {

using base::Code;
using base::Error;
using base::Result;

constexpr std::string_view kMarker = "okg.hot.schema/v1 ";  // include/okg/hot_value.hpp
constexpr std::size_t kMostText = 1272;
constexpr std::size_t kChunk = 1 << 20;

// As the program computes it: FNV-1a of the fields' text and the size.
std::uint64_t fingerprint_of(std::string_view fields, std::uint64_t bytes) {
  std::uint64_t hash = 0xCBF29CE484222325;
  const auto add = [&](std::uint64_t byte) { hash = (hash ^ byte) * 0x100000001B3; };
  for (const char c : fields) add(static_cast<unsigned char>(c));
  for (int shift = 0; shift < 64; shift += 8) add(bytes >> shift & 0xFF);
  return hash;
}

// "123 " at the front, which it takes away.
bool take_number(std::string_view* text, std::uint64_t* number) {
  const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), *number);
  const auto size = static_cast<std::size_t>(end - text->data());
  if (error != std::errc() || size >= text->size() || (*text)[size] != ' ') return false;
  text->remove_prefix(size + 1);
  return true;
}

// "Player 2 24 hp:u32@0": the name may hold blanks, what comes behind it cannot be taken for one.
std::optional<Schema> schema_from(std::string_view text) {
  for (std::size_t blank = text.find(' '); blank != text.npos; blank = text.find(' ', blank + 1)) {
    std::string_view rest = text.substr(blank + 1);
    Schema schema;
    if (blank == 0 || !take_number(&rest, &schema.version) || !take_number(&rest, &schema.bytes)) continue;
    const bool is_cut = kMarker.size() + text.size() + 1 >= kMostText;
    if (!is_cut && !parse_fields(rest)) continue;
    schema.name = base::one_line(text.substr(0, blank), 200);
    schema.fields = rest;
    if (!is_cut) schema.fingerprint = fingerprint_of(rest, schema.bytes);
    return schema;
  }
  return std::nullopt;
}

// The same text lies in a program as often as it was compiled in.
void add(std::map<std::string, Schema>* found, Schema schema) {
  const std::string name = schema.name;
  for (int number = 2;; ++number) {
    const auto [place, is_new] = found->try_emplace(schema.name, schema);
    if (is_new || (place->second.version == schema.version && place->second.bytes == schema.bytes &&
                   place->second.fields == schema.fields))
      return;
    schema.name = name + " #" + std::to_string(number);
  }
}

Result<Schemas> of_program(base::Os& os, int fd, const std::string& path, const std::stop_token& stop) {
  std::map<std::string, Schema> found;
  std::string bytes;
  for (off_t offset = 0;;) {
    if (stop.stop_requested()) return Error(Code::superseded, path + ": interrupted: run it again");
    const std::size_t kept = bytes.size();
    bytes.resize(kept + kChunk);
    ssize_t got = 0;
    do got = os.pread(fd, bytes.data() + kept, kChunk, offset);
    while (got == -EINTR);
    if (got < 0) return base::error_from_errno(static_cast<int>(-got), "read " + path);
    bytes.resize(kept + static_cast<std::size_t>(got));
    offset += got;
    const std::string_view all = bytes;
    // What begins further back may be cut off here, unless this is the end.
    const std::size_t end = got == 0 ? all.size() : all.size() - std::min(all.size(), kMostText);
    for (std::size_t at = all.find(kMarker); at < end; at = all.find(kMarker, at + 1)) {
      std::string_view text = all.substr(at + kMarker.size(), kMostText - kMarker.size());
      text = text.substr(0, text.find('\0'));
      if (auto schema = schema_from(text)) add(&found, *std::move(schema));
    }
    if (got == 0) break;
    bytes.erase(0, end);
  }
  Schemas schemas;
  for (auto& [name, schema] : found) schemas.all.push_back(std::move(schema));
  return schemas;
}

Result<Schemas> of_segment(base::Os& os, const std::string& path, std::stop_token stop) {
  const auto reader = hot::Reader::open(os, path, std::move(stop));
  if (!reader) return reader.error();
  const auto names = hot::names_in(**reader);
  if (!names) return Error(names.error().code, path + ": " + names.error().text);
  std::map<std::string, Schema> found;
  for (const hot::Named& named : *names) {
    const hot::Entry& entry = named.entry;
    Schema schema{base::one_line(named.name), entry.newest_version, entry.value_bytes, 0, {}};
    for (const hot::SchemaPrint& print : entry.schemas)
      if (print.version == schema.version) schema.fingerprint = print.fingerprint;
    schema.fields = fields_of(entry);
    add(&found, std::move(schema));
  }
  Schemas schemas{true, {}};
  for (auto& [name, schema] : found) schemas.all.push_back(std::move(schema));
  return schemas;
}

}  // namespace

Result<Schemas> schemas_of(base::Os& os, const std::string& path, std::stop_token stop) {
  const base::UniqueFd fd(os.open(AT_FDCWD, path.c_str(), O_RDONLY | O_NONBLOCK));
  if (!fd) return base::error_from_errno(-fd.get(), "open " + path);
  struct stat info{};
  if (const int failed = os.fstat(fd.get(), &info); failed < 0)
    return base::error_from_errno(-failed, "stat " + path);
  if (!S_ISREG(info.st_mode))
    return Error(Code::invalid_argument, path + ": is no regular file: name a segment or a program");
  std::array<char, 8> magic{};
  ssize_t got = 0;
  do got = os.pread(fd.get(), magic.data(), magic.size(), 0);
  while (got == -EINTR);
  if (got == static_cast<ssize_t>(magic.size()) && magic == hot::kMagic)
    return of_segment(os, path, std::move(stop));
  auto schemas = of_program(os, fd.get(), path, stop);
  if (schemas && schemas->all.empty())
    return Error(Code::invalid_argument,
                 path + ": holds no schema: name a segment, or a program with OKG_HOT_SCHEMA");
  return schemas;
}

}  // namespace okg::cli
