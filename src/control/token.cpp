#include "control/token.hpp"

#include <fcntl.h>
#include <strings.h>

#include "base/files.hpp"

namespace okg::control {
namespace {

constexpr std::size_t kTokenLimit = 4096;

// The time it takes depends on the length of what was offered only.
bool same(std::string_view secret, std::string_view offered) {
  unsigned difference = secret.size() == offered.size() ? 0 : 1;
  for (std::size_t i = 0; i < offered.size(); ++i) {
    const auto right = static_cast<unsigned char>(secret[i % secret.size()]);
    difference |= static_cast<unsigned>(static_cast<unsigned char>(offered[i]) ^ right);
  }
  volatile unsigned result = difference;  // keeps the loop from being left early
  return result == 0;
}

}  // namespace

base::Result<std::string> read_token(base::Os& os, const std::string& path) {
  const std::string what = "OKG_TOKEN_FILE: " + path;
  const auto bad = [&](const char* why) {
    return base::Error(base::Code::invalid_argument, what + ": " + why);
  };
  const base::UniqueFd fd(os.open(AT_FDCWD, path.c_str(), O_RDONLY | O_NONBLOCK));
  if (fd.get() < 0) return base::error_from_errno(-fd.get(), what);
  auto token = base::read_small_file(os, fd.get(), kTokenLimit, what);
  if (!token) return base::Error(base::Code::invalid_argument, token.error().text);
  token->resize(token->find_last_not_of("\r\n \t") + 1);  // npos + 1 is 0
  if (token->empty()) return bad("empty");
  for (const char c : *token)
    if (const auto byte = static_cast<unsigned char>(c); byte <= ' ' || byte == 0x7f)
      return bad("holds a blank or a control character");
  return token;
}

bool token_accepts(base::Os& os, const std::string& path, std::string_view authorization,
                   std::string* trouble) {
  trouble->clear();
  const auto token = read_token(os, path);
  if (!token) {
    *trouble = token.error().text + "; every request is refused";
    return false;
  }
  constexpr std::string_view kScheme = "Bearer ";
  if (authorization.size() <= kScheme.size() ||
      ::strncasecmp(authorization.data(), kScheme.data(), kScheme.size()) != 0)
    return false;
  authorization.remove_prefix(kScheme.size());
  while (!authorization.empty() && authorization[0] == ' ') authorization.remove_prefix(1);
  return same(*token, authorization);
}

}  // namespace okg::control
