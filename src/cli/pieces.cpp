#include "cli/pieces.hpp"

#include <algorithm>

#include "cli/yaml.hpp"
#include "controller/keys.hpp"
#include "controller/ops_token.hpp"

namespace okg::cli {
namespace {

using base::OrderedJson;
namespace keys = controller::keys;

constexpr char kProgram[] = "/okg/payload/bin/okg";

OrderedJson list() {
  return OrderedJson::array();
}

OrderedJson words(std::initializer_list<const char*> words) {
  OrderedJson out = list();
  for (const char* word : words) out.push_back(word);
  return out;
}

OrderedJson object(const char* version, const char* kind, const std::string& name,
                   const std::string& name_space = {}) {
  OrderedJson out{{"apiVersion", version}, {"kind", kind}, {"metadata", {{"name", name}}}};
  if (!name_space.empty()) out["metadata"]["namespace"] = name_space;
  return out;
}

// What a token makes of the GameServer. Only an answer lets a hook go; everything else arms it.
OrderedJson action_of(const controller::OpsToken& token, const std::string& hook) {
  OrderedJson action{{"state", true}, {"result", token.text()}};
  if (!token.state.empty()) action["opsState"] = token.state;
  if (token.answer == controller::OpsToken::Answer::delete_ok)
    action["labels"] = {{keys::kDeleteHook, "false"}};
  else if (!hook.empty())
    action["labels"] = {{hook, token.answer == controller::OpsToken::Answer::update_ok ? "false" : "true"}};
  return action;
}

OrderedJson ops_quality(const PieceOptions& options) {
  std::vector<std::string> states = {keys::kNone, keys::kAllocated, keys::kMaintaining,
                                     keys::kWaitToBeDeleted, keys::kKill};
  for (const std::string& own : options.ops_states)
    if (std::find(states.begin(), states.end(), own) == states.end()) states.push_back(own);
  OrderedJson actions = list();
  for (const auto& token : controller::all_ops_tokens(states))
    actions.push_back(action_of(token, options.hook));
  OrderedJson out;
  comment(out,
          "What the server reports where it may not use the API, one token of this closed set. Not where it "
          "may:");
  comment(out, "there it writes opsState itself, and the probe would overwrite newer values seconds later.");
  out["name"] = "ops";
  out["containerName"] = options.game;
  out["permanent"] = false;
  out["initialDelaySeconds"] = 1;
  out["periodSeconds"] = 1;
  out["timeoutSeconds"] = 2;
  out["exec"]["command"] = words({kProgram, "probe", "ops"});
  out["serviceQualityAction"] = std::move(actions);
  return out;
}

OrderedJson payload_quality(const PieceOptions& options) {
  OrderedJson out;
  comment(out, "Which version a server has in use, or why it has not: status.serviceQualitiesConditions.");
  out["name"] = "payload";
  out["containerName"] = options.sidecar;
  out["permanent"] = false;
  out["initialDelaySeconds"] = 1;
  out["periodSeconds"] = 5;
  out["timeoutSeconds"] = 3;
  out["exec"]["command"] = words({"/bin/okg", "ready", "--from", "/data", "--print-version"});
  return out;
}

OrderedJson field(const char* name, const char* path) {
  return {{"name", name}, {"valueFrom", {{"fieldRef", {{"fieldPath", path}}}}}};
}

OrderedJson file(const char* path, const char* field) {
  return {{"path", path}, {"fieldRef", {{"fieldPath", field}}}};
}

OrderedJson mount(const char* name, const char* path, bool read_only) {
  OrderedJson out{{"name", name}, {"mountPath", path}};
  if (read_only) out["readOnly"] = true;
  return out;
}

OrderedJson game_mounts() {
  OrderedJson out = list();
  out.push_back(mount("payload", "/okg/payload", true));
  out.push_back(mount("run", "/okg/run", false));
  out.push_back(mount("hot", "/okg/hot", false));
  out.push_back(mount("podinfo", "/etc/podinfo", true));
  return out;
}

OrderedJson sidecar_mounts() {
  OrderedJson out = list();
  out.push_back(mount("payload", "/okg/payload", false));
  out.push_back(mount("run", "/okg/run", false));
  return out;
}

OrderedJson volume_list() {
  OrderedJson items = list();
  items.push_back(file("labels", "metadata.labels"));
  items.push_back(file("annotations", "metadata.annotations"));
  items.push_back(file("network", "metadata.annotations['game.kruise.io/network-status']"));
  OrderedJson out = list();
  out.push_back({{"name", "payload"}, {"emptyDir", {{"sizeLimit", "1Gi"}}}});
  out.push_back({{"name", "run"}, {"emptyDir", {{"medium", "Memory"}, {"sizeLimit", "8Mi"}}}});
  out.push_back({{"name", "hot"}, {"emptyDir", {{"medium", "Memory"}, {"sizeLimit", "256Mi"}}}});
  out.push_back({{"name", "podinfo"}, {"downwardAPI", {{"items", std::move(items)}}}});
  return out;
}

OrderedJson env_list(const PieceOptions& options) {
  OrderedJson out = list();
  out.push_back(field("OKG_POD_NAME", "metadata.name"));
  out.push_back(field("OKG_POD_NAMESPACE", "metadata.namespace"));
  out.push_back(field("OKG_POD_UID", "metadata.uid"));
  out.push_back(field("OKG_POD_IP", "status.podIP"));
  out.push_back({{"name", "OKG_CONTAINER_NAME"}, {"value", options.game}});
  if (options.hook != keys::kUpdateHook)
    out.push_back({{"name", "OKG_UPDATE_HOOK"}, {"value", options.hook.empty() ? "-" : options.hook}});
  return out;
}

OrderedJson locked_down() {
  return {{"allowPrivilegeEscalation", false},
          {"readOnlyRootFilesystem", true},
          {"capabilities", {{"drop", words({"ALL"})}}}};
}

OrderedJson game_container(const PieceOptions& options) {
  OrderedJson out{{"name", options.game}};
  comment(out,
          "TODO: your server's image and ports. Kruise's default pull policy is Always: no restart without "
          "the registry.");
  out["image"] = "registry.example/" + options.name + ":1.0.0";
  out["imagePullPolicy"] = "IfNotPresent";
  out["env"] = env_list(options);
  comment(out, "The program comes with the sidecar; until it is there these probes count for nothing.");
  out["livenessProbe"] = {{"exec", {{"command", words({kProgram, "probe", "live"})}}},
                          {"periodSeconds", 5},
                          {"timeoutSeconds", 3},
                          {"failureThreshold", 6}};
  out["readinessProbe"] = {{"exec", {{"command", words({kProgram, "probe", "ready"})}}},
                           {"periodSeconds", 2},
                           {"timeoutSeconds", 3}};
  comment(out, "Hot state counts into the memory's limit.");
  out["resources"] = {{"requests", {{"cpu", "100m"}, {"memory", "320Mi"}}},
                      {"limits", {{"memory", "320Mi"}}}};
  out["securityContext"] = locked_down();
  out["volumeMounts"] = game_mounts();
  return out;
}

OrderedJson sidecar_container(const PieceOptions& options) {
  OrderedJson out;
  comment(out, "A container like any other: Kruise cannot replace an init container in place.");
  out["name"] = options.sidecar;
  comment(out, "TODO: the image with your payload, /data as `okg pack` leaves it, and /bin/okg.");
  out["image"] = "registry.example/" + options.name + "-payload:1";
  out["imagePullPolicy"] = "IfNotPresent";
  out["command"] = words({"/bin/okg", "publish", "--from", "/data", "--budget", "900Mi"});
  comment(out, "The gate: Ready is a sidecar whose payload the server has in use.");
  out["readinessProbe"] = {
      {"exec", {{"command", words({"/bin/okg", "ready", "--from", "/data", "--gate", "active"})}}},
      {"periodSeconds", 1},
      {"timeoutSeconds", 3},
      {"failureThreshold", 1}};
  out["resources"] = {{"requests", {{"cpu", "10m"}, {"memory", "64Mi"}}}, {"limits", {{"memory", "64Mi"}}}};
  out["securityContext"] = locked_down();
  out["volumeMounts"] = sidecar_mounts();
  return out;
}

}  // namespace

OrderedJson service_qualities(const PieceOptions& options) {
  OrderedJson out;
  out["serviceQualities"] = list();
  out["serviceQualities"].push_back(ops_quality(options));
  out["serviceQualities"].push_back(payload_quality(options));
  return out;
}

OrderedJson volumes(const PieceOptions& options) {
  OrderedJson out, game, sidecar;
  out["volumes"] = volume_list();
  game["name"] = options.game;
  game["volumeMounts"] = game_mounts();
  sidecar["name"] = options.sidecar;
  sidecar["volumeMounts"] = sidecar_mounts();
  out["containers"] = list();
  out["containers"].push_back(std::move(game));
  out["containers"].push_back(std::move(sidecar));
  return out;
}

OrderedJson environment(const PieceOptions& options) {
  OrderedJson out;
  comment(out, "Of container " + options.game + ".");
  out["env"] = env_list(options);
  return out;
}

OrderedJson game_server_set(const PieceOptions& options) {
  OrderedJson out = object("game.kruise.io/v1alpha1", "GameServerSet", options.name, options.name_space);
  OrderedJson& spec = out["spec"];
  spec["replicas"] = 3;
  comment(spec,
          "An update goes on to the next server when the last one is Ready. Only images may differ between "
          "versions:");
  comment(spec, "anything else makes new pods.");
  spec["updateStrategy"]["rollingUpdate"] = {{"podUpdatePolicy", "InPlaceIfPossible"}, {"maxUnavailable", 1}};
  OrderedJson labels{{"app", options.name}};
  if (!options.hook.empty()) {
    comment(spec, "Before an update Kruise waits until the server has let go of this label.");
    spec["lifecycle"]["inPlaceUpdate"]["labelsHandler"] = {{options.hook, "true"}};
    labels[options.hook] = "true";
  }
  spec["serviceQualities"] = list();
  if (!options.rbac) spec["serviceQualities"].push_back(ops_quality(options));
  spec["serviceQualities"].push_back(payload_quality(options));
  OrderedJson& gst = spec["gameServerTemplate"];
  gst["metadata"]["labels"] = std::move(labels);
  OrderedJson& pod = gst["spec"];
  if (options.rbac) pod["serviceAccountName"] = options.name;
  pod["automountServiceAccountToken"] = options.rbac;
  pod["securityContext"] = {{"runAsNonRoot", true},
                            {"runAsUser", 65532},
                            {"runAsGroup", 65532},
                            {"seccompProfile", {{"type", "RuntimeDefault"}}}};
  pod["containers"] = list();
  pod["containers"].push_back(game_container(options));
  pod["containers"].push_back(sidecar_container(options));
  pod["volumes"] = volume_list();
  return out;
}

std::vector<OrderedJson> role(const PieceOptions& options) {
  OrderedJson rights = object("rbac.authorization.k8s.io/v1", "Role", options.name, options.name_space);
  rights["rules"] = list();
  rights["rules"].push_back({{"apiGroups", words({"game.kruise.io"})},
                             {"resources", words({"gameservers"})},
                             {"verbs", words({"get", "list", "watch", "patch"})}});
  OrderedJson binding =
      object("rbac.authorization.k8s.io/v1", "RoleBinding", options.name, options.name_space);
  binding["roleRef"] = {{"apiGroup", "rbac.authorization.k8s.io"}, {"kind", "Role"}, {"name", options.name}};
  OrderedJson account{{"kind", "ServiceAccount"}, {"name", options.name}};
  if (options.name_space.empty())
    comment(binding,
            "TODO: their namespace, where nothing adds it: kustomize does, and okg manifest --namespace.");
  else
    account["namespace"] = options.name_space;
  binding["subjects"] = list();
  binding["subjects"].push_back(std::move(account));
  return {object("v1", "ServiceAccount", options.name, options.name_space), std::move(rights),
          std::move(binding)};
}

std::vector<OrderedJson> policy(const PieceOptions& options) {
  const std::string name = options.name + "-own-gameserver";
  const char* version = "admissionregistration.k8s.io/v1";
  OrderedJson out;
  comment(out,
          "The Role alone lets a server patch its siblings, and give itself another image. Kubernetes 1.30 "
          "and newer.");
  out.update(object(version, "ValidatingAdmissionPolicy", name));
  OrderedJson& spec = out["spec"];
  spec["failurePolicy"] = "Fail";
  spec["matchConstraints"]["resourceRules"] = list();
  spec["matchConstraints"]["resourceRules"].push_back({{"apiGroups", words({"game.kruise.io"})},
                                                       {"apiVersions", words({"*"})},
                                                       {"operations", words({"UPDATE"})},
                                                       {"resources", words({"gameservers"})}});
  comment(spec, "The service account of the servers, in any namespace. OKG's manager and people are others.");
  spec["matchConditions"] = list();
  spec["matchConditions"].push_back(
      {{"name", "a-game-server"},
       {"expression",
        "request.userInfo.username.matches('^system:serviceaccount:[^:]+:" + options.name + "$')"}});
  const auto rule = [&](const std::string& expression, const char* message) {
    spec["validations"].push_back({{"expression", expression}, {"message", message}});
  };
  spec["validations"] = list();
  rule("request.userInfo.username == 'system:serviceaccount:' + request.namespace + ':" + options.name +
           "' && request.userInfo.?extra[?'authentication.kubernetes.io/pod-name'].orValue([]) == "
           "[request.name]",
       "a game server may patch the GameServer of its own pod only");
  rule("object.spec.?containers == oldObject.spec.?containers",
       "a game server may not change spec.containers");
  rule(
      "object.metadata.?finalizers == oldObject.metadata.?finalizers && "
      "object.metadata.?ownerReferences == oldObject.metadata.?ownerReferences",
      "a game server may not change its finalizers and owners");
  OrderedJson binding = object(version, "ValidatingAdmissionPolicyBinding", name);
  binding["spec"] = {{"policyName", name}, {"validationActions", words({"Deny"})}};
  return {std::move(out), std::move(binding)};
}

}  // namespace okg::cli
