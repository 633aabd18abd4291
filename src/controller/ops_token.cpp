#include "controller/ops_token.hpp"

#include "base/files.hpp"
#include "base/text.hpp"
#include "controller/values.hpp"

namespace okg::controller {
namespace {

using base::Code;
using base::Error;

constexpr std::string_view kNothing = "Unknown", kAgain = ".again", kUpdateOk = ".update-ok",
                           kDeleteOk = ".delete-ok";

bool take_end(std::string_view& text, std::string_view end) {
  if (!text.ends_with(end)) return false;
  text.remove_suffix(end.size());
  return true;
}

}  // namespace

std::string OpsToken::text() const {
  std::string out = state.empty() ? std::string(kNothing) : state;
  if (answer == Answer::update_ok) return out.append(kUpdateOk);
  if (answer == Answer::delete_ok) return out.append(kDeleteOk);
  return again ? out.append(kAgain) : out;
}

base::Result<OpsToken> parse_ops_token(std::string_view text) {
  while (text.ends_with('\n')) text.remove_suffix(1);
  Error none(Code::invalid_argument, base::quote(text) + ": no token of `okg probe ops`");
  OpsToken token;
  if (take_end(text, kUpdateOk))
    token.answer = OpsToken::Answer::update_ok;
  else if (take_end(text, kDeleteOk))
    token.answer = OpsToken::Answer::delete_ok;
  else
    token.again = take_end(text, kAgain);
  if (text == kNothing) return token;
  if (!check_ops_state(text)) return none;
  token.state = text;
  return token;
}

base::Result<OpsToken> read_ops_token(base::Os& os, int run_directory) {
  const auto text = base::read_small_file(os, run_directory, kOpsTokenFile, 256, kOpsTokenFile);
  if (!text && text.error().code == Code::not_found) return OpsToken{};
  if (!text) return text.error();
  return parse_ops_token(*text);
}

base::Status write_ops_token(base::Os& os, int run_directory, const OpsToken& token) {
  return base::replace_file(os, run_directory, kOpsTokenFile, token.text() + "\n", 0644);
}

std::vector<OpsToken> all_ops_tokens(const std::vector<std::string>& states) {
  std::vector<OpsToken> out;
  const auto add = [&](const std::string& state) {
    out.push_back({state, false, OpsToken::Answer::none});
    out.push_back({state, true, OpsToken::Answer::none});
    out.push_back({state, false, OpsToken::Answer::update_ok});
    out.push_back({state, false, OpsToken::Answer::delete_ok});
  };
  add("");
  for (const std::string& state : states) add(state);
  return out;
}

}  // namespace okg::controller
