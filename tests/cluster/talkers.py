"""Game servers that only talk to their controller (talker.cpp), as a pod of examples/kubernetes would: the account, the
minimal Role and the policy of the example, a token of the pod, GameServer and pod as objects; only nobody runs the pod."""
import base64
import http.client
import json
import os
import socket
import subprocess
import tempfile
import threading
import time
import urllib.parse

import images
from api import must
from cluster import Skip, at, expect, good, kubectl, run, wait_until
from examples import manifests

ACCOUNT = "game-2048"
TALKER = os.path.join(images.BUILD, "tests", "cluster_talker")
VERSION = "game.kruise.io/v1alpha1"


class Ground:
    """A namespace with what servers need. `api` is an API server of one's own, else it is everybody's cluster."""

    def __init__(self, case, api=None):
        if not os.access(TALKER, os.X_OK):
            raise Skip(f"{TALKER}: not built: build first, or set OKG_BUILD_DIR")
        self.case, self.api, self.namespace = case, api, case.namespace
        self.ask = api.ask if api else case.ask
        self.place = tempfile.TemporaryDirectory(prefix="okg-talkers-")
        case.ends.append(self.place.cleanup)
        if api:
            must(self.ask("POST", "/api/v1/namespaces", {"metadata": {"name": self.namespace}}))
        else:
            case.ends.append(lambda: kubectl("delete", "validatingadmissionpolicy,validatingadmissionpolicybinding",
                                             self.namespace, "--ignore-not-found", "--wait=false"))
        config = json.loads(self.kubectl("config", "view", "--minify", "--raw", "--flatten", "-o", "json"))
        cluster = config["clusters"][0]["cluster"]
        server = urllib.parse.urlsplit(cluster["server"])
        if server.scheme != "https" or "certificate-authority-data" not in cluster:
            raise Skip(f"{cluster['server']}: a pod wants https and the authority's certificate")
        self.host, self.port = server.hostname, server.port or 443
        self.ca = base64.b64decode(cluster["certificate-authority-data"]).decode()
        things = [thing for thing in manifests(case, "overlays/with-rbac") if thing["kind"] != "GameServerSet"]
        for thing in things:
            # Under a name of its own: the same account in other namespaces is not concerned.
            if thing["kind"] == "ValidatingAdmissionPolicyBinding":
                thing["spec"]["matchResources"] = {
                    "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": self.namespace}}}
        self.kubectl("apply", "-f", "-", text=json.dumps({"apiVersion": "v1", "kind": "List", "items": things}))
        self.binding = next(thing for thing in things if thing["kind"] == "RoleBinding")

    def kubectl(self, *words, text=None):
        config = ["--kubeconfig", self.api.kubeconfig] if self.api else []
        return good(run("kubectl", *config, "-n", self.namespace, *words, text=text))

    def path(self, kind, name=""):
        version = f"apis/{VERSION}" if kind == "gameservers" else "api/v1"
        return f"/{version}/namespaces/{self.namespace}/{kind}" + (f"/{name}" if name else "")

    def pod(self, name):
        """Makes a pod that nobody runs; its UID."""
        return must(self.ask("POST", self.path("pods"), {
            "metadata": {"name": name},
            "spec": {"serviceAccountName": ACCOUNT, "schedulerName": "nobody",
                     "containers": [{"name": "game", "image": "localhost/none:1"}]}}))["metadata"]["uid"]

    def delete_pod(self, name):
        must(self.ask("DELETE", self.path("pods", name) + "?gracePeriodSeconds=0"), 200, 202)
        wait_until(lambda: self.ask("GET", self.path("pods", name))[0] == 404, 30, f"pod {name} is gone")

    def game_server(self, name, uid=None):
        """Makes a GameServer as OKG does: of that pod, with which it goes, or of none."""
        owners = [{"apiVersion": "v1", "kind": "Pod", "name": name, "uid": uid, "controller": True}] if uid else []
        return must(self.ask("POST", self.path("gameservers"), {
            "apiVersion": VERSION, "kind": "GameServer", "metadata": {"name": name, "ownerReferences": owners},
            "spec": {"opsState": "None", "updatePriority": 0, "deletionPriority": 0}}))

    def token(self, name, uid, seconds=3600):
        """A token bound to the pod."""
        request = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {
            "expirationSeconds": seconds, "boundObjectRef": {"apiVersion": "v1", "kind": "Pod", "name": name, "uid": uid}}}
        return must(self.ask("POST", self.path("serviceaccounts", ACCOUNT) + "/token", request))["status"]["token"]

    def get(self, name):
        return must(self.ask("GET", self.path("gameservers", name)))

    def state(self, name):
        return at(self.get(name), "spec", "opsState")

    def patch(self, name, patch, codes=()):
        return must(self.ask("PATCH", self.path("gameservers", name), patch,
                             Content_Type="application/merge-patch+json"), *codes)

    def set_state(self, name, state):
        """As a matchmaker does."""
        return self.patch(name, {"spec": {"opsState": state}})


