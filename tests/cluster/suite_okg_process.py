"""What happens to the game's process itself on the real managers and a real kubelet: a new image in place, a crash,
operators' orders, the end."""
import json

import images
from cluster import at, expect, wait_until
from examples import SET, Servers

NEEDS = "cluster"
RBAC, NO_RBAC = "overlays/with-rbac", "overlays/no-rbac"
V1, V2 = "Game over!", "*_* Game over!"
DELETE_HOOK = "gs-sync/delete-block"
DELETION = [{"op": "add", "path": "/spec/lifecycle/preDelete", "value": {"labelsHandler": {DELETE_HOOK: "true"}}},
            {"op": "add", "path": "/spec/gameServerTemplate/metadata/labels/gs-sync~1delete-block", "value": "true"}]
NETWORK = {"op": "add", "path": "/spec/network", "value": {
    "networkType": "Kubernetes-HostPort", "networkConf": [{"name": "ContainerPorts", "value": "game:8048/TCP"}]}}


def played(servers, name):
    """A session that was played for a while, and its board."""
    player = servers.play(name, pause=0.03)
    wait_until(lambda: player.moves > 40, 60, "a player plays")
    board = player.rest()
    expect(board and board["score"] > 0, f"{name}: the board is {board}, {player.broken}")
    return player, board


def same_board(servers, name, session, board):
    """The player comes back to the board that he left."""
    def back():
        try:
            player = servers.play(name, session=session, plays=False)
        except OSError:
            return None
        return player.board if wait_until(lambda: player.board or player.broken, 30, "a board") is player.board else None
    found = wait_until(back, 120, f"{name}: the player gets in")
    expect(found == board, f"{name}: the board was {board}, and is {found}")


def started(servers, name, reason):
    """Waits until the server says for good why it was started; returns what it says."""
    def final():
        start = servers.status(name).get("start") or {}
        return start if start.get("final") and start.get("reason") == reason else None
    return servers.until(name, final, f"started by {reason}")


def new_server(case, servers, pair):
    """The next version of the game's program in the same pod: boards, address and host port stay. `pair` are the
    images that the server tells of, from and to."""
    name = servers.names[0]
    servers.until(name, lambda: at(case.get("gs", name), "status", "networkStatus", "currentNetworkState") == "Ready",
                  "the network is ready")
    player, board = played(servers, name)

    def identity():
        pod = servers.pod(name)
        network = json.loads(pod["metadata"]["annotations"]["game.kruise.io/network-status"])
        ports = [port.get("hostPort") for one in pod["spec"]["containers"] for port in one.get("ports", [])]
        return (pod["metadata"]["uid"], pod["status"]["podIP"], pod["spec"]["nodeName"], ports,
                network["internalAddresses"], network["externalAddresses"])
    before, sidecar = identity(), servers.life(name, "payload")
    expect(any(before[3]), f"no host port: {before[3]}")
    servers.apply(server=images.NEXT)
    start = started(servers, name, "in_place_update")
    for key in ("same_pod", "same_ip", "same_network"):
        expect(start[key] is True, f"{name}: {key} is {start[key]}: {start}")
    expect((start["image_from"], start["image_to"]) == pair, f"{name}: the images are {start}")
    same_board(servers, name, player.session, board)
    servers.until(name, lambda: at(case.get("gs", name), "status", "currentState") == "Ready"
                  and servers.label(name, "lifecycle.apps.kruise.io/state", "pod") == "Normal", "Ready and armed again")
    expect(identity() == before, f"{name} was {before}, and is {identity()}")
    life = servers.until(name, lambda: servers.container(name) if servers.container(name)["ready"] else None, "runs")
    expect(life["restartCount"] == 1 and at(life, "lastState", "terminated", "exitCode") == 0,
           f"{name}: the server did not end in order: {life}")
    expect(servers.life(name, "payload") == sidecar, f"{name}: the sidecar was restarted, too")
    status = servers.status(name)
    expect(status["server_version"] == "1.1.0", f"{name}: it is {status['server_version']}")
    expect([one["opened"] for one in status["hot"]] == ["resumed"], f"{name}: hot state is {status['hot']}")
    return start


def test_new_server_rbac(case):
    servers = Servers(case, RBAC, patches=[NETWORK])
    start = new_server(case, servers, (images.SERVER, images.NEXT))
    name = servers.names[0]

    def said():
        text = json.loads(servers.annotation(name, "okg-sdk/start-reason") or "{}")
        return text.get("reason") == "in_place_update" and text.get("instance_before") == start["instance_before"]
    servers.until(name, said, "the annotation says so")


def test_new_server_no_rbac(case):
    """Which images they were is not in the downward volume."""
    new_server(case, Servers(case, NO_RBAC, patches=[NETWORK]), (None, None))


