"""SIGKILL under load, and what the next process finds after how long."""
import dataclasses
import os
import random
import select
import shutil
import struct
import subprocess
import time

from common import process
from hot import servers

VALUE_BYTES = 256
PEERS = ("okg", "lmdb_writemap", "boost", "boost_swap", "rocksdb", "redis", "memcached")
PATIENCE = 10.0  # with a successor that says nothing; checking gets more


class Load:
    """A process that updates records, and how far it has come by its own word."""

    def __init__(self, bench, subject, keys, last, place, quiet=False):
        self.process = process.start([bench.programs.resume, "load", subject, str(VALUE_BYTES), str(keys),
                                      str(last + 1 if last else 0), place], stdout=subprocess.PIPE,
                                     stderr=subprocess.DEVNULL if quiet else None)
        self.last, self.rest = last, b""
        self.run(0)

    def _read(self):
        piece = os.read(self.process.stdout.fileno(), 1 << 16)
        self.rest += piece
        whole = len(self.rest) // 8 * 8
        if whole:
            self.last = struct.unpack("=Q", self.rest[whole - 8:whole])[0]
            self.rest = self.rest[whole:]
        return len(piece) > 0

    def run(self, seconds):
        """Lets it work for so long; waits for its first word in any case."""
        if not self._read():
            raise RuntimeError("a process under load ended by itself")
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0:
            if select.select([self.process.stdout], [], [], left)[0]:
                self._read()

    def kill(self, victim=None):
        """SIGKILL for it, or for the server it works with; when that was, and after how long it was gone, in ns."""
        victim = victim or self.process
        at = time.monotonic_ns()
        victim.kill()
        victim.wait()
        gone = time.monotonic_ns() - at
        self.end()
        return at, gone

    def end(self):
        """What it had acknowledged is still in the pipe."""
        while self._read():
            pass
        process.end(self.process)


class Successor:
    """The process after it. What it says before it ends or hangs is what was found."""

    def __init__(self, bench, subject, keys, last, place, check_all):
        self.started = time.monotonic_ns()
        self.process = process.start([bench.programs.resume, "open", subject, str(VALUE_BYTES), str(keys), str(last), place,
                                      *(["all"] if check_all else [])], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)

    def found(self, patience):
        lines, said = process.Lines(self.process.stdout), {}
        try:
            while "done" not in said and (line := lines.next(patience)) is not None:
                name, number = line.split()
                said[name] = int(number)
        except RuntimeError:
            pass  # it died
        if "done" not in said:
            self.process.kill()
        process.end(self.process)
        return said


@dataclasses.dataclass
class Found:
    values: dict = dataclasses.field(default_factory=dict)  # name -> [value]

    def add(self, **values):
        for name, value in values.items():
            self.values.setdefault(name, []).append(value)

    def all(self, name):
        return self.values.get(name, [])


def _moment():
    return random.uniform(0.2, 0.5)


