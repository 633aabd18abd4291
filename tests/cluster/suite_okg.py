"""The 2048 server by the manifests of examples/kubernetes, on the real managers and a real kubelet."""
import time

import images
from cluster import at, expect, wait_until
from examples import Servers
from servers import HOOK, LIFECYCLE

NEEDS = "cluster"
RBAC, NO_RBAC = "overlays/with-rbac", "overlays/no-rbac"
OPS_STATE = "game.kruise.io/gs-opsState"
V1, V2 = "Game over!", "*_* Game over!"


def ops_state(case, servers, rights):
    """A player makes the server Allocated, on GameServer and pod; what an operator says is heard, and stays."""
    name = servers.names[0]
    player = servers.play(name)

    def is_everywhere(state):  # OKG may have written an older one over it for a moment
        return case.get("gs", name)["spec"]["opsState"] == servers.label(name, OPS_STATE, "pod") == state
    servers.until(name, lambda: is_everywhere("Allocated"), "Allocated by its player")

    def maintaining():  # and again: see facts.stale_write
        if case.get("gs", name)["spec"]["opsState"] != "Maintaining":
            case.kubectl("patch", "gs", name, "--type=merge", "-p", '{"spec": {"opsState": "Maintaining"}}')
        return at(servers.status(name), "controller", "ops_state") == "Maintaining"
    servers.until(name, maintaining, "hears of Maintaining")
    servers.hears(name, "opsState Allocated -> Maintaining, set by the controller")
    servers.until(name, lambda: is_everywhere("Maintaining"), "Maintaining on the pod, too")

    def priority():
        if case.get("gs", name)["spec"]["deletionPriority"] != 3:
            case.kubectl("patch", "gs", name, "--type=merge", "-p", '{"spec": {"deletionPriority": 3}}')
        return str(at(servers.status(name), "controller", "deletion_priority")) == "3"
    servers.until(name, priority, "hears of a deletion priority")
    moves = player.moves
    wait_until(lambda: player.moves > moves + 20, 60, "the player goes on")
    expect(not player.broken, f"the player's connection broke: {player.broken}")
    player.end()
    time.sleep(2)  # the server looks at its players twenty times a second
    expect(case.get("gs", name)["spec"]["opsState"] == "Maintaining", "the server took Maintaining back")

    def quality():
        every = at(case.get("gs", name), "status", "serviceQualitiesConditions", default=[])
        return {one["name"]: one.get("result") for one in every}
    servers.until(name, lambda: quality().get("payload") == "1", f"service quality payload is the version")
    if not rights:
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
    ops_state(case, Servers(case, RBAC), rights=True)


def test_ops_state_no_rbac(case):
    ops_state(case, Servers(case, NO_RBAC), rights=False)


def update_all(case, servers, players):
    """Sidecar v1 to v2 on every server, as the upstream document has it, but nobody calls a reload."""
    before = {name: (servers.pod(name)["metadata"]["uid"], servers.life(name)) for name in servers.names}
    pods = {name: case.watch("pod", name) for name in servers.names}
    servers.see(players, "1", V1)
    servers.apply(payload="2")
    servers.see(players, "2", V2)
    for name in servers.names:
        servers.until(name, lambda name=name: at(pods[name].seen[-1][1], "metadata", "labels", LIFECYCLE) == "Normal"
                      and servers.container(name, "payload").get("image") == images.sidecar("2"), "Normal again")
        servers.until(name, lambda name=name: at(case.get("gs", name), "status", "currentState") == "Ready", "Ready")
        seen = [state for state in pods[name].values("metadata", "labels", LIFECYCLE) if state]
        places = [seen.index(state) for state in ("PreparingUpdate", "Updating", "Updated") if state in seen]
        expect(len(places) == 3 and places == sorted(places) and seen[-1] == "Normal", f"{name} went through {seen}")
        hook = pods[name].values("metadata", "labels", HOOK)
        expect(hook[-3:] == ["true", "false", "true"], f"{name}: the hook's label was {hook}")
        servers.hears(name, "update is coming", "update has begun", "update is over")
        after = (servers.pod(name)["metadata"]["uid"], servers.life(name))
        expect(after == before[name], f"{name}: pod and game container were {before[name]}, and are {after}")
        expect(servers.container(name, "payload")["restartCount"] == 1, f"{name}: the sidecar was not replaced in place")
        expect(servers.status(name)["active"]["version"] == "2", f"{name}: okg status does not say 2")
    moves = [player.moves for player in players]
    wait_until(lambda: all(player.moves > was + 20 for player, was in zip(players, moves)), 60, "the players go on")
    for player in players:
        expect(not player.broken, f"a player's connection broke: {player.broken}")
        expect(player.payloads == ["1", "2"], f"a player was told of {player.payloads}")


