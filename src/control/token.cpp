#include "control/token.hpp"

#include <fcntl.h>
#include <strings.h>

#include "base/files.hpp"

namespace okg::control {
namespace {

constexpr std::size_t kTokenLimit = 4096;

base::Result<std::string> read_token(base::Os& os, const std::string& path) {
  const std::size_t slash = path.rfind('/');
  const std::string directory = slash == path.npos ? "." : path.substr(0, slash + 1);
  const std::string name = slash == path.npos ? path : path.substr(slash + 1);
  base::UniqueFd parent(os.open(AT_FDCWD, directory.c_str(), O_PATH | O_DIRECTORY));
  if (parent.get() < 0) return base::error_from_errno(-parent.get(), "open " + directory);
  return base::read_small_file(os, parent.get(), name, kTokenLimit, path);
}

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

bool token_accepts(base::Os& os, const std::string& path, std::string_view authorization,
                   std::string* trouble) {
  trouble->clear();
  auto token = read_token(os, path);
  if (!token) {
    *trouble = "OKG_TOKEN_FILE: " + token.error().text + "; every request is refused";
    return false;
  }
  while (!token->empty() && (token->back() == '\n' || token->back() == '\r')) token->pop_back();
  if (token->empty()) {
    *trouble = "OKG_TOKEN_FILE: " + path + ": empty; every request is refused";
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
