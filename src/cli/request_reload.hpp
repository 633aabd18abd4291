// What `okg reload` and `okg rollback` have in common: ask for a digest, wait for its outcome, say it in one
// line.
#pragma once

#include <string>

#include "base/json.hpp"
#include "cli/command.hpp"
#include "payload/digest.hpp"

namespace okg::cli {

struct ReloadRequest {
  std::string target;  // "/v1/reload"
  base::OrderedJson body;
  std::optional<payload::Digest> digest;  // what --to named
  bool to_last_good = false;              // without --to: what was good, not what is desired
  Value wait;                             // --wait as given
};

// The exit code.
int request_reload(Program& program, const ReloadRequest& request);

// --to as the digest it names, in either form; invalid_argument with flag and value.
base::Result<payload::Digest> parse_to(const std::string& text);

}  // namespace okg::cli
