"""examples/kubernetes: what the API server says to each overlay, and what its policy lets a server do."""
import json
import os

import images
from cluster import Failure, Skip, at, expect, good, kubectl, run, wait_until
from examples import manifests, objects, of_kind, own_policy

NEEDS = "api"
ACCOUNT = "game-2048"


def create(case, *things, dry_run=True):
    """Creates objects, and bears no field that the API server does not know."""
    for thing in things:
        words = ["create", "--validate=strict", "-f", "-"] + (["--dry-run=server"] if dry_run else [])
        answer = kubectl("-n", case.namespace, *words, text=json.dumps(thing))
        expect(not answer.code, f"{thing['kind']} {thing['metadata']['name']}: {answer.err}")


def pod_of(server_set):
    """The pod that a set makes. Within a GameServerSet nobody looks at the template's fields; in a pod they do."""
    template = server_set["spec"]["gameServerTemplate"]
    return {"apiVersion": "v1", "kind": "Pod", "spec": template["spec"],
            "metadata": {"name": server_set["metadata"]["name"] + "-0", **template["metadata"]}}


def check(case, overlay, kinds):
    things = manifests(case, overlay)
    expect(sorted(thing["kind"] for thing in things) == sorted(kinds), f"there is {[thing['kind'] for thing in things]}")
    create(case, *things)
    server_set = of_kind(things, "GameServerSet")
    template = server_set["spec"]["gameServerTemplate"]
    expect(set(template) <= {"metadata", "spec"}, f"in the template: {sorted(template)}")
    account = template["spec"].get("serviceAccountName")
    if account:
        create(case, of_kind(things, "ServiceAccount"), dry_run=False)
    create(case, pod_of(server_set))
    return server_set


def test_no_rbac(case):
    server_set = check(case, "overlays/no-rbac", ["GameServerSet"])
    template = server_set["spec"]["gameServerTemplate"]
    expect(template["spec"]["automountServiceAccountToken"] is False, "the pods get a token that they have no use for")
    # Every token of the closed set has its one action, which says the hook label too.
    hook, value = at(server_set, "spec", "lifecycle", "inPlaceUpdate", "labelsHandler").copy().popitem()
    expect(template["metadata"]["labels"].get(hook) == value, "the template does not have the hook's label")
    actions = {one["result"]: one for one in server_set["spec"]["serviceQualities"][0]["serviceQualityAction"]}
    expect(len(actions) == 24, f"there are {len(actions)} actions")
    for state in ("Unknown", "None", "Allocated", "Maintaining", "WaitToBeDeleted", "Kill"):
        ops_state = {} if state == "Unknown" else {"opsState": state}
        for end, labels in (("", {hook: value}), (".again", {hook: value}), (".update-ok", {hook: "false"}),
                            (".delete-ok", {"gs-sync/delete-block": "false"})):
            wanted = {"state": True, "result": state + end, "labels": labels} | ops_state
            expect(actions.get(state + end) == wanted, f"{state}{end} does {actions.get(state + end)}")


def test_with_rbac(case):
    server_set = check(case, "overlays/with-rbac", [
        "GameServerSet", "ServiceAccount", "Role", "RoleBinding",
        "ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding"])
    names = [one["name"] for one in server_set["spec"]["serviceQualities"]]
    expect(names == ["payload"], f"the service qualities are {names}")


def test_nginx(case):
    server_set = check(case, "nginx", ["GameServerSet"])
    containers = server_set["spec"]["gameServerTemplate"]["spec"]["containers"]
    expect([one["name"] for one in containers] == ["game", "payload"], "the service qualities' containers are not there")


def test_strict(case):
    """The check above finds a field that nobody knows, in the set itself and in its template."""
    server_set = of_kind(manifests(case, "overlays/no-rbac"), "GameServerSet")
    server_set["spec"]["gameServerTemplate"]["spec"]["containers"][0]["imagePullPolice"] = "Never"
    create(case, server_set)  # as everybody's cluster does: kept, and of no effect
    for broken in (pod_of(server_set), server_set | {"spec": server_set["spec"] | {"updateStrategie": {}}}):
        try:
            create(case, broken)
        except Failure as failure:
            expect("unknown field" in str(failure), f"another reason: {failure}")
        else:
            raise Failure(f"a {broken['kind']} with an unknown field was taken")


def okg_manifest(case, *words):
    """The objects that `okg manifest` prints as YAML, by the build's program."""
    program = os.path.join(images.BUILD, "okg")
    if not os.access(program, os.X_OK):
        raise Skip(f"{program}: not built: build first, or set OKG_BUILD_DIR")
    return objects(good(run(program, "manifest", "--namespace", case.namespace, *words)))


def test_okg_manifest(case):
    """What `okg manifest` prints is taken, and says what the examples say."""
    for overlay, words in (("overlays/with-rbac", []), ("overlays/no-rbac", ["--no-rbac"])):
        printed = okg_manifest(case, "--name", ACCOUNT, *words)
        wanted = manifests(case, overlay)
        for thing in printed:
            own_policy(case, thing)
        create(case, *printed)
        example = of_kind(wanted, "GameServerSet")["spec"]["gameServerTemplate"]["spec"]
        pod = of_kind(printed, "GameServerSet")["spec"]["gameServerTemplate"]["spec"]
        if "serviceAccountName" in pod:
            create(case, of_kind(printed, "ServiceAccount"), dry_run=False)
        create(case, pod_of(of_kind(printed, "GameServerSet")))
        # The example has images and a port of its own.
        del example["containers"][0]["ports"]
        for one, other in zip(example["containers"], pod["containers"]):
            one["image"] = other["image"]
        printed, wanted = (sorted(things, key=lambda one: one["kind"]) for things in (printed, wanted))
        for one, other in zip(printed, wanted, strict=True):
            expect(one == other, f"{one['kind']}: okg manifest says {one}, the example {other}")


