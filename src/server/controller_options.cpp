#include "server/controller_options.hpp"

#include <fcntl.h>

#include <functional>
#include <initializer_list>
#include <map>
#include <optional>
#include <string_view>
#include <utility>

#include "base/text.hpp"
#include "controller/keys.hpp"
#include "controller/values.hpp"
#include "kube/config.hpp"

namespace okg::server {
namespace {

using base::Code;
using base::Error;
using Kind = ControllerOptions::Kind;

bool is_there(base::Os& os, const std::string& path) {
  struct stat info{};
  return os.stat(AT_FDCWD, path.c_str(), &info) == 0;
}

base::Result<Kind> kind_of(base::Os& os, const base::Environment& environment, const std::string& podinfo,
                           const std::string& wanted) {
  if (wanted == "off") return Kind::off;
  if (wanted == "local") return Kind::local;
  if (wanted == "downward") return Kind::downward;
  if (wanted == "kubernetes") return Kind::kubernetes;
  if (!wanted.empty() && wanted != "auto")
    return Error(Code::invalid_argument,
                 "OKG_CONTROLLER: " + base::quote(wanted) + ": say kubernetes, downward, local, off or auto");
  if (kube::in_cluster_config(os, environment)) return Kind::kubernetes;
  return is_there(os, podinfo) ? Kind::downward : Kind::local;
}

// A label's key; "-" switches the hook off.
base::Result<std::string> hook(const base::Environment& environment, const char* variable,
                               const char* fallback) {
  std::string key = environment(variable).value_or(fallback);
  if (key == "-") return std::string();
  if (const auto fine = controller::check_key(key); !fine)
    return Error(Code::invalid_argument, std::string(variable) + ": " + fine.error().text);
  return key;
}

base::Environment remembered(const base::Environment& environment, std::initializer_list<const char*> names) {
  std::map<std::string, std::string, std::less<>> values;
  for (const char* name : names)
    if (auto value = environment(name)) values.emplace(name, *std::move(value));
  return [values = std::move(values)](const char* name) -> std::optional<std::string> {
    const auto found = values.find(std::string_view(name));
    return found == values.end() ? std::nullopt : std::optional(found->second);
  };
}

base::Result<std::string> object_name(const base::Environment& environment, const char* variable) {
  std::string name = environment(variable).value_or("");
  if (name.empty()) return name;
  if (const auto fine = controller::check_object_name(name); !fine)
    return Error(Code::invalid_argument, std::string(variable) + ": " + fine.error().text);
  return name;
}

}  // namespace

base::Result<ControllerOptions> resolve_controller(base::Os& os, const base::Environment& environment,
                                                   const std::string& podinfo_directory,
                                                   const std::string& given, std::int64_t patience_ns) {
  ControllerOptions out;
  const auto kind = kind_of(os, environment, podinfo_directory,
                            given.empty() ? environment("OKG_CONTROLLER").value_or("") : given);
  if (!kind) return kind.error();
  out.kind = *kind;
  out.podinfo_directory = podinfo_directory;
  // A pod's host name is its own, unless somebody has set another.
  auto pod_name = object_name(environment, "OKG_POD_NAME");
  if (pod_name && pod_name->empty()) pod_name = object_name(environment, "HOSTNAME");
  auto pod_namespace = object_name(environment, "OKG_POD_NAMESPACE");
  if (out.kind == Kind::kubernetes) {
    if (!pod_name) return pod_name.error();
    if (!pod_namespace) return pod_namespace.error();
    if (pod_name->empty())
      return Error(Code::invalid_argument,
                   "OKG_POD_NAME: not set, nor is HOSTNAME: which pod is this? (fieldRef metadata.name)");
  }
  if (pod_name) out.pod_name = *std::move(pod_name);
  if (pod_namespace) out.pod_namespace = *std::move(pod_namespace);
  out.pod_uid = environment("OKG_POD_UID").value_or("");
  out.pod_ip = environment("OKG_POD_IP").value_or("");
  out.container = environment("OKG_CONTAINER_NAME").value_or("");
  out.api = remembered(environment, {"KUBERNETES_SERVICE_HOST", "KUBERNETES_SERVICE_PORT",
                                     "KUBERNETES_SERVICE_PORT_HTTPS", "OKG_SERVICE_ACCOUNT_DIR"});
  auto update = hook(environment, "OKG_UPDATE_HOOK", controller::keys::kUpdateHook);
  if (!update) return update.error();
  auto deletion = hook(environment, "OKG_DELETE_HOOK", controller::keys::kDeleteHook);
  if (!deletion) return deletion.error();
  out.handshake.update_hook = std::move(*update);
  out.handshake.delete_hook = std::move(*deletion);
  if (patience_ns > 0) {
    out.handshake.patience = patience_ns;
  } else if (const auto text = environment("OKG_UPDATE_TIMEOUT")) {
    const auto patience = base::parse_duration(*text);
    if (!patience) return Error(Code::invalid_argument, "OKG_UPDATE_TIMEOUT: " + patience.error().text);
    out.handshake.patience = std::chrono::nanoseconds(*patience).count();
  }
  return out;
}

}  // namespace okg::server
