#include "kube/token.hpp"

#include <algorithm>

namespace okg::kube {
namespace {

using base::Code;
using base::Error;

constexpr std::size_t kTokenLimit = 64 * 1024;  // a bound one has about 1 KiB
constexpr std::int64_t kInterval = 1'000'000'000;

// What can stand in a header without ending it.
bool fits_header(std::string_view token) {
  return std::all_of(token.begin(), token.end(), [](char c) { return c > ' ' && c < 0x7f; });
}

}  // namespace

Token::Token(base::Os& os, std::string path, base::Log log)
    : os_(os), log_(log), file_(os, std::move(path), kTokenLimit) {}

// The last good token stays in use: it may be accepted for long.
void Token::keep(Error error) {
  if (!value_.empty() && error.text != trouble_.text)
    log_.warn("kube", error.text + ": the token read before stays in use");
  trouble_ = std::move(error);
}

void Token::look(bool at_once) {
  const std::int64_t now = os_.monotonic_ns();
  if (!at_once && looked_ && now - looked_ns_ < kInterval) return;
  looked_ = true;
  looked_ns_ = now;
  auto content = file_.read_if_changed(at_once);
  if (!content) return keep(content.error());
  if (!*content) return;
  std::string token = **std::move(content);
  token.resize(token.find_last_not_of("\r\n \t") + 1);  // npos + 1 is 0
  if (token.empty()) return keep(Error(Code::denied, file_.path() + ": empty: no token"));
  if (!fits_header(token))
    return keep(Error(Code::denied, file_.path() + ": holds a blank or a control character: no token"));
  value_ = std::move(token);
  trouble_ = {};
}

base::Result<std::string> Token::get() {
  look(false);
  if (value_.empty()) return trouble_;
  return value_;
}

bool Token::renewed_since(std::string_view used) {
  look(true);
  return !value_.empty() && value_ != used;
}

}  // namespace okg::kube