def sizes(bench):
    """okg by the size of what is there: nothing but the kernel's taking down of the old mapping may depend on it."""
    wanted = {"256_mib": 256} if bench.quick else {"1_gib": 1 << 10, "4_gib": 4 << 10, "8_gib": 8 << 10}
    for name, mebibytes in wanted.items():
        # Keys, index, slots and room to grow; and the successor's own memory for checking.
        if bench.has_room((mebibytes << 20) * 3 // 2 + (1 << 30), f"resuming with {name.replace('_', ' ')}"):
            _size(bench, name, (mebibytes << 20) // VALUE_BYTES, mebibytes / 1024)


def _size(bench, name, keys, gibibytes):
    found, last, rounds = Found(), 0, 3 if bench.quick else 6
    patience = PATIENCE + keys / 100_000
    with bench.tmpfs() as place:
        for turn in range(rounds):
            load = Load(bench, "okg", keys, last, place)
            load.run(_moment())
            # Every other time somebody is waiting for the lock already: when does he get it?
            if turn % 2:
                waiting = Successor(bench, "okg", keys, 0, place, False)
                load.run(0.3)
                killed, _ = load.kill()
                said = waiting.found(patience)
                if "opened_at" in said:
                    found.add(locked=(said["opened_at"] - killed) / 1e6)
            else:
                _, gone = load.kill()
                found.add(reaped=gone / 1e6)
            last = load.last
            said = Successor(bench, "okg", keys, last, place, turn >= rounds - 2).found(patience)
            found.add(came_back=int("done" in said), lost=said.get("lost", keys) + said.get("wrong", 0),
                      checked=said.get("checked", 0))
            if "done" not in said:
                break
            if not turn % 2:
                found.add(get=said["open_and_get_ns"] / 1e3, again=said["open_again_and_get_ns"] / 1e3, gets=said["gets_ns"] / 1e6, work=said["work_ns"] / 1e6)
    results = bench.results
    results.times(f"killed_to_reaped/{name}", "okg", found.all("reaped"), "ms")
    results.times(f"killed_to_opened/{name}", "okg", found.all("locked"), "ms")
    results.times(f"open_and_first_get/{name}", "okg", found.all("get"), "us")
    results.times(f"open_again_and_first_get/{name}", "okg", found.all("again"), "us")
    results.times(f"gets_20000/{name}", "okg", found.all("gets"), "ms")
    results.times(f"warm/{name}", "okg", found.all("work"), "ms")
    whole = [(reaped + get / 1e3 + work) / gibibytes
             for reaped, get, work in zip(found.all("reaped"), found.all("get"), found.all("work"))]
    results.times(f"downtime_until_warm_per_gib/{name}", "okg", whole, "ms a GiB")
    results.one(f"lost/{name}", "okg", sum(found.all("lost")), f"of {sum(found.all('checked')):,} looked at",
                len(found.all("lost")))


def peers(bench):
    keys = 1_000_000
    if not bench.has_room(4 << 30, "restarts of the peers"):
        return
    kinds = [(subject, False) for subject in PEERS if subject in bench.subjects]
    if "memcached" in bench.subjects:
        kinds.append(("memcached", True))
    for subject, stops_well in kinds:
        name = f"{subject} (SIGUSR1)" if stops_well else subject
        rounds = 20 if subject.startswith("boost") else 5
        if bench.quick:
            rounds = 1 if servers.of(subject) else 3
        _report(bench.results, name, _rounds(bench, subject, keys, rounds, stops_well))


def _rounds(bench, subject, keys, rounds, stops_well):
    server_name = servers.of(subject)
    found, last = Found(), 0
    with bench.tmpfs() as above:
        place = server = None
        for turn in range(rounds):
            if place is None:
                place, last = os.path.join(above, str(turn)), 0
                os.mkdir(place)
                server = servers.start(server_name, place, restartable=True) if server_name else None
            load = Load(bench, subject, keys, last, place, quiet=server is not None)
            load.run(_moment())
            if stops_well:
                servers.stop_keeping(server)
                load.end()
            else:
                load.kill(server)
            last = load.last
            started = time.monotonic_ns()
            if server:
                process.end(server)
                server = servers.start(server_name, place, restartable=True)
            # A million round trips take half a minute: of a server all is looked at once.
            check_all = turn == rounds - 1 and not bench.quick if server else True
            said = Successor(bench, subject, keys, last, place, check_all).found(
                PATIENCE if subject.startswith("boost") else 6 * PATIENCE)
            if "got_at" in said:
                since = said["got_at"] - started if server else said["open_and_get_ns"]
                found.add(get=since / 1e3, gets=said.get("gets_ns", 0) / 1e6)
            found.add(came_back=int("done" in said))
            if "done" in said:
                found.add(lost=said["lost"], wrong=said.get("wrong", 0), checked=said.get("checked", keys))
            if "done" not in said or said["lost"] or said.get("wrong"):
                # Whatever it was, the next round begins with a whole table.
                if server:
                    process.end(server)
                shutil.rmtree(place)
                place = None
        if server:
            process.end(server)
    return found


def _report(results, name, found):
    results.times("restart_256_1m/start_to_first_get", name, found.all("get"), "us")
    results.times("restart_256_1m/gets_20000", name, found.all("gets"), "ms")
    rounds = len(found.all("came_back"))
    results.one("restart_256_1m/hung_or_died", name, rounds - sum(found.all("came_back")), f"of {rounds} restarts", rounds)
    looked_at = f"of {sum(found.all('checked')):,} looked at"
    for what, values in (("lost", found.all("lost")), ("torn", found.all("wrong"))):
        if values:
            results.one(f"restart_256_1m/{what}", name, sum(values), looked_at, len(values))
