// GET /v1/status, schema okg.status/v1, as values. It comes from a process that may be broken or hostile:
// texts are made fit for one line of a terminal, what is malformed is absent.
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "base/json.hpp"
#include "cli/controller_status.hpp"
#include "payload/digest.hpp"

namespace okg::cli {

struct PayloadName {
  std::optional<payload::Digest> digest;
  std::string version;
  std::string since;
  bool unverified = false;
};

// One attempt at a digest, or a refusal that is remembered.
struct Attempt {
  std::optional<payload::Digest> digest;
  std::string version;
  std::string result;  // "active" "failed" "superseded" "rolled_back"
  std::string stage, component, code, text;
  bool retriable = false;
  std::uint64_t attempt = 0;
  std::optional<std::uint64_t> detect_us, verify_us, prepare_us, commit_us, total_us;
};

// A rollback on request that holds: what is desired is not taken into use, `to` is.
struct Hold {
  payload::Digest desired, to;
};

struct ServerStatus {
  base::Json json;  // all of it
  std::string instance, server_version, okg, state, watch;
  std::optional<std::uint64_t> pid, tick_age_ms;
  bool ready = false;
  std::string not_ready_reason;
  std::string trouble;  // what hinders the server without stopping it
  std::optional<PayloadName> active, desired;
  std::optional<payload::Digest> last_good;
  std::optional<payload::Digest> working_on;  // being verified, prepared or committed now
  std::optional<Hold> hold;
  bool inconsistent = false;  // what is in use is in parts only
  std::set<payload::Digest> in_use;
  std::vector<Attempt> refused;
  std::optional<Attempt> last;
  std::uint64_t ok = 0, failed = 0, superseded = 0, rolled_back = 0;
  std::optional<ControllerStatus> controller;
  std::optional<StartStatus> start;
};

// bad_manifest when it is not a JSON object of this schema. Also takes the answer to a failed request, which
// has the status inside.
base::Result<ServerStatus> parse_status(std::string_view body);

enum class Outcome { none, active, failed, superseded, rolled_back };

struct OutcomeOf {
  Outcome outcome = Outcome::none;
  Attempt attempt;  // of a failure: where and why
};

// What the status says about `digest`. A failure that will be retried is none; active is what is in use as a
// whole.
OutcomeOf outcome_of(const ServerStatus& status, const payload::Digest& digest);

// The failure of `digest` that the status remembers, also one that will be retried.
std::optional<Attempt> failure_of(const ServerStatus& status, const payload::Digest& digest);

// Is `digest` refused, as the server remembers it? Of what is only in `last` another attempt may be running.
bool is_refused(const ServerStatus& status, const payload::Digest& digest);

// "2.4.0" if the status tells the version of `digest`, else its first digits.
std::string version_or_digest(const ServerStatus& status, const payload::Digest& digest);

// Why something was rolled back: "on request, to 2.4.0, until something newer is published".
std::string describe_hold(const ServerStatus& status, const Hold& hold);

// "prepare(scripts)", "prepare", "" when it is not known.
std::string place_of(const Attempt& attempt);
// "reload of 2.4.1 failed at prepare(scripts): a.lua:3: '=' expected".
std::string describe_failure(const std::string& version, const Attempt& attempt);

// The first 12 digits: enough for people.
std::string short_digest(const payload::Digest& digest);

}  // namespace okg::cli