def test_okg_manifest_odd_names(case):
    """Names that YAML could take for something else, states and a hook of one's own."""
    hook = "gs-sync/0"
    server_set = of_kind(okg_manifest(case, "--no-rbac", "--name", "null", "--game", "1e3", "--sidecar", "true",
                                      "--hook", hook, "--ops-state", "1.0", "--ops-state", "yes"), "GameServerSet")
    create(case, server_set, pod_of(server_set))
    actions = {one["result"]: one for one in server_set["spec"]["serviceQualities"][0]["serviceQualityAction"]}
    expect(len(actions) == 32, f"there are {len(actions)} actions")
    for state in ("1.0", "yes"):
        wanted = {"state": True, "result": f"{state}.update-ok", "opsState": state, "labels": {hook: "false"}}
        expect(actions[f"{state}.update-ok"] == wanted, f"{state}: {actions[f'{state}.update-ok']}")
    for words in (("--ops-state", "kill"), ("--ops-state", "Unknown"), ("--ops-state", "a.again"), ("--hook", "mine/x"),
                  ("--game", "a_b"), ("--sidecar", "game"), ("--name", "x" * 60), ("nonsense",)):
        answer = run(os.path.join(images.BUILD, "okg"), "manifest", *words)
        expect(answer.code == 2 and not answer.out, f"{words}: {answer}")


def game_server(name):
    return {"apiVersion": "game.kruise.io/v1alpha1", "kind": "GameServer", "metadata": {"name": name},
            "spec": {"opsState": "None"}}


def test_policy(case):
    """With the token of its pod a server may patch its own GameServer, and of that not everything."""
    things = manifests(case, "overlays/with-rbac")
    # A pod that nobody starts: tokens are bound to it.
    pod = pod_of(of_kind(things, "GameServerSet"))
    pod["spec"]["schedulerName"] = "nobody"
    create(case, *(thing for thing in things if thing["kind"] != "GameServerSet"), pod, dry_run=False)
    case.ends.append(lambda: kubectl(
        "delete", "validatingadmissionpolicy,validatingadmissionpolicybinding", case.namespace, "--wait=false"))
    create(case, game_server("game-2048-0"), game_server("game-2048-1"), dry_run=False)
    case.kubectl("create", "serviceaccount", "matchmaker")
    case.kubectl("create", "rolebinding", "mm", "--role=game-2048", f"--serviceaccount={case.namespace}:matchmaker")

    def token(account, *words):
        return case.as_bearer(case.kubectl("create", "token", account, *words).strip())

    server = token(ACCOUNT, "--bound-object-kind=Pod", "--bound-object-name=game-2048-0")
    unbound, matchmaker = token(ACCOUNT), token("matchmaker")

    def patch(name, what, who=None):
        words = ["--kubeconfig", who] if who else []
        return kubectl(*words, "-n", case.namespace, "patch", "gs", name, "--type=merge", "-p", json.dumps(what))

    def may(who, name, what):
        good(patch(name, what, who))

    def may_not(who, name, what, why):
        answer = patch(name, what, who)
        expect(answer.code, f"{name}: {what} was let through")
        expect(why in answer.err, f"{name}: {what} is refused for another reason: {answer.err}")

    state = {"spec": {"opsState": "Allocated"}}
    metadata = {"labels": {"gs-sync/update-block": "false"}, "annotations": {"okg-sdk/start-reason": "fresh"}}
    containers = {"spec": {"containers": [{"name": "game", "image": "evil:1"}]}}
    owner = {"apiVersion": "v1", "kind": "Pod", "name": "game-2048-1", "uid": "b4ebb6a2-6a5c-4a30-9c8e-6b4f2a3d1c0e"}
    own, images = "of its own pod only", "may not change spec.containers"
    owners = "may not change its finalizers and owners"
    # Right and policy take a moment to come into force.
    touch = {"metadata": {"labels": {"a": "b"}}}
    wait_until(lambda: not patch("game-2048-0", touch, server).code, 60, "the right")
    wait_until(lambda: own in patch("game-2048-1", touch, server).err, 60, "the policy")

    may(server, "game-2048-0", state)
    may(server, "game-2048-0", {"metadata": metadata})
    may_not(server, "game-2048-1", state, own)
    may_not(unbound, "game-2048-0", state, own)
    may_not(server, "game-2048-0", containers, images)
    may_not(server, "game-2048-0", {"metadata": {"finalizers": ["example.com/stay"]}}, owners)
    may_not(server, "game-2048-0", {"metadata": {"ownerReferences": [owner]}}, owners)
    # Somebody else's image is no reason to refuse the server's own patch.
    may(None, "game-2048-0", {"spec": {"containers": [{"name": "game", "image": "good:2"}]}})
    may(server, "game-2048-0", {"spec": {"opsState": "None"}})
    may_not(server, "game-2048-0", {"spec": {"containers": None}}, images)
    # Others are not concerned.
    may(matchmaker, "game-2048-0", state)
    may(matchmaker, "game-2048-1", state)
    may(None, "game-2048-1", containers)

    # What the Role gives besides: to look, and nothing else.
    rights = {"get gs": "yes", "list gs": "yes", "watch gs": "yes", "create gs": "no", "update gs": "no",
              "delete gs": "no", "patch gs --subresource=status": "no", "get pods": "no", "get secrets": "no"}
    for words, wanted in rights.items():
        said = kubectl("--kubeconfig", server, "-n", case.namespace, "auth", "can-i", *words.split()).out.strip()
        expect(said == wanted, f"may a server {words}: {said}")
