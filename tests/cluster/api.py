"""An API server with its etcd that a case has for itself, beside the cluster of the others: it may be killed, cut off,
get another certificate, forget what was, and be asked who asked for what."""
import base64
import collections
import datetime
import http.client
import json
import os
import shutil
import signal
import socket
import ssl
import subprocess
import tempfile
import threading
import urllib.request

from cluster import HERE, Failure, Skip, expect, good, run, wait_until

HOME = os.environ.get("OKG_CLUSTER_HOME") or os.path.join(
    os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"), "okg-cluster")
POLICY = {"apiVersion": "audit.k8s.io/v1", "kind": "Policy", "omitStages": ["RequestReceived"], "rules": [
    {"level": "Metadata", "resources": [{"group": "game.kruise.io", "resources": ["gameservers"]}]}, {"level": "None"}]}
# When it was answered, by whose pod it was asked, get, watch or patch, of which GameServer, and the answer.
Asked = collections.namedtuple("Asked", "at pod verb name code dry")


def free_ports(number):
    """Ports of the loopback that nobody has just now."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(number)]
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


class Client:
    """Requests of the cluster's owner on connections that are kept, one a thread."""

    def __init__(self, port, pki):
        self.port, self.pki = port, pki
        self.mine = threading.local()

    def _connection(self):
        if not getattr(self.mine, "connection", None):
            context = ssl.create_default_context(cafile=os.path.join(self.pki, "ca.crt"))
            context.load_cert_chain(os.path.join(self.pki, "admin.crt"), os.path.join(self.pki, "admin.key"))
            self.mine.connection = http.client.HTTPSConnection("127.0.0.1", self.port, timeout=30, context=context)
            self.mine.connection.connect()
            self.mine.connection.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return self.mine.connection

    def ask(self, method, path, body=None, **headers):
        """Code and answer, as Case.ask()."""
        headers = {"Content-Type": "application/json"} | {key.replace("_", "-"): one for key, one in headers.items()}
        reused = getattr(self.mine, "connection", None)
        try:
            connection = self._connection()
            connection.request(method, path, None if body is None else json.dumps(body), headers)
            answer = connection.getresponse()
            text = answer.read()
        except (OSError, http.client.HTTPException):
            self.mine.connection = None
            if reused:  # it was idle for long, or the API server is another
                return self.ask(method, path, body, **headers)
            raise
        if answer.will_close:
            self.mine.connection = None
        return answer.status, json.loads(text) if text[:1] == b"{" else text.decode()


class Api:
    def __init__(self, case, *flags):
        self.home = tempfile.mkdtemp(prefix="okg-api-")
        for name in ("bin", "manifests"):
            os.symlink(os.path.join(HOME, name), os.path.join(self.home, name))
        self.directory = os.path.join(self.home, "run")
        self.pki = os.path.join(self.directory, "pki")
        self.kubeconfig = os.path.join(self.pki, "admin.kubeconfig")
        self.audit = os.path.join(self.home, "audit.log")
        self.port, self.etcd, peers = free_ports(3)
        self.environment = os.environ | {"OKG_CLUSTER_HOME": self.home,
                                         "OKG_CLUSTER_PORTS": f"{self.port} {self.etcd} {peers}"}
        case.ends.append(self.end)
        policy = os.path.join(self.home, "policy.json")
        with open(policy, "w", encoding="utf-8") as file:
            json.dump(POLICY, file)
        done = self._script("up", "--api", f"--audit-policy-file={policy}", f"--audit-log-path={self.audit}", *flags)
        if done.returncode == 77:
            raise Skip(done.stderr.strip().splitlines()[-1].removeprefix("okg: cluster: up: "))
        expect(done.returncode == 0, f"an API server of its own does not start: {done.stdout[-500:]} {done.stderr[-500:]}")
        self.client = Client(self.port, self.pki)
        self.ask = self.client.ask

    def _script(self, name, *words):
        return subprocess.run([os.path.join(HERE, name), *words], env=self.environment, stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, timeout=180, check=False)

    def kubectl(self, *words, text=None):
        return good(run("kubectl", "--kubeconfig", self.kubeconfig, *words, text=text))

    def _pid_file(self):
        return os.path.join(self.directory, "pids", "kube-apiserver")

    def kill(self):
        """SIGKILL: whatever it was doing."""
        with open(self._pid_file(), encoding="utf-8") as file:
            pid = int(file.read())
        with open(f"/proc/{pid}/cmdline", encoding="utf-8") as file:
            self.command = file.read().rstrip("\0").split("\0")
        os.kill(pid, signal.SIGKILL)
        wait_until(lambda: not listens(self.port), 20, "the API server is gone")

    def back(self):
        """Starts it again as it was, and waits until it is ready."""
        with open(os.path.join(self.directory, "log", "kube-apiserver.log"), "a", encoding="utf-8") as log:
            process = subprocess.Popen(self.command, cwd=self.directory, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                       start_new_session=True)
        threading.Thread(target=process.wait, daemon=True).start()
        with open(self._pid_file(), "w", encoding="utf-8") as file:
            file.write(str(process.pid))

        def ready():
            try:
                return self.ask("GET", "/readyz")[0] == 200
            except OSError:
                return False
        wait_until(ready, 90, "the API server is back")

    def compact(self):
        """etcd forgets everything but what is now."""
        def etcd(call, what):
            request = urllib.request.Request(f"http://127.0.0.1:{self.etcd}/v3/kv/{call}", json.dumps(what).encode())
            with urllib.request.urlopen(request, timeout=30) as answer:
                return json.load(answer)
        key = base64.b64encode(b"/registry").decode()
        revision = etcd("range", {"key": key, "limit": 1})["header"]["revision"]
        etcd("compaction", {"revision": revision, "physical": True})

    def another_certificate(self):
        """The API server, which must be down, will have a certificate of another authority; returns that one's. Whoever
        asks for the cluster's owner trusts both."""
        new = os.path.join(self.pki, "new-ca")
        name = os.path.join(self.pki, "apiserver")
        sans = "subjectAltName=DNS:localhost,IP:127.0.0.1"
        for words in (("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", f"{new}.key", "-out", f"{new}.crt", "-days",
                       "2", "-subj", "/CN=okg-another-ca"),
                      ("req", "-newkey", "rsa:2048", "-nodes", "-keyout", f"{name}.key", "-out", f"{name}.csr", "-subj",
                       "/CN=kube-apiserver"),
                      ("x509", "-req", "-in", f"{name}.csr", "-CA", f"{new}.crt", "-CAkey", f"{new}.key", "-CAcreateserial",
                       "-days", "2", "-out", f"{name}.crt", "-extfile", "/dev/stdin")):
            good(run("openssl", *words, text=f"extendedKeyUsage=serverAuth,clientAuth\n{sans}\n"))
        with open(f"{new}.crt", encoding="utf-8") as file:
            certificate = file.read()
        with open(os.path.join(self.pki, "ca.crt"), "a", encoding="utf-8") as file:
            file.write(certificate)
        return certificate

    def asked(self, pod=None, since=0.0):
        """What was asked of GameServers by pods, from the audit log, oldest first; a watch stands where it began."""
        found = []
        with open(self.audit, encoding="utf-8") as file:
            for line in file:
                if not line.endswith("\n"):
                    break  # being written
                event = json.loads(line)
                by = event["user"].get("extra", {}).get("authentication.kubernetes.io/pod-name", [None])[0]
                if by is None or (event["verb"] == "watch") != (event["stage"] == "ResponseStarted"):
                    continue
                time = datetime.datetime.fromisoformat(event["stageTimestamp"].replace("Z", "+00:00")).timestamp()
                if (pod is None or by == pod) and time >= since:
                    found.append(Asked(time, by, event["verb"], event["objectRef"].get("name"),
                                       event["responseStatus"]["code"], "dryRun" in event["requestURI"]))
        return found

    def end(self):
        self._script("down")
        shutil.rmtree(self.home, ignore_errors=True)


def listens(port):
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


class Relay:
    """A way to a port of this machine, on which everybody can be cut off and held up."""

    def __init__(self, case, to):
        self.to, self.accepted, self.pairs = to, 0, []
        self.open = threading.Event()
        self.open.set()
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.port = self.listener.getsockname()[1]
        case.ends.append(self.end)
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                here, _ = self.listener.accept()
            except OSError:
                return
            self.accepted += 1
            threading.Thread(target=self._join, args=(here,), daemon=True).start()

    def _join(self, here):
        self.open.wait()
        try:
            there = socket.create_connection(("127.0.0.1", self.to), 10)
        except OSError:
            here.close()
            return
        there.settimeout(None)
        self.pairs.append((here, there))
        threading.Thread(target=self._copy, args=(there, here), daemon=True).start()
        self._copy(here, there)

    def _copy(self, one, other):
        try:
            while piece := one.recv(65536):
                other.sendall(piece)
        except OSError:
            pass
        self._cut((one, other))

    @staticmethod
    def _cut(pair):
        for end in pair:
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def hold(self):
        """Cuts what is open; who comes from now on waits for go_on()."""
        self.open.clear()
        pairs, self.pairs = self.pairs, []
        for pair in pairs:
            self._cut(pair)

    def go_on(self):
        self.open.set()

    def end(self):
        self.listener.close()
        self.hold()
        self.go_on()


def must(answer, *codes):
    """The answer of ask(), whose code has to be a good one."""
    code, what = answer
    if code not in (codes or (200, 201)):
        raise Failure(f"the API server says {code}: {what}")
    return what
