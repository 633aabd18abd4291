#include "server/options.hpp"

#include "base/text.hpp"

namespace okg::server {
namespace {

using base::Code;
using base::Error;
using namespace std::chrono_literals;

base::Result<std::chrono::nanoseconds> duration(const base::Environment& environment, const char* variable,
                                                const std::optional<std::chrono::nanoseconds>& given,
                                                std::chrono::nanoseconds fallback) {
  if (given) return *given;
  const auto text = environment(variable);
  if (!text) return fallback;
  const auto parsed = base::parse_duration(*text);
  if (!parsed) return Error(Code::invalid_argument, std::string(variable) + ": " + parsed.error().text);
  return std::chrono::nanoseconds(*parsed);
}

std::string first(const std::string& given, const base::Environment& environment, const char* variable) {
  return given.empty() ? environment(variable).value_or("") : given;
}

}  // namespace

base::Result<Options> resolve(base::Os& os, const base::Environment& environment, const GivenOptions& given) {
  const auto level = base::log_level(environment, given.log_level);
  if (!level) return level.error();

  const auto name = base::server_name(environment, given.name);
  if (!name) return name.error();

  Options options;
  options.log = base::Log(given.log, given.log_user, *level);
  options.name = *name;
  options.server_version = given.server_version;
  options.identity = given.identity;
  options.quiet_period = given.quiet_period;
  const base::Directories directories = base::default_directories(os, environment, *name);
  options.hot_directory = directories.hot;
  options.payload_directory = given.payload_directory.empty() ? directories.payload : given.payload_directory;
  options.endpoint.run_directory = given.run_directory.empty() ? directories.run : given.run_directory;
  const bool off_cluster = base::off_cluster(os, environment);
  if (off_cluster && given.run_directory.empty()) options.own_directories.push_back(directories.run);
  if (off_cluster && given.payload_directory.empty() && !environment("OKG_PAYLOAD_DIR"))
    options.own_directories.push_back(directories.payload);
  options.endpoint.http = first(given.http, environment, "OKG_HTTP");
  options.endpoint.legacy_reload = first(given.legacy_reload, environment, "OKG_LEGACY_RELOAD");
  options.endpoint.token_file = first(given.token_file, environment, "OKG_TOKEN_FILE");
  const std::string host_network = environment("OKG_HOST_NETWORK").value_or("");
  if (!host_network.empty() && host_network != "0" && host_network != "1")
    return Error(Code::invalid_argument, "OKG_HOST_NETWORK: " + base::quote(host_network) + ": say 1 or 0");
  options.endpoint.host_network = host_network == "1";
  if (const auto fine = control::check_endpoint_options(options.endpoint); !fine) return fine.error();

  const auto tick = duration(environment, "OKG_TICK_TIMEOUT", given.tick_timeout, 5s);
  if (!tick) return tick.error();
  if (*tick < 1ms)
    return Error(Code::invalid_argument,
                 std::string(given.tick_timeout ? "options.tick_timeout_ns" : "OKG_TICK_TIMEOUT") +
                     ": shorter than 1ms");
  const auto probation = duration(environment, "OKG_PROBATION", given.probation, 10s);
  if (!probation) return probation.error();
  auto controller =
      resolve_controller(os, environment, directories.podinfo, given.controller, given.update_timeout_ns);
  if (!controller) return controller.error();
  options.controller = std::move(*controller);
  options.tick_timeout = *tick;
  options.probation = *probation;
  return options;
}

}  // namespace okg::server
