"""Many servers in one process: what they need of the machine and ask of the API server."""
import concurrent.futures
import os
import time

from cluster import expect, wait_until
from talkers import Talker


class Use:
    """What a process has of the machine at one moment."""

    def __init__(self, pid):
        with open(f"/proc/{pid}/status", encoding="utf-8") as file:
            fields = dict(line.split(":", 1) for line in file)
        self.kib = int(fields["VmRSS"].split()[0])
        self.threads = int(fields["Threads"])
        self.fds = len(os.listdir(f"/proc/{pid}/fd"))
        with open(f"/proc/{pid}/stat", encoding="utf-8") as file:
            ticks = file.read().rsplit(")", 1)[1].split()[11:13]
        self.cpu = sum(map(int, ticks)) / os.sysconf("SC_CLK_TCK")  # seconds


class Fleet:
    def __init__(self, ground, number, port=None):
        self.ground = ground
        self.names = [f"game-2048-{index}" for index in range(number)]
        self.took = {}  # seconds, by what it was
        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            made = list(pool.map(self._make, self.names))
        self.talker = Talker(ground, port)
        wait_until(lambda: os.path.exists(f"/proc/{self.talker.process.pid}/status"), 10, "the process is there")
        time.sleep(0.5)
        self.empty = Use(self.talker.process.pid)
        begin = time.monotonic()
        self.servers = [self.talker.server(name, uid=uid, token=token, made=False)
                        for name, (uid, token) in zip(self.names, made)]
        self.all(lambda server: server.last("connection", "state") == "connected", "is connected")
        self.took["connect"] = time.monotonic() - begin

    def _make(self, name):
        uid = self.ground.pod(name)
        self.ground.game_server(name, uid)
        return uid, self.ground.token(name, uid)

    def all(self, is_so, what, seconds=300):
        """Waits until it is so for every server."""
        late = list(self.servers)

        def left():
            nonlocal late
            late = [server for server in late if not is_so(server)]
            return not late
        try:
            wait_until(left, seconds, "")
        except Exception:
            expect(False, f"{len(late)} of {len(self.servers)} servers, {late[0].name} among them: not {what} within "
                          f"{seconds} s; its log: {[event['text'] for event in late[0].events('log')][-5:]}")

    def use(self):
        return Use(self.talker.process.pid)

    def all_set(self, state):
        """Each server sets opsState, all at once; each has to land."""
        begin = time.monotonic()
        ends = [server.set(state) for server in self.servers]
        for end in ends:
            written = end(300)
            expect(written["code"] == 0, f"{written['name']}: {state} was not written: {written['text']}")
        self.took[f"set {state}"] = time.monotonic() - begin

    def all_hear(self, state):
        """Somebody else sets each server's opsState; each has to hear."""
        begin = time.monotonic()
        with concurrent.futures.ThreadPoolExecutor(4) as pool:
            list(pool.map(lambda name: self.ground.set_state(name, state), self.names))
        self.took[f"change to {state}"] = time.monotonic() - begin
        self.all(lambda server: server.last("ops_state", "state") == state, f"told of {state}")
        self.took[f"hear {state}"] = time.monotonic() - begin

    def found(self):
        """How many GameServers the API has in each opsState."""
        code, answer = self.ground.ask("GET", self.ground.path("gameservers"))
        expect(code == 200, f"the GameServers: {code} {answer}")
        states = [item["spec"]["opsState"] for item in answer["items"]]
        return {state: states.count(state) for state in set(states)}
