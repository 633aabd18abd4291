"""examples/kubernetes in the suites: its manifests, and servers that run by them."""
import json
import os
import re
import tempfile

import images
from cluster import LOGS, ROOT, at, expect, good, kubectl, run, wait_until
from player import Player

EXAMPLES = os.path.join(ROOT, "examples", "kubernetes")
SET = "game-2048"
OKG = "/okg/payload/bin/okg"


def objects(text):
    """The objects of a text in YAML, as dictionaries."""
    listing = good(kubectl("create", "--dry-run=client", "--validate=false", "-o", "json", "-f", "-", text=text))
    things = []
    while listing.strip():  # one document after another
        thing, end = json.JSONDecoder().raw_decode(listing.lstrip())
        listing = listing.lstrip()[end:]
        things += thing.get("items", [thing])
    return things


def own_policy(case, thing):
    """What is in no namespace gets a name of the case."""
    if thing["kind"].startswith("ValidatingAdmissionPolicy"):
        thing["metadata"]["name"] = case.namespace
        if "policyName" in thing["spec"]:
            thing["spec"]["policyName"] = case.namespace


def manifests(case, overlay, images=None, patches=()):
    """The objects of an overlay in the case's namespace, as dictionaries; what is in none has a name of its own. `images`
    are others for those of the example, `patches` JSON patches of the GameServerSet: as in a user's own overlay."""
    with tempfile.TemporaryDirectory() as place:
        base = os.path.relpath(os.path.join(EXAMPLES, overlay), os.path.realpath(place))
        with open(os.path.join(place, "kustomization.yaml"), "w", encoding="utf-8") as file:
            json.dump({"namespace": case.namespace, "resources": [base],
                       "images": [dict(zip(("name", "newName", "newTag"), (name, *image.rsplit(":", 1))))
                                  for name, image in (images or {}).items()],
                       "patches": [{"target": {"kind": "GameServerSet"}, "patch": json.dumps(list(patches))}]}, file)
        text = good(kubectl("kustomize", place))
    things = objects(text)
    for thing in things:
        own_policy(case, thing)
    return things


def of_kind(things, kind):
    return next(thing for thing in things if thing["kind"] == kind)


class Servers:
    """The example's servers in a case: an overlay that was applied, with images of this build."""

    def __init__(self, case, overlay, replicas=1, patches=(), server=images.SERVER, payload="1"):
        images.give()
        self.case, self.overlay = case, overlay
        self.patches = [{"op": "replace", "path": "/spec/replicas", "value": replicas}, *patches]
        self.server, self.payload = server, payload
        self.names = [f"{SET}-{number}" for number in range(replicas)]
        self.players = []
        # What is in no namespace does not go with it.
        case.ends.append(lambda: kubectl("delete", "validatingadmissionpolicy,validatingadmissionpolicybinding",
                                         case.namespace, "--ignore-not-found", "--wait=false"))
        case.ends.append(lambda: [player.end() for player in self.players])
        self.apply()
        for name in self.names:
            self.until(name, lambda name=name: at(case.get("gs", name), "status", "currentState") == "Ready", "Ready")

    def apply(self, server=None, payload=None):
        """Says which images are wanted, as `kubectl apply -k` does."""
        self.server, self.payload = server or self.server, payload or self.payload
        wanted = {"game-2048": self.server, "game-2048-payload": images.sidecar(self.payload)}
        self.case.apply(*manifests(self.case, self.overlay, wanted, self.patches))

    @staticmethod
    def until(name, predicate, what, seconds=120):
        return wait_until(predicate, seconds, f"{name}: {what}")

    def pod(self, name):
        return self.case.get("pod", name)

    def container(self, name, container="game"):
        """The container's status in the pod, {} while there is none."""
        every = at(self.pod(name), "status", "containerStatuses", default=[])
        return next((one for one in every if one["name"] == container), {})

    def life(self, name, container="game"):
        """What changes when the container is started anew."""
        status = self.container(name, container)
        return {"containerID": at(status, "containerID"), "restartCount": at(status, "restartCount"),
                "startedAt": at(status, "state", "running", "startedAt")}

    def okg(self, name, *words):
        """okg in the game container, as it answers."""
        return kubectl("-n", self.case.namespace, "exec", name, "-c", "game", "--", OKG, *words)

    def status(self, name):
        """okg.status/v1, {} while no server answers."""
        answer = self.okg(name, "status", "--json")
        return {} if answer.code else json.loads(answer.out)

    def log(self, name, container="game"):
        answer = kubectl("-n", self.case.namespace, "logs", name, "-c", container)
        return answer.out if not answer.code else ""

    def hears(self, name, *lines):
        """Waits until the server's log has each of these texts, in this order."""
        def found():
            rest = self.log(name)
            for line in lines:
                if line not in rest:
                    return False
                rest = rest.split(line, 1)[1]
            return True
        self.until(name, found, f"its log says {lines}")

    def label(self, name, key, kind="gs"):
        return at(self.case.get(kind, name), "metadata", "labels", key)

    def annotation(self, name, key, kind="gs"):
        return at(self.case.get(kind, name), "metadata", "annotations", key)

    def play(self, name, **options):
        """A player at the pod's own address."""
        player = Player(self.pod(name)["status"]["podIP"], **options)
        self.players.append(player)
        return player

    def see(self, players, version, game_over):
        """Waits until all of them were told of a version; none may have lost its connection."""
        def told():
            for player in players:
                expect(not player.broken, f"a player's connection broke: {player.broken}")
            return all(player.version == version and player.texts["game_over"] == game_over for player in players)
        wait_until(told, 240, f"all players on version {version}")

    def kill(self, name):
        """SIGKILL for the process of the game container, from outside: within it nobody can send that to process 1."""
        container = self.container(name)["containerID"].split("//")[1]
        socket = os.path.join(os.path.dirname(LOGS), "containerd.sock")
        tasks = good(run("ctr", "-a", socket, "-n", "k8s.io", "tasks", "ls"))
        pid = re.search(rf"^{container}\s+(\d+)", tasks, re.MULTILINE)
        expect(pid, f"{name}: no process of {container}")
        os.kill(int(pid.group(1)), 9)
