"""What the cluster suites have in common: a namespace for each case, kubectl, waiting, watching, what a failure shows.

A suite is a file suite_NAME.py. It says NEEDS = "api" (etcd and kube-apiserver with every definition are enough) or
"cluster" (the managers and a node too), and has functions test_NAME(case), each a test case."""
import collections
import json
import os
import re
import subprocess
import tempfile
import threading
import time
import urllib.error
import urllib.request

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
OWN = os.environ.get("OKG_CLUSTER_OWN") == "1"  # the cluster is that of tests/cluster/up
LOGS = os.path.join(os.environ.get("OKG_CLUSTER_HOME", ""), "run", "log")
KINDS = {"pod": "api/v1/pods", "gs": "apis/game.kruise.io/v1alpha1/gameservers",
         "gss": "apis/game.kruise.io/v1alpha1/gameserversets", "asts": "apis/apps.kruise.io/v1beta1/statefulsets"}
# One program in two images, for updates. A user's nodes fetch theirs.
BUSYBOX = ["localhost/busybox:1", "localhost/busybox:2"] if OWN else ["busybox:1.36.0", "busybox:1.36.1"]


class Failure(Exception):
    """A case found something wrong; the text says what."""


class Skip(Exception):
    """A case cannot run here; the text says why."""


def long(function):
    """Marks a case that runs only with --long."""
    function.long = True
    return function


Answer = collections.namedtuple("Answer", "code out err")


def run(*command, text=None, seconds=60):
    """Runs a program. Its words and exit code are the answer; that it does not end is a failure."""
    try:
        done = subprocess.run(command, input=text, capture_output=True, text=True, timeout=seconds)
    except subprocess.TimeoutExpired:
        raise Failure(f"{' '.join(command)}: no end within {seconds} s") from None
    return Answer(done.returncode, done.stdout, done.stderr.strip())


def kubectl(*words, text=None, seconds=60):
    """kubectl as it answers, good or bad."""
    return run("kubectl", *words, text=text, seconds=seconds)


def good(answer):
    """What a command printed; that it failed is a failure."""
    if answer.code:
        raise Failure(answer.err or answer.out or f"exit code {answer.code}")
    return answer.out


def wait_until(predicate, seconds, what):
    """Asks until the answer is true, and returns it."""
    end = time.monotonic() + seconds
    while True:
        found = predicate()
        if found:
            return found
        if time.monotonic() > end:
            raise Failure(f"{what}: not within {seconds} s")
        time.sleep(0.1)


def expect(truth, what):
    if not truth:
        raise Failure(what)


def at(thing, *path, default=None):
    """thing[path…], or the default where something on the way is not there."""
    for key in path:
        try:
            thing = thing[key]
        except (KeyError, IndexError, TypeError):
            return default
    return thing


