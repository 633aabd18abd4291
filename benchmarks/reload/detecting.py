"""From the rename of `current` to the server's knowing of it, and on to the call of prepare."""
import json
import os
import subprocess

from common import process
from reload import sets

QUIET_MS = 50


def _publish(bench, payload, run, source, *more):
    subprocess.run([bench.programs.okg, "publish", "--from", source, "--to", payload, "--run", run, "--once", *more],
                   check=True, stdout=subprocess.DEVNULL, env={**os.environ, "OKG_LOG": "error"})


class Pair:
    """Two versions on a volume, a server that uses one of them, and who moves `current` to and fro."""

    def __init__(self, bench, place, the_set):
        self.payload, self.run = sets.fresh(place, "payload"), sets.fresh(place, "run")
        self.versions = []
        for generation in (1, 2):
            files = os.path.join(place, "files")
            sets.write_set(files, the_set, generation)
            packed = os.path.join(place, f"packed{generation}")
            self.versions.append((sets.pack(bench.programs.okg, packed, str(generation), files), str(generation)))
            _publish(bench, self.payload, self.run, packed)
        self.server = process.start([bench.programs.server, self.payload, self.run, *the_set.arguments()],
                                    stdout=subprocess.PIPE)
        self.lines = process.Lines(self.server.stdout)
        self.lines.expect()
        while json.loads(self.lines.expect())["status"]["active"] is None:
            pass
        self.flip = process.start([bench.programs.flip, self.payload, self.run, str(QUIET_MS)],
                                  stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.flips = process.Lines(self.flip.stdout)

    def turn(self, number):
        """Moves `current` once; (detected, prepare called, active), each in microseconds after the rename began;
        and what the rename took."""
        self.flip.stdin.write(" ".join(self.versions[number % 2]).encode() + b"\n")
        self.flip.stdin.flush()
        stamp, before, after = (int(word) for word in self.flips.expect().split())
        said = json.loads(self.lines.expect())
        last = said["status"]["last"]
        detected_ns = stamp + last["detect_us"] * 1000 + 500  # it comes in whole microseconds, cut
        return ((detected_ns - before) / 1e3, (said["prepared_ns"] - detected_ns) / 1e3,
                last["verify_us"], (after - before) / 1e3)

    def end(self):
        for running in (self.flip, self.server):
            process.end(running)


def _bare(bench, place, kind, turns):
    """The same rename, watched by nothing but a blocking read of inotify: no detection can be faster here."""
    payload, run = sets.fresh(place, "bare-payload"), sets.fresh(place, "bare-run")
    watcher = process.start([bench.programs.bare, payload], stdout=subprocess.PIPE)
    flip = process.start([bench.programs.flip, payload, run, str(QUIET_MS)], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    seen, flips = process.Lines(watcher.stdout), process.Lines(flip.stdout)
    seen.expect()
    times = []
    try:
        for number in range(turns):
            flip.stdin.write(f"{number % 2:064x} {number}\n".encode())
            flip.stdin.flush()
            _, before, _ = (int(word) for word in flips.expect().split())
            times.append((int(seen.expect()) - before) / 1e3)
    finally:
        for running in (flip, watcher):
            process.end(running)
    bench.results.times(f"rename_to_detected/{kind}", "bare read of inotify", times, "us")


def detection(bench):
    with bench.tmpfs() as place:
        turns = 50 if bench.quick else 500
        _bare(bench, place, "tmpfs", turns)
        _measure(bench, place, "tmpfs", sets.Set(1000), turns)
    with bench.disk() as place:
        turns = 30 if bench.quick else 200
        _bare(bench, place, bench.disk_kind, turns)
        _measure(bench, place, bench.disk_kind, sets.Set(1000), turns)
    row = bench.results.find("rename_to_detected/tmpfs")
    bench.results.target(row, "<= 50 us p50, idle", row.p50 <= 50)
    row = bench.results.find(f"rename_to_detected/{bench.disk_kind}")
    bench.results.target(row, "<= 50 us p50, idle", row.p50 <= 50)
    row = bench.results.find("detected_to_prepare/1000_files/tmpfs")
    bench.results.target(row, "<= 12 ms per 1,000 small files", row.p50 <= 12)


def _measure(bench, place, kind, the_set, turns):
    pair = Pair(bench, place, the_set)
    try:
        measured = [pair.turn(number) for number in range(turns)]
    finally:
        pair.end()
    detected, prepared, _, renamed = zip(*measured)
    bench.results.times(f"rename_to_detected/{kind}", "okg", detected, "us")
    bench.results.times(f"rename_itself/{kind}", "rename(2)", renamed, "us")
    bench.results.times(f"detected_to_prepare/{the_set.count}_files/{kind}", "okg",
                        [value / 1e3 for value in prepared], "ms")


def large_file(bench):
    """One file of 256 MiB: how fast the verification before prepare is."""
    size = (64 if bench.quick else 256) * 2**20
    with bench.tmpfs() as place:
        pair = Pair(bench, place, sets.Set(1, bytes=size))
        try:
            measured = [pair.turn(number) for number in range(5 if bench.quick else 20)]
        finally:
            pair.end()
    speeds = [size / (prepared * 1e3) for _, prepared, _, _ in measured]  # bytes a nanosecond: GB/s
    row = bench.results.times(f"verification/{size >> 20}_MiB_file", "okg", speeds, "GB/s")
    bench.results.target(row, ">= 1 GB/s", row.p50 >= 1)
    speed = _openssl_speed()
    if speed:
        bench.results.one("sha256_of_this_processor", "openssl speed", speed, "GB/s")


def _openssl_speed():
    """What the hash alone takes, without any reading."""
    try:
        said = subprocess.run(["openssl", "speed", "-seconds", "1", "-bytes", "262144", "-evp", "sha256", "-mr"],
                              capture_output=True, text=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError):
        return None
    numbers = [line.split(":")[-1] for line in said.splitlines() if line.startswith("+F:")]
    return float(numbers[-1]) / 1e9 if numbers else None


def published_to_detected(bench):
    """The same with the real publisher: from its stamp, taken before it writes desired.json and the link."""
    times = []
    with bench.tmpfs() as place:
        payload, run = sets.fresh(place, "payload"), sets.fresh(place, "run")
        the_set = sets.Set(10)
        server = process.start([bench.programs.server, payload, run, *the_set.arguments()], stdout=subprocess.PIPE)
        lines = process.Lines(server.stdout)
        lines.expect()
        try:
            for generation in range(1, (50 if bench.quick else 300) + 1):
                source = os.path.join(place, "source")
                sets.write_set(source, the_set, generation)
                _publish(bench, payload, run, source, "--version", str(generation))
                times.append(json.loads(lines.expect())["status"]["last"]["detect_us"])
        finally:
            process.end(server)
    bench.results.times("stamp_to_detected/okg_publish", "okg", times, "us")