def test_crash(case):
    """SIGKILL for the game's process: the kubelet starts it again, which it knows, and the board is there."""
    servers = Servers(case, RBAC)
    name = servers.names[0]
    expect(started(servers, name, "fresh_pod")["instance_before"] is None, "somebody was there before")
    player, board = played(servers, name)
    uid = servers.pod(name)["metadata"]["uid"]
    servers.kill(name)
    wait_until(lambda: player.broken, 60, "the connection ends")
    start = started(servers, name, "crash")
    expect(start["same_pod"] is True and start["same_ip"] is True, f"it says {start}")
    # The kubelet tells of it later than the server itself.
    servers.until(name, lambda: servers.container(name).get("restartCount") == 1, "restarted once")
    code = at(servers.container(name), "lastState", "terminated", "exitCode")
    expect(code == 137, f"it was not killed: exit code {code}")
    expect(servers.pod(name)["metadata"]["uid"] == uid, "it is another pod")
    same_board(servers, name, player.session, board)
    servers.until(name, lambda: json.loads(servers.annotation(name, "okg-sdk/start-reason") or "{}").get("reason") == "crash",
                  "the annotation says so")


def test_orders(case):
    """Operators have one server go back, and on again, by annotations of its GameServer."""
    servers = Servers(case, RBAC)
    name = servers.names[0]
    player = servers.play(name)
    servers.see([player], "1", V1)
    first = servers.status(name)["active"]["digest"]
    servers.apply(payload="2")
    servers.see([player], "2", V2)
    second = servers.status(name)["active"]["digest"]

    def order(what, value):
        case.kubectl("annotate", "gs", name, "--overwrite", f"gs-sync/{what}={value}")
    order("okg-rollback", f"{first}#1")
    servers.see([player], "1", V1)
    servers.until(name, lambda: servers.label(name, "okg-sdk/payload-version") == "1", "the label says 1")
    order("okg-reload", f"{second}#2")
    servers.see([player], "2", V2)
    servers.until(name, lambda: servers.label(name, "okg-sdk/payload-version") == "2", "the label says 2")
    expect(player.payloads == ["1", "2", "1", "2"], f"the player was told of {player.payloads}")
    expect(servers.life(name)["restartCount"] == 0, "the game container was restarted")


def test_kill(case):
    """opsState Kill: the set is one smaller, that server goes, and in order; the others stay."""
    servers = Servers(case, RBAC, replicas=2)
    name, other = servers.names
    players = [servers.play(one) for one in servers.names]
    servers.see(players, "1", V1)
    pods = case.watch("pod", name)
    life = servers.life(other)

    def killed():  # and again: see facts.stale_write
        server = case.get("gs", name)
        if server and server["spec"]["opsState"] != "Kill":
            case.kubectl("patch", "gs", name, "--type=merge", "-p", '{"spec": {"opsState": "Kill"}}')
        return case.get("gss", SET)["spec"]["replicas"] == 1
    wait_until(killed, 120, "one replica less")
    wait_until(lambda: not case.get("pod", name), 120, "the pod goes")

    def codes():
        for _, pod in list(pods.seen):
            for status in at(pod, "status", "containerStatuses", default=[]):
                for state in (status["state"], status["lastState"]):
                    if status["name"] == "game" and "terminated" in state:
                        yield state["terminated"]["exitCode"]
    expect(set(codes()) == {0}, f"the server ended with {set(codes())}")
    expect(servers.life(other) == life and not players[1].broken, "the other server is concerned, too")


def deletion(case, overlay):
    """Scaled down, a server with a preDelete hook is asked, and lets it go when everything is saved."""
    servers = Servers(case, overlay, replicas=2, patches=DELETION)
    name = servers.names[1]  # the last one goes first
    player = servers.play(servers.names[0])
    pods = case.watch("pod", name)
    log = []

    def gone():
        log.append(servers.log(name))
        return not case.get("pod", name)
    case.kubectl("patch", "gss", SET, "--type=merge", "-p", '{"spec": {"replicas": 1}}')
    wait_until(gone, 120, f"{name} goes")
    expect(pods.values("metadata", "labels", "lifecycle.apps.kruise.io/state")[-1] == "PreparingDelete",
           "Kruise did not ask")
    expect(pods.values("metadata", "labels", DELETE_HOOK)[-2:] == ["true", "false"], "the hook was not let go by its label")
    expect(any("deletion is coming" in text for text in log), "the server did not hear of it")
    expect(not player.broken, f"the other server's player: {player.broken}")


def test_deletion_rbac(case):
    deletion(case, RBAC)


def test_deletion_no_rbac(case):
    deletion(case, NO_RBAC)
