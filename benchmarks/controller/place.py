"""A real API server, and who talks to it: okg, and what a user would otherwise write."""
import copy
import json
import os
import subprocess
import threading
import time

import api
import talkers
from cluster import Skip, wait_until
from common import process

HERE = os.path.dirname(os.path.abspath(__file__))


class Missing(Exception):
    """What the benchmark needs and this machine lacks."""


class Case:
    """What the suites' helpers ask of a test case."""

    def __init__(self):
        self.namespace = "okg-bench"
        self.ends = []

    def end(self):
        for one in reversed(self.ends):
            one()
        self.ends = []


class Place:
    def __init__(self, build):
        self.case = Case()
        talkers.TALKER = os.path.join(os.path.abspath(build), "bench-controller-talker")
        os.environ["PATH"] = os.path.join(api.HOME, "bin") + os.pathsep + os.environ["PATH"]
        try:
            self.api = api.Api(self.case)
            os.environ["KUBECONFIG"] = self.api.kubeconfig
            self.ground = talkers.Ground(self.case, self.api)
        except Skip as why:
            self.case.end()
            raise Missing(str(why)) from None
        except BaseException:
            self.case.end()
            raise
        self.talker = talkers.Talker(self.ground)
        said = json.loads(self.api.kubectl("version", "-o", "json"))
        self.version = said["serverVersion"]["gitVersion"]
        # Role and policy take a moment to come into force.
        first = self.server("first")
        first.is_connected()
        first.lands("Allocated", 120)
        writer = Curl(self, "second")
        wait_until(lambda: writer.write("Allocated", check=False), 60, "curl may write")

    def server(self, name):
        return self.talker.server(name)

    def alone(self):
        """The same place, with the next servers in a process of their own."""
        other = copy.copy(self)
        other.talker = talkers.Talker(self.ground)
        return other

    def pod(self, name):
        """A pod, its GameServer, and where its token lies."""
        uid = self.ground.pod(name)
        self.ground.game_server(name, uid)
        token = self.ground.token(name, uid)
        path = os.path.join(self.ground.place.name, f"{name}.token")
        with open(path, "w", encoding="utf-8") as file:
            file.write(token)
        return path

    @property
    def ca(self):
        return os.path.join(self.api.pki, "ca.crt")

    def url(self, name):
        return f"https://127.0.0.1:{self.api.port}{self.ground.path('gameservers', name)}"

    def kubeconfig(self, name, token_file):
        """That of a pod: who one is, is its token."""
        path = os.path.join(self.ground.place.name, f"{name}.kubeconfig")
        with open(path, "w", encoding="utf-8") as file:
            json.dump({
                "apiVersion": "v1", "kind": "Config", "current-context": "pod",
                "clusters": [{"name": "api", "cluster": {"server": f"https://127.0.0.1:{self.api.port}",
                                                          "certificate-authority": self.ca}}],
                "users": [{"name": "pod", "user": {"tokenFile": token_file}}],
                "contexts": [{"name": "pod", "context": {"cluster": "api", "user": "pod",
                                                          "namespace": self.ground.namespace}}]}, file)
        return path

    def end(self):
        self.case.end()


def patch_of(state):
    return json.dumps({"spec": {"opsState": state}})


# ---- Who writes. Each write is of a GameServer of its own, by the token of its pod, and its time is in milliseconds.

class Okg:
    name = "okg"

    def __init__(self, place, prefix, servers=24):
        # Several, in turn: one server is let write once in two seconds for good.
        self.servers = [place.server(f"{prefix}-{index}") for index in range(servers)]
        for server in self.servers:
            server.is_connected()
        time.sleep(3)  # what is reported of a server at its start
        self.next = 0

    def write(self, state):
        server = self.servers[self.next % len(self.servers)]
        self.next += 1
        written = server.set(state)()
        if written["code"] != 0:
            raise RuntimeError(f"{server.name}: {written['text']}")
        return written["us"] / 1e3


class Command:
    """A program that is started for each write, as scripts and exec hooks do."""

    def write(self, state, check=True):
        begin = time.monotonic_ns()
        done = subprocess.run(self.command(state), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                              stderr=subprocess.PIPE, text=True, check=False)
        took = (time.monotonic_ns() - begin) / 1e6
        if done.returncode and check:
            raise RuntimeError(f"{self.name}: {done.stderr}")
        return None if done.returncode else took


class Kubectl(Command):
    name = "kubectl patch"

    def __init__(self, place, pod):
        self.pod, self.config = pod, place.kubeconfig(pod, place.pod(pod))

    def command(self, state):
        return ["kubectl", "--kubeconfig", self.config, "patch", "gs", self.pod, "--type=merge", "-p", patch_of(state)]


class Curl(Command):
    name = "curl, a connection per write"

    def __init__(self, place, pod):
        self.place, self.pod, self.token = place, pod, place.pod(pod)

    def command(self, state):
        with open(self.token, encoding="utf-8") as file:
            token = file.read()
        return ["curl", "-sS", "--fail", "--cacert", self.place.ca, "-H", f"Authorization: Bearer {token}", "-H",
                "Content-Type: application/merge-patch+json", "-X", "PATCH", "-d", patch_of(state),
                self.place.url(self.pod)]


class Bare:
    """The floor: a PATCH on a connection that is open, and nothing around it."""
    name = "bare PATCH (floor)"

    def __init__(self, place, pod):
        place.pod(pod)
        self.place, self.pod = place, pod

    def write(self, state):
        begin = time.monotonic_ns()
        self.place.ground.set_state(self.pod, state)
        return (time.monotonic_ns() - begin) / 1e6


# ---- Who listens. `heard` gets (state, CLOCK_MONOTONIC in ns).

class OkgEar:
    name = "okg"

    def __init__(self, place, pod):
        self.pod = pod
        self.server = place.server(pod)
        self.server.is_connected()

    @property
    def heard(self):
        return [(event["state"], event["at"]) for event in self.server.events("ops_state")]

    def pid(self):
        return self.server.talker.process.pid


class Lines:
    """A program that says each state in a line as it hears of it."""

    def __init__(self, command):
        self.heard = []
        self.process = process.start(command, group=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self):
        for line in self.process.stdout:
            state, *at = line.split() or [""]
            self.heard.append((state, int(at[0]) if at else time.monotonic_ns()))


class KubectlEar(Lines):
    """It ends with its connection: a loop starts it again."""
    name = "kubectl get --watch in a loop"

    def __init__(self, place, pod):
        self.pod = pod
        config = place.kubeconfig(pod, place.pod(pod))
        super().__init__(["bash", "-c", f"while :; do kubectl --kubeconfig {config} get gs {pod} --watch "
                          "-o jsonpath='{.spec.opsState}{\"\\n\"}'; sleep 1; done"])

    def pid(self):
        with open(f"/proc/{self.process.pid}/task/{self.process.pid}/children", encoding="ascii") as file:
            return int(file.read().split()[0])


class PollEar(Lines):
    name = "python, GET every second"

    def __init__(self, place, pod):
        self.pod = pod
        super().__init__(["python3", os.path.join(HERE, "poll_loop.py"), place.url(pod), place.ca, place.pod(pod)])

    def pid(self):
        return self.process.pid