class Watch:
    """Every version of one object that the API server tells a watcher, oldest first."""

    def __init__(self, namespace, kind, name):
        self.seen = []
        self.process = subprocess.Popen(
            ["kubectl", "-n", namespace, "get", kind, name, "--watch", "--output-watch-events", "-o", "json"],
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        threading.Thread(target=self._read, daemon=True).start()
        wait_until(lambda: self.seen, 20, f"a watch of {kind} {name}")

    def _read(self):
        for line in self.process.stdout:
            self.seen.append((time.monotonic(), json.loads(line)["object"]))

    def values(self, *path):
        """The values at a path one after another, without repetitions."""
        found = []
        for _, thing in list(self.seen):
            value = at(thing, *path)
            if not found or found[-1] != value:
                found.append(value)
        return found

    def end(self):
        self.process.kill()
        self.process.wait()


class Case:
    """One test case: its namespace, and what it does there."""

    def __init__(self, name):
        self.name = name
        self.namespace = re.sub(r"[^a-z0-9]+", "-", f"okg-{name}") + f"-{os.urandom(3).hex()}"
        self.ends = []  # called when the case has ended
        self.proxy = None
        good(kubectl("create", "namespace", self.namespace))
        # Pods and tokens want the account; without a controller manager nobody else makes it.
        kubectl("-n", self.namespace, "create", "serviceaccount", "default")

    def kubectl(self, *words, **more):
        return good(kubectl("-n", self.namespace, *words, **more))

    def apply(self, *things):
        """Applies objects (dictionaries)."""
        self.kubectl("apply", "-f", "-", text=json.dumps({"apiVersion": "v1", "kind": "List", "items": list(things)}))

    def path(self, kind, name):
        """Where the API has an object."""
        version, plural = KINDS[kind].rsplit("/", 1)
        return f"/{version}/namespaces/{self.namespace}/{plural}/{name}"

    def get(self, kind, name):
        """The object, or None."""
        code, answer = self.ask("GET", self.path(kind, name))
        if code == 404:
            return None
        expect(code == 200, f"{kind} {name}: {code} {answer}")
        return answer

    def patch(self, kind, name, patch, query="", **headers):
        """A merge patch; returns the object."""
        code, answer = self.ask("PATCH", self.path(kind, name) + query, patch,
                                Content_Type="application/merge-patch+json", **headers)
        expect(code == 200, f"{kind} {name}: {code} {answer}")
        return answer

    def watch(self, kind, name):
        watch = Watch(self.namespace, kind, name)
        self.ends.append(watch.end)
        return watch

    def ask(self, method, path, body=None, **headers):
        """A request as any client makes it: code and answer. `kubectl proxy` adds who we are, and nothing else."""
        if not self.proxy:
            said = tempfile.TemporaryFile("w+")
            proxy = subprocess.Popen(["kubectl", "proxy", "--port=0"], stdout=said, stderr=subprocess.STDOUT)
            self.ends += [proxy.kill, proxy.wait, said.close]

            def address():
                said.seek(0)
                return re.search(r"127\.0\.0\.1:\d+", said.read())
            self.proxy = wait_until(address, 30, "kubectl proxy").group()
        request = urllib.request.Request(
            f"http://{self.proxy}{path}", None if body is None else json.dumps(body).encode(),
            {"Content-Type": "application/json"} | {key.replace("_", "-"): value for key, value in headers.items()},
            method=method)
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()

    def as_bearer(self, token):
        """A kubeconfig like ours, but with a token and nothing else to say who one is; its path."""
        config = json.loads(good(kubectl("config", "view", "--minify", "--raw", "--flatten", "-o", "json")))
        config["users"] = [{"name": "token", "user": {"token": token}}]
        config["contexts"][0]["context"]["user"] = "token"
        with tempfile.NamedTemporaryFile("w", prefix="okg-cluster-", delete=False) as file:
            json.dump(config, file)
        self.ends.append(lambda: os.unlink(file.name))
        return file.name

    def end(self):
        for one in self.ends:
            one()
        self.ends = []
        kubectl("delete", "namespace", self.namespace, "--wait=false")

    def show(self):
        """What helps to understand a failure: objects, events, logs of the pods and what the managers say of them."""
        parts = []

        def part(title, answer):
            text = answer.out.strip() or answer.err
            if text:
                parts.append("\n".join([f"-- {title}"] + [line[:400] for line in text.splitlines()[-20:]]))

        space = ("-n", self.namespace)
        part("objects", kubectl(*space, "get", "gss,gs,pods", "--show-labels"))
        columns = "AT:.lastTimestamp,ABOUT:.involvedObject.name,REASON:.reason,TEXT:.message"
        part("events", kubectl(*space, "get", "events", "--sort-by=.lastTimestamp", "-o", f"custom-columns={columns}"))
        for pod in good(kubectl(*space, "get", "pods", "-o", "name")).split():
            part(pod, kubectl(*space, "get", pod, "-o", r"jsonpath={.metadata.annotations}{'\n'}{.status.conditions}"))
            part(f"{pod}: logs", kubectl(*space, "logs", pod, "--all-containers", "--prefix", "--tail=20"))
        for manager in ("kruise-game", "kruise-manager", "kruise-daemon", "kubelet"):
            path = os.path.join(LOGS, f"{manager}.log")
            if OWN and os.path.exists(path):
                part(manager, run("grep", "-aF", self.namespace, path))
        return "\n".join(parts)