class Talker:
    """The process. `port` is another way to the API server than its own."""

    def __init__(self, ground, port=None):
        self.ground = ground
        self.heard = []
        self.servers = {}
        environment = {key: value for key, value in os.environ.items() if not key.startswith(("OKG_", "KUBERNETES_"))}
        environment |= {"KUBERNETES_SERVICE_HOST": ground.host, "KUBERNETES_SERVICE_PORT": str(port or ground.port)}
        self.process = subprocess.Popen([TALKER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                                        env=environment)
        ground.case.ends.append(self.end)
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self):
        for line in self.process.stdout:
            event = json.loads(line)
            self.heard.append(event)
            self.servers[event["name"]].heard.append(event)

    def tell(self, order):
        self.process.stdin.write(json.dumps(order) + "\n")
        self.process.stdin.flush()

    def server(self, name, uid=None, token=None, made=True):
        """A server in it, with a pod (unless that is there: `uid`) and, if it is `made`, a GameServer."""
        uid = uid or self.ground.pod(name)
        if made:
            self.ground.game_server(name, uid)
        return Server(self, name, uid, token or self.ground.token(name, uid))

    def end(self):
        try:
            self.process.stdin.close()
        except OSError:
            pass
        try:
            code = self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            code = self.process.wait()
        self.process.stdout.close()
        return code


class Server:
    def __init__(self, talker, name, uid, token):
        self.talker, self.name, self.uid, self.heard = talker, name, uid, []
        self.account = os.path.join(talker.ground.place.name, name)
        self.run = os.path.join(self.account, "run")
        os.makedirs(self.run)
        self.files = {"ca.crt": talker.ground.ca, "namespace": talker.ground.namespace}
        self.put(token=token)
        talker.servers[name] = self
        talker.tell({"do": "start", "name": name, "uid": uid, "account": self.account, "run": self.run})

    def put(self, token=None, ca=None):
        """The volume of the account, swapped as a whole as the kubelet does it."""
        self.files |= {key: value for key, value in (("token", token), ("ca.crt", ca)) if value}
        data = f"..{time.time_ns()}"
        os.makedirs(os.path.join(self.account, data))
        for name, text in self.files.items():
            with open(os.path.join(self.account, data, name), "w", encoding="utf-8") as file:
                file.write(text)
            if not os.path.islink(os.path.join(self.account, name)):
                os.symlink(f"..data/{name}", os.path.join(self.account, name))
        os.symlink(data, os.path.join(self.account, "..data_tmp"))
        os.rename(os.path.join(self.account, "..data_tmp"), os.path.join(self.account, "..data"))

    def events(self, kind):
        return [event for event in list(self.heard) if event["event"] == kind]

    def last(self, kind, key):
        found = self.events(kind)
        return found[-1][key] if found else None

    def is_connected(self, seconds=60):
        wait_until(lambda: self.last("connection", "state") == "connected", seconds, f"{self.name} is connected")

    def hears(self, state, seconds=60):
        """Waits until the game was told that somebody set opsState; the event."""
        wait_until(lambda: self.last("ops_state", "state") == state, seconds, f"{self.name} hears of {state}")
        return self.events("ops_state")[-1]

    def set(self, state, **options):
        """Sets opsState; what it returns waits for the end of the write, and returns that."""
        before = len(self.events("written"))
        self.talker.tell({"do": "set", "name": self.name, "state": state} | options)

        def written(seconds=60):
            def ended():
                return [event for event in self.events("written")[before:] if event["state"] == state]
            return wait_until(ended, seconds, f"{self.name}: {state} is written, or not")[0]
        return written

    def lands(self, state, seconds=60):
        """Sets opsState, and it is there."""
        written = self.set(state)(seconds)
        expect(written["code"] == 0, f"{self.name}: {state} was not written: {written['text']}")
        expect(self.talker.ground.state(self.name) == state, f"{self.name} is {self.talker.ground.state(self.name)}")
        return written

    def said(self, text):
        """Is it in the log?"""
        return any(text in event["text"] for event in self.events("log"))

    def status(self):
        before = len(self.events("status"))
        self.talker.tell({"do": "status", "name": self.name})
        return wait_until(lambda: self.events("status")[before:], 30, f"{self.name} tells its status")[0]["status"]

    def counted(self):
        """Requests to the API so far, and how many of them failed, as its metrics say."""
        connection = http.client.HTTPConnection("localhost", timeout=20)
        connection.sock = socket.socket(socket.AF_UNIX)
        connection.sock.connect(os.path.join(self.run, "okg.sock"))
        connection.request("GET", "/metrics")
        lines = connection.getresponse().read().decode().splitlines()
        connection.close()
        values = dict(line.rsplit(" ", 1) for line in lines if line.startswith("okg_api_"))
        return int(values["okg_api_requests_total"]), int(values["okg_api_errors_total"])
