#include "controller/podinfo.hpp"

#include <fcntl.h>

#include <cerrno>

#include "base/files.hpp"
#include "base/json.hpp"
#include "controller/keys.hpp"
#include "controller/object_reader.hpp"

namespace okg::controller {
namespace {

using base::Code;
using base::Error;

constexpr std::size_t kMostBytes = std::size_t{1}
                                   << 20;  // all annotations of an object: 256 KiB, before quoting

void append_utf8(std::string& out, std::uint32_t code) {
  if (code < 0x80) {
    out += static_cast<char>(code);
  } else if (code < 0x800) {
    out += static_cast<char>(0xc0 | (code >> 6));
    out += static_cast<char>(0x80 | (code & 0x3f));
  } else if (code < 0x10000) {
    out += static_cast<char>(0xe0 | (code >> 12));
    out += static_cast<char>(0x80 | ((code >> 6) & 0x3f));
    out += static_cast<char>(0x80 | (code & 0x3f));
  } else {
    out += static_cast<char>(0xf0 | (code >> 18));
    out += static_cast<char>(0x80 | ((code >> 12) & 0x3f));
    out += static_cast<char>(0x80 | ((code >> 6) & 0x3f));
    out += static_cast<char>(0x80 | (code & 0x3f));
  }
}

std::optional<std::uint32_t> hex(std::string_view digits) {
  std::uint32_t value = 0;
  for (const char c : digits) {
    value <<= 4;
    if (c >= '0' && c <= '9')
      value |= static_cast<std::uint32_t>(c - '0');
    else if (c >= 'a' && c <= 'f')
      value |= static_cast<std::uint32_t>(c - 'a' + 10);
    else if (c >= 'A' && c <= 'F')
      value |= static_cast<std::uint32_t>(c - 'A' + 10);
    else
      return std::nullopt;
  }
  return value;
}

// One of \x \u \U: how many digits follow.
std::size_t digits_after(char c) {
  return c == 'x' ? 2 : c == 'u' ? 4 : c == 'U' ? 8 : 0;
}

// A text as Go's strconv.Quote writes it; `text` moves behind the closing quote.
std::optional<std::string> unquote(std::string_view& text) {
  if (text.empty() || text.front() != '"') return std::nullopt;
  std::string out;
  for (std::size_t i = 1; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '"') {
      text.remove_prefix(i + 1);
      return out;
    }
    if (c != '\\') {
      out += c;
      continue;
    }
    if (++i == text.size()) return std::nullopt;
    const char escape = text[i];
    constexpr std::string_view kNames = "abfnrtv\\\"'", kValues = "\a\b\f\n\r\t\v\\\"'";
    if (const std::size_t at = kNames.find(escape); at != kNames.npos) {
      out += kValues[at];
      continue;
    }
    const std::size_t digits = digits_after(escape);
    if (digits == 0 || text.size() - i - 1 < digits) return std::nullopt;
    const auto value = hex(text.substr(i + 1, digits));
    if (!value || *value > 0x10ffff) return std::nullopt;
    if (digits == 2)
      out += static_cast<char>(*value);
    else
      append_utf8(out, *value);
    i += digits;
  }
  return std::nullopt;
}

// "" when there is none: a volume may have been made with less.
base::Result<std::string> read(base::Os& os, int directory, const char* name) {
  auto text = base::read_small_file(os, directory, name, kMostBytes, name);
  if (!text && text.error().code == Code::not_found) return std::string();
  return text;
}

Value copy_of(const Object& object, const char* label) {
  const std::string* value = object.label(label);
  return value == nullptr ? Value() : *value;
}

ObjectPtr build(const std::string& labels, const std::string& annotations, const std::string& network) {
  auto object = std::make_shared<Object>();
  object->labels = parse_podinfo(labels);
  object->annotations = parse_podinfo(annotations);
  object->ops_state = copy_of(*object, keys::kOpsState);
  object->update_priority = copy_of(*object, keys::kUpdatePriority);
  object->deletion_priority = copy_of(*object, keys::kDeletePriority);
  if (const Value disabled = copy_of(*object, keys::kNetworkDisabled))
    object->network_disabled = *disabled == "true";
  object->state = copy_of(*object, keys::kState).value_or("");
  object->lifecycle = copy_of(*object, keys::kLifecycle).value_or("");
  object->deleting = object->state == "Deleting";
  const std::string* status = network.empty() ? object->annotation(keys::kNetworkStatus) : &network;
  if (status != nullptr)
    if (const auto json = base::parse_json_object(*status, "network status", Code::io))
      object->network = read_network(*json);
  if (const std::string* type = object->annotation(keys::kNetworkType)) object->network.type = *type;
  if (object->network_disabled) object->network.desired = *object->network_disabled ? "NotReady" : "Ready";
  return object;
}

}  // namespace

std::map<std::string, std::string> parse_podinfo(std::string_view text) {
  std::map<std::string, std::string> out;
  while (!text.empty()) {
    const std::string_view line = text.substr(0, text.find('\n'));  // a line end in a value is escaped
    text.remove_prefix(std::min(line.size() + 1, text.size()));
    const std::size_t equals = line.find('=');
    if (equals == line.npos || equals == 0) continue;
    std::string_view value = line.substr(equals + 1);
    if (auto plain = unquote(value); plain && value.empty())
      out.insert_or_assign(std::string(line.substr(0, equals)), std::move(*plain));
  }
  return out;
}

base::Result<ObjectPtr> Podinfo::look() {
  // The link first: what is read then through the directory it led to belongs together.
  char target[256];
  base::UniqueFd root(os_.open(AT_FDCWD, directory_.c_str(), O_RDONLY | O_DIRECTORY));
  if (!root) return base::error_from_errno(-root.get(), "open " + directory_);
  const ssize_t length = os_.readlink(root.get(), "..data", target, sizeof target);
  const std::string data = length > 0 ? std::string(target, static_cast<std::size_t>(length)) : "";
  if (looked_ && !data.empty() && data == last_data_) return ObjectPtr();
  if (!data.empty()) {
    base::UniqueFd inner(os_.open(root.get(), data.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW));
    if (!inner)
      return base::error_from_errno(-inner.get(), "open " + directory_ + "/" + data);  // swapped: look again
    root = std::move(inner);
  }
  auto labels = read(os_, root.get(), "labels");
  if (!labels) return labels.error();
  auto annotations = read(os_, root.get(), "annotations");
  if (!annotations) return annotations.error();
  auto network = read(os_, root.get(), "network");
  if (!network) return network.error();
  if (labels->empty() && annotations->empty())
    return Error(Code::not_found,
                 directory_ + ": neither labels nor annotations: mount a downwardAPI volume with both");
  const bool same =
      looked_ && *labels == last_labels_ && *annotations == last_annotations_ && *network == last_network_;
  looked_ = true;
  last_data_ = data;
  if (same) return ObjectPtr();
  last_labels_ = std::move(*labels);
  last_annotations_ = std::move(*annotations);
  last_network_ = std::move(*network);
  return build(last_labels_, last_annotations_, last_network_);
}

ObjectPtr with_update_of(const ObjectPtr& pod, ObjectPtr gameserver) {
  if (!pod || !gameserver) return gameserver;
  auto both = std::make_shared<Object>(*gameserver);
  for (const char* key : {keys::kGrace, keys::kUpdateState, keys::kUpdatingContainers})
    if (const std::string* value = pod->annotation(key)) both->annotations[key] = *value;
  return both;
}

}  // namespace okg::controller
