"""okg on the real Kubernetes, Kruise and OKG: examples/kubernetes with the programs of the build."""
import json
import os
import time

import images
from cluster import ROOT, at, expect, good, kubectl, wait_until
from player import Player
from servers import HOOK, LIFECYCLE

NEEDS = "cluster"
VERSION, RELOAD = "okg-sdk/payload-version", "okg-sdk/reload-state"
CLUSTER_WIDE = ("ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding")


def start(case, overlay, replicas, payload=1, game=1):
    """The example, as an overlay makes it, with the images of this build; until all servers are Ready."""
    images.make()
    text = good(kubectl("kustomize", os.path.join(ROOT, "examples", "kubernetes", "overlays", overlay)))
    words = ("create", "--dry-run=client", "--validate=false", "-o", "json", "-f", "-")
    answer = good(kubectl(*words, text=text))
    decoder, things = json.JSONDecoder(), []
    while answer.strip():
        thing, end = decoder.raw_decode(answer.lstrip())
        answer = answer.lstrip()[end:]
        things += thing["items"] if thing["kind"] == "List" else [thing]
    for thing in things:
        thing["metadata"].pop("namespace", None)
        for subject in thing.get("subjects", []):
            subject["namespace"] = case.namespace
        if thing["kind"] == "GameServerSet":
            thing["spec"]["replicas"] = replicas
            containers = thing["spec"]["gameServerTemplate"]["spec"]["containers"]
            containers[0] |= {"image": images.GAME[game], "imagePullPolicy": "Never"}
            containers[1] |= {"image": images.PAYLOAD[payload], "imagePullPolicy": "Never"}
    case.apply(*[thing for thing in things if thing["kind"] not in CLUSTER_WIDE])
    for name in names(replicas):
        wait_until(lambda name=name: at(case.get("gs", name), "status", "currentState") == "Ready", 120, f"{name} Ready")


def names(replicas):
    return [f"game-2048-{number}" for number in range(replicas)]


def set_image(case, container, image):
    patch = [{"op": "replace", "path": f"/spec/gameServerTemplate/spec/containers/{container}/image", "value": image}]
    case.kubectl("patch", "gss", "game-2048", "--type=json", "-p", json.dumps(patch))


def updated(case, name, container, image):
    """The update of a pod's container is over, and the hook is armed again."""
    pod = case.get("pod", name)
    labels = pod["metadata"]["labels"]
    return (pod["spec"]["containers"][container]["image"] == image and labels.get(LIFECYCLE) == "Normal"
            and labels.get(HOOK) == "true" and at(case.get("gs", name), "status", "currentState") == "Ready")


def status(case, name):
    return json.loads(case.kubectl("exec", name, "-c", "game", "--", "/okg/payload/bin/okg", "status", "--json"))


def game_of(case, name):
    """Restarts and start of the game's container."""
    for one in at(case.get("pod", name), "status", "containerStatuses", default=[]):
        if one["name"] == "game":
            return one["restartCount"], at(one, "state", "running", "startedAt")
    return None


def address(case, name):
    return case.get("pod", name)["status"]["podIP"]


def player(case, name, session, plays=True):
    made = Player(address(case, name), f"{session}-0123456789abcdef", plays)
    case.ends.append(made.end)
    return made


def ops_state(case, name):
    return at(case.get("gs", name), "spec", "opsState")


def test_ops_state_both_ways(case):
    """With rights: a player makes the server Allocated, on the GameServer and its pod; what an operator sets is heard."""
    start(case, "with-rbac", 1)
    one = player(case, "game-2048-0", "both", plays=False)
    wait_until(lambda: ops_state(case, "game-2048-0") == "Allocated", 60, "Allocated by a player")
    wait_until(lambda: case.get("pod", "game-2048-0")["metadata"]["labels"]["game.kruise.io/gs-opsState"] == "Allocated",
               60, "on the pod")

    def insist():  # OKG 1.0.0 may write an older one over it: facts.stale_write
        case.patch("gs", "game-2048-0", {"spec": {"opsState": "Maintaining"}})
        time.sleep(1)
        return status(case, "game-2048-0")["controller"]["ops_state"] == "Maintaining"
    wait_until(insist, 60, "Maintaining is heard")
    one.end()
    time.sleep(2)
    expect(ops_state(case, "game-2048-0") == "Maintaining", "what the operator set is left alone")


def rollout(case, overlay):
    """Sidecar v1 -> v2 on three servers with players on each: nobody is disconnected, no game is restarted."""
    start(case, overlay, 3)
    players = {name: player(case, name, f"roll-{name}") for name in names(3)}
    games = {name: game_of(case, name) for name in names(3)}
    began = time.monotonic()
    set_image(case, 1, images.PAYLOAD[2])
    for name in names(3):
        wait_until(lambda name=name: updated(case, name, 1, images.PAYLOAD[2]), 180, f"{name} updated")
    took = time.monotonic() - began
    for name, one in players.items():
        one.still_plays()
        wait_until(lambda one=one: one.versions and one.versions[-1] == "2", 20, f"{name}: its player has version 2")
        expect(game_of(case, name) == games[name], f"{name}: its game container was restarted")
        expect(status(case, name)["active"]["version"] == "2", f"{name}: version 2 in use")
    print(f"   {overlay}: three servers updated in {took:.1f} s, {sum(one.boards for one in players.values())} moves played")


