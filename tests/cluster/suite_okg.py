"""The 2048 server by the manifests of examples/kubernetes, on the real managers and a real kubelet."""
import json
import time

import images
from cluster import at, expect, wait_until
from examples import SET, Servers
from servers import HOOK, LIFECYCLE

NEEDS = "cluster"
RBAC, NO_RBAC = "overlays/with-rbac", "overlays/no-rbac"
OPS_STATE = "game.kruise.io/gs-opsState"
V1, V2 = "Game over!", "*_* Game over!"


def ops_state(case, servers, set_label):
    """A player makes the server Allocated, on GameServer and pod; what an operator says is heard, and stays."""
    name = servers.names[0]
    player = servers.play(name)
    servers.until(name, lambda: servers.label(name, OPS_STATE, "pod") == "Allocated", "Allocated by its player")
    expect(case.get("gs", name)["spec"]["opsState"] == "Allocated", "the pod's label is not the GameServer's")

    def maintaining():  # and again: see facts.stale_write
        if case.get("gs", name)["spec"]["opsState"] != "Maintaining":
            case.kubectl("patch", "gs", name, "--type=merge", "-p", '{"spec": {"opsState": "Maintaining"}}')
        return at(servers.status(name), "controller", "ops_state") == "Maintaining"
    servers.until(name, maintaining, "hears of Maintaining")
    servers.hears(name, "opsState Allocated -> Maintaining, set by the controller")
    expect(servers.label(name, OPS_STATE, "pod") == "Maintaining", "the pod's label is not Maintaining")
    moves = player.moves
    wait_until(lambda: player.moves > moves + 20, 60, "the player goes on")
    expect(not player.broken, f"the player's connection broke: {player.broken}")
    expect(case.get("gs", name)["spec"]["opsState"] == "Maintaining", "the server took Maintaining back")

    def quality():
        every = at(case.get("gs", name), "status", "serviceQualitiesConditions", default=[])
        return {one["name"]: one.get("result") for one in every}
    servers.until(name, lambda: quality().get("payload") == "1", f"service quality payload is the version")
    if set_label is None:
        return
    # Priorities, labels and annotations both ways.
    for words in (("update-priority", "7"), ("deletion-priority", "9"), ("label", "gs-sync/map", "dust-2"),
                  ("annotation", "gs-sync/motd", "hello")):
        answer = servers.okg(name, "set", *words)
        expect(not answer.code, f"okg set {words}: {answer.code} {answer.err}")

    def there():
        labels = case.get("pod", name)["metadata"]["labels"]
        return (labels["game.kruise.io/gs-update-priority"] == "7" and labels["game.kruise.io/gs-delete-priority"] == "9"
                and labels.get("gs-sync/map") == "dust-2" and servers.annotation(name, "gs-sync/motd", "pod") == "hello")
    servers.until(name, there, "the pod has priorities, label and annotation")


def test_ops_state_rbac(case):
    ops_state(case, Servers(case, RBAC), True)


def test_ops_state_no_rbac(case):
    ops_state(case, Servers(case, NO_RBAC), None)
