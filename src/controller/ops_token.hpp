// What `okg probe ops` prints, run by kruise-daemon as a service quality: one token of a closed set, whose
// actions in the GameServerSet do without rights what a patch would do. <run>/ops holds it, so that it stays
// while the server restarts.
//
// A container can have but one service quality that is reliable (facts 3.5), so one token says both: the
// opsState, and the answer to an update or deletion that waits. OKG acts on a token that differs from the one
// before: ".again" says a state once more that somebody else has changed since.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "base/os.hpp"

namespace okg::controller {

inline constexpr char kOpsTokenFile[] = "ops";

struct OpsToken {
  enum class Answer { none, update_ok, delete_ok };
  std::string state;  // "": nothing is said of it
  bool again = false;
  Answer answer = Answer::none;

  // "Unknown" "Allocated" "None.again" "Allocated.update-ok" "Unknown.delete-ok"
  std::string text() const;
  bool operator==(const OpsToken&) const = default;
};

// invalid_argument: it is none.
base::Result<OpsToken> parse_ops_token(std::string_view text);

// Without a file: the token that says nothing.
base::Result<OpsToken> read_ops_token(base::Os& os, int run_directory);
base::Status write_ops_token(base::Os& os, int run_directory, const OpsToken& token);

// Every token there is for these states, the one that says nothing first.
std::vector<OpsToken> all_ops_tokens(const std::vector<std::string>& states);

}  // namespace okg::controller