def test_rollout_with_rights(case):
    """The upstream document end to end, and who runs what is told by the GameServers' labels."""
    rollout(case, "with-rbac")
    listed = case.kubectl("get", "gs", "-L", f"{VERSION},{RELOAD}", "--no-headers").split("\n")
    expect(len([line for line in listed if line.split()[-2:] == ["2", "active"]]) == 3, f"labels: {listed}")


def test_rollout_without_rights(case):
    """The same through the downward volume and the token of `okg probe ops`."""
    rollout(case, "no-rbac")


def test_bad_payload_stops_the_rollout(case):
    """A payload that is refused stops the rollout after one server; players stay on what they have; back frees it."""
    start(case, "with-rbac", 3)
    players = {name: player(case, name, f"bad-{name}") for name in names(3)}
    set_image(case, 1, images.PAYLOAD["bad"])

    def failed():
        return [name for name in names(3) if at(case.get("gs", name), "metadata", "labels", RELOAD) == "failed"]
    wait_until(failed, 120, "a server that refuses the payload")
    time.sleep(10)
    expect(len(failed()) == 1, f"the rollout went on: {failed()}")
    told = at(case.get("gs", failed()[0]), "metadata", "annotations", "okg-sdk/reload-error")
    expect("en.json" in (told or ""), f"reload-error does not name the file: {told}")
    for name, one in players.items():
        one.still_plays()
        expect(status(case, name)["active"]["version"] == "1", f"{name}: stays on version 1")
    began = time.monotonic()
    set_image(case, 1, images.PAYLOAD[1])
    for name in names(3):
        wait_until(lambda name=name: updated(case, name, 1, images.PAYLOAD[1]), 120, f"{name} freed")
    print(f"   freed in {time.monotonic() - began:.1f} s")
    for one in players.values():
        one.still_plays()


def test_new_binary_resumes(case):
    """Another image of the game: same pod, same address, same boards, and the server knows why it was started."""
    start(case, "with-rbac", 1)
    before = case.get("pod", "game-2048-0")
    one = player(case, "game-2048-0", "resume")
    wait_until(lambda: one.boards > 20, 30, "some moves")
    one.end()
    time.sleep(0.5)
    board = player(case, "game-2048-0", "resume", plays=False).board
    set_image(case, 0, images.GAME[2])
    wait_until(lambda: updated(case, "game-2048-0", 0, images.GAME[2]), 120, "updated")
    after = case.get("pod", "game-2048-0")
    for path in (("metadata", "uid"), ("status", "podIP")):
        expect(at(before, *path) == at(after, *path), f"{path[-1]} is another one")
    again = wait_until(lambda: player(case, "game-2048-0", "resume", plays=False), 30, "the page comes back")
    expect(again.board["cells"] == board["cells"] and again.board["score"] == board["score"],
           f"another board: {board} {again.board}")

    def reported():
        text = at(case.get("gs", "game-2048-0"), "metadata", "annotations", "okg-sdk/start-reason")
        return text and json.loads(text)["reason"] == "in_place_update" and json.loads(text)
    report = wait_until(reported, 60, "the start reason on the GameServer")
    expect(report["image_from"] == images.GAME[1] and report["image_to"] == images.GAME[2], f"images: {report}")
    expect(report["same_pod"] is True and report["same_ip"] is True, f"not the same: {report}")
    print(f"   down for {report['downtime_ms']} ms")


def test_crash_is_told(case):
    """The game is killed: the same board, and the reason is no update."""
    start(case, "with-rbac", 1)
    one = player(case, "game-2048-0", "crash")
    wait_until(lambda: one.boards > 20, 30, "some moves")
    one.end()
    time.sleep(0.5)
    board = player(case, "game-2048-0", "crash", plays=False).board
    pid = status(case, "game-2048-0")["pid"]
    # PID 1 of its namespace: only from outside can it be killed so.
    instance = status(case, "game-2048-0")["instance"]
    case.kubectl("exec", "game-2048-0", "-c", "game", "--", "/bin/busybox", "kill", "-SEGV", str(pid))

    def restarted():
        try:
            found = status(case, "game-2048-0")
        except Exception:
            return None
        return found["instance"] != instance and found["start"]["final"] and found["start"]
    report = wait_until(restarted, 90, "started again")
    expect(report["reason"] in ("crash", "restart"), f"reason: {report}")
    again = player(case, "game-2048-0", "crash", plays=False)
    expect(again.board["cells"] == board["cells"], "another board")


def test_orders_by_annotation(case):
    """Operators ask for a rollback by annotating the GameServer."""
    start(case, "with-rbac", 1)
    first = status(case, "game-2048-0")["active"]["digest"]
    set_image(case, 1, images.PAYLOAD[2])
    wait_until(lambda: updated(case, "game-2048-0", 1, images.PAYLOAD[2]), 120, "version 2")
    case.kubectl("annotate", "gs", "game-2048-0", f"gs-sync/okg-rollback={first}#one", "--overwrite")
    wait_until(lambda: at(case.get("gs", "game-2048-0"), "metadata", "labels", VERSION) == "1", 60, "back on version 1")


def test_kill_ends_the_server(case):
    """opsState Kill: OKG lowers the replicas, and the server ends in order."""
    start(case, "with-rbac", 2)

    def kill():
        case.patch("gs", "game-2048-0", {"spec": {"opsState": "Kill"}})
        time.sleep(1)
        return at(case.get("gss", "game-2048"), "spec", "replicas") == 1
    wait_until(kill, 60, "one replica less")
    wait_until(lambda: not case.get("pod", "game-2048-0"), 90, "it goes")
    expect(case.get("pod", "game-2048-1"), "and only that one")
