"""What the cluster suites have in common: kubectl, a namespace for each case, waiting, watching, and what a failure shows.

A suite is a file suite_NAME.py. It says NEEDS = "api" (etcd and kube-apiserver with every definition are enough) or
"cluster" (the managers and a node too), and has functions test_NAME(case), each a test case with a namespace of its own."""
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
        decoder, rest = json.JSONDecoder(), ""
        for line in self.process.stdout:
            rest += line
            if line.startswith("}"):  # the end of an event, as kubectl indents
                self.seen.append((time.monotonic(), decoder.decode(rest)["object"]))
                rest = ""

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
        good(kubectl("create", "namespace", self.namespace))
        # Pods and tokens want the account; without a controller manager nobody else makes it.
        kubectl("-n", self.namespace, "create", "serviceaccount", "default")

    def kubectl(self, *words, **more):
        return good(kubectl("-n", self.namespace, *words, **more))

    def apply(self, *things):
        """Applies objects (dictionaries)."""
        self.kubectl("apply", "-f", "-", text=json.dumps({"apiVersion": "v1", "kind": "List", "items": list(things)}))

    def get(self, kind, name):
        """The object, or None."""
        answer = kubectl("-n", self.namespace, "get", kind, name, "-o", "json", "--ignore-not-found", "--show-managed-fields")
        return json.loads(good(answer) or "null")

    def patch(self, kind, name, patch, *words):
        """A merge patch; returns the object."""
        return json.loads(self.kubectl("patch", kind, name, "--type=merge", "-p", json.dumps(patch), "-o", "json", *words))

    def label(self, kind, name, *labels):
        self.kubectl("label", "--overwrite", kind, name, *labels)

    def watch(self, kind, name):
        watch = Watch(self.namespace, kind, name)
        self.ends.append(watch.end)
        return watch

    def http(self, method, path, body, **headers):
        """A request as any client would make it, past kubectl: `kubectl proxy` adds who we are, and nothing else."""
        with tempfile.TemporaryFile("w+") as said:
            proxy = subprocess.Popen(["kubectl", "proxy", "--port=0"], stdout=said, stderr=subprocess.STDOUT)
            try:
                def port():
                    said.seek(0)
                    return re.search(r"127\.0\.0\.1:(\d+)", said.read())
                address = f"http://127.0.0.1:{wait_until(port, 10, 'kubectl proxy').group(1)}{path}"
                request = urllib.request.Request(address, json.dumps(body).encode(), headers, method=method)
                with urllib.request.urlopen(request, timeout=20) as answer:
                    return json.load(answer)
            except urllib.error.HTTPError as error:
                raise Failure(f"{method} {path}: {error.code} {error.read().decode()}") from None
            finally:
                proxy.kill()
                proxy.wait()

    def token(self, text):
        """A kubeconfig like ours, but with a token and nothing else to say who one is; its path."""
        config = json.loads(good(kubectl("config", "view", "--minify", "--raw", "--flatten", "-o", "json")))
        config["users"] = [{"name": "token", "user": {"token": text}}]
        config["contexts"][0]["context"]["user"] = "token"
        with tempfile.NamedTemporaryFile("w", prefix="okg-cluster-", delete=False) as file:
            json.dump(config, file)
        self.ends.append(lambda: os.unlink(file.name))
        return file.name

    def end(self):
        for one in self.ends:
            one()
        kubectl("delete", "namespace", self.namespace, "--wait=false")

    def show(self):
        """What helps to understand a failure: objects, events, logs of the pods and what the managers say of them."""
        parts = []

        def part(title, answer):
            text = answer.out.strip() or answer.err
            if text:
                parts.append(f"-- {title}\n{text}")

        space = ("-n", self.namespace)
        part("objects", kubectl(*space, "get", "gss,gs,pods", "--show-labels"))
        part("events", kubectl(*space, "get", "events", "--sort-by=.lastTimestamp", "-o",
                               "custom-columns=AT:.lastTimestamp,ABOUT:.involvedObject.name,REASON:.reason,TEXT:.message"))
        for pod in good(kubectl(*space, "get", "pods", "-o", "name")).split():
            part(pod, kubectl(*space, "get", pod, "-o", "jsonpath={.metadata.annotations}{'\\n'}{.status.conditions}"))
            part(f"{pod}: logs", kubectl(*space, "logs", pod, "--all-containers", "--prefix", "--tail=20"))
        for manager in ("kruise-game", "kruise-manager", "kruise-daemon", "kubelet"):
            path = os.path.join(LOGS, f"{manager}.log")
            if OWN and os.path.exists(path):
                part(manager, Answer(0, run("grep", "-aF", self.namespace, path).out[-3000:], ""))
        return "\n".join(parts)