def test_hot_update_rbac(case):
    """The upstream document, on three servers with two players each; labels tell who runs what."""
    servers = Servers(case, RBAC, replicas=3)
    update_all(case, servers, [servers.play(name) for name in servers.names for _ in range(2)])

    def columns():
        lines = case.kubectl("get", "gs", "-L", "okg-sdk/payload-version,okg-sdk/reload-state", "--no-headers")
        return sorted((line.split()[0], *line.split()[-2:]) for line in lines.splitlines())
    wanted = [(name, "2", "active") for name in servers.names]
    wait_until(lambda: columns() == wanted, 60, f"kubectl get gs -L says {wanted}")


def test_hot_update_no_rbac(case):
    """The same without a right to the API: the hook is let go by a token of okg probe ops."""
    servers = Servers(case, NO_RBAC, replicas=2)
    update_all(case, servers, [servers.play(name) for name in servers.names])

    def quality(name):
        every = at(case.get("gs", name), "status", "serviceQualitiesConditions", default=[])
        return {one["name"]: one.get("result") for one in every}.get("payload")
    wait_until(lambda: all(quality(name) == "2" for name in servers.names), 60, "the service quality says 2 everywhere")


def test_bad_payload(case):
    """A payload that servers refuse stops at maxUnavailable; who plays, plays on; the old image frees the rollout."""
    servers = Servers(case, RBAC, replicas=3)
    players = [servers.play(name) for name in servers.names]
    servers.see(players, "1", V1)
    servers.apply(payload="bad")

    def updated():
        return [name for name in servers.names if servers.container(name, "payload").get("image") == images.sidecar("bad")]
    wait_until(updated, 120, "a server gets the bad payload")
    name = updated()[0]
    servers.until(name, lambda: servers.label(name, "okg-sdk/reload-state") == "failed", "its label says failed")
    servers.until(name, lambda: "win" in (servers.annotation(name, "okg-sdk/reload-error") or ""), "its annotation says why")
    for _ in range(20):  # a while in which nothing may happen
        expect(updated() == [name], f"the rollout went on to {updated()}")
        expect(not servers.container(name, "payload").get("ready"), "the sidecar of the bad payload is ready")
        time.sleep(0.5)
    for player in players:
        expect(not player.broken and player.payloads == ["1"], f"a player saw {player.payloads}, {player.broken}")
    expect(servers.label(name, "okg-sdk/payload-version") == "1", "the label does not tell what is in use")

    servers.apply(payload="1")
    for one in servers.names:
        servers.until(one, lambda one=one: servers.container(one, "payload").get("image") == images.sidecar("1")
                      and at(case.get("gs", one), "status", "currentState") == "Ready"
                      and servers.label(one, LIFECYCLE, "pod") == "Normal", "back, and Ready")
    servers.until(name, lambda: servers.label(name, "okg-sdk/reload-state") == "active"
                  and not servers.annotation(name, "okg-sdk/reload-error"), "nothing is said of a failure any more")
    # And the way is free.
    servers.apply(payload="2")
    servers.see(players, "2", V2)
    for one in servers.names:
        expect(servers.life(one)["restartCount"] == 0, f"{one}: the game container was restarted")
