"""GameServerSets of shell scripts for the suites, and going through an in-place update with them."""
from cluster import BUSYBOX, at, wait_until

HOOK = "gs-sync/update-block"
LIFECYCLE = "lifecycle.apps.kruise.io/state"
IDLE = "trap 'exit 0' TERM; while :; do sleep 0.1; done"


def server_set(replicas=1, hook="inPlaceUpdate", grace=None, sidecar=0, script=IDLE, stops="exit 0", annotations=None):
    """GameServerSet "ex": containers game and payload, both busybox; `sidecar` is the number of the latter's image, and
    `stops` what that does on SIGTERM. Pods' labels and annotations are files in /etc/podinfo of game. `hook` is a
    lifecycle hook by the label HOOK."""
    def container(name, image, command):
        return {"name": name, "image": BUSYBOX[image], "imagePullPolicy": "IfNotPresent",
                "command": ["/bin/sh", "-c", command]}

    files = [{"path": one, "fieldRef": {"fieldPath": f"metadata.{one}"}} for one in ("labels", "annotations")]
    game = container("game", 0, script) | {"volumeMounts": [{"name": "podinfo", "mountPath": "/etc/podinfo"}]}
    rolling = {"podUpdatePolicy": "InPlaceIfPossible", "maxUnavailable": 1}
    if grace:
        rolling["inPlaceUpdateStrategy"] = {"gracePeriodSeconds": grace}
    spec = {
        "replicas": replicas,
        "updateStrategy": {"rollingUpdate": rolling},
        "gameServerTemplate": {
            "metadata": {"labels": {HOOK: "true"}, "annotations": annotations or {}},
            "spec": {
                "terminationGracePeriodSeconds": 20,
                "containers": [game, container("payload", sidecar, IDLE.replace("exit 0", stops))],
                "volumes": [{"name": "podinfo", "downwardAPI": {"items": files}}]}}}
    if hook:
        spec["lifecycle"] = {hook: {"labelsHandler": {HOOK: "true"}}}
    return {"apiVersion": "game.kruise.io/v1alpha1", "kind": "GameServerSet", "metadata": {"name": "ex"}, "spec": spec}


def start(case, *names, **options):
    """Applies a server_set(), and waits until the GameServers are Ready."""
    case.apply(server_set(**options))
    for name in names:
        wait_until(lambda name=name: at(case.get("gs", name), "status", "currentState") == "Ready", 90, f"{name} Ready")


def lifecycle(pods):
    """Kruise's lifecycle state, as the watch saw it last."""
    return at(pods.seen[-1][1], "metadata", "labels", LIFECYCLE)


def reach(pods, *states):
    wait_until(lambda: lifecycle(pods) in states, 90, f"lifecycle {' or '.join(states)}")


def insist(case, name, value, until, what):
    """Sets the hook label of a GameServer, and again when it has been put back: OKG's manager writes back what its cache
    holds with each reconcile (facts.stale_write)."""
    def asked():
        if at(case.get("gs", name), "metadata", "labels", HOOK) != value:
            case.patch("gs", name, {"metadata": {"labels": {HOOK: value}}})
        return until()
    wait_until(asked, 90, what)


def release(case, pods, name="ex-0"):
    """Lets an update go on that waits in PreparingUpdate."""
    insist(case, name, "false", lambda: lifecycle(pods) != "PreparingUpdate", "the update goes on when it is let")
