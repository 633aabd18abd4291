"""What okg costs while nothing happens, and how fast its publisher ends."""
import json
import os
import shutil
import signal
import subprocess
import time

from common import process
from common.results import percentile
from reload import sets


def poll(bench):
    repetitions = 10 if bench.quick else 40
    said = subprocess.run([bench.programs.poll, f"--benchmark_repetitions={repetitions}",
                           "--benchmark_min_time=0.05", "--benchmark_format=json",
                           "--benchmark_enable_random_interleaving=true"],
                          check=True, capture_output=True, text=True)
    times, allocations = {}, {}
    for run in json.loads(said.stdout)["benchmarks"]:
        if run["run_type"] == "iteration":
            times.setdefault(run["run_name"], []).append(run["cpu_time"])
            allocations.setdefault(run["run_name"], []).append(run["allocs"])
    names = (("poll/idle", "okg", "IdlePoll"), ("poll/idle_with_budget", "okg", "IdlePollWithBudget"),
             ("poll/idle", "empty call into libokg.so", "EmptyCall"),
             ("poll/idle", "read of an inotify descriptor", "ReadInotify"), ("poll/idle", "stat of a path", "StatFile"))
    for id, subject, name in names:
        row = bench.results.times(id, subject, times[name], "ns")
        if subject == "okg":
            bench.results.target(row, "<= 3 ns through libokg.so", row.p50 <= 3)
    row = bench.results.one("poll/allocations", "okg", max(allocations["IdlePoll"] + allocations["IdlePollWithBudget"]),
                            "allocations", len(allocations["IdlePoll"]))
    # Counting has to be seen working, or a 0 says nothing.
    control = percentile(allocations["Control"], 50)
    bench.results.one("poll/allocations", "control: status_json", control, "allocations", len(allocations["Control"]))
    bench.results.target(row, "0", row.value == 0 and control > 0)


def _switches(pid):
    """Thread id -> how often it went to sleep by itself; okg's threads only."""
    switches = {}
    for task in os.listdir(f"/proc/{pid}/task"):
        with open(f"/proc/{pid}/task/{task}/status", encoding="utf-8") as file:
            fields = dict(line.split(":\t", 1) for line in file.read().splitlines() if ":\t" in line)
        if int(task) != pid:
            switches[task] = int(fields["voluntary_ctxt_switches"])
    return switches


def wake_ups(bench):
    seconds = 10
    per_second = []
    with bench.tmpfs() as place:
        source, payload, run = os.path.join(place, "source"), sets.fresh(place, "payload"), sets.fresh(place, "run")
        the_set = sets.Set(10)
        sets.write_set(source, the_set, 1)
        server = process.start([bench.programs.server, payload, run, *the_set.arguments()], stdout=subprocess.PIPE)
        lines = process.Lines(server.stdout)
        lines.expect()
        try:
            subprocess.run([bench.programs.okg, "publish", "--from", source, "--to", payload, "--run", run, "--version",
                            "1", "--once"], check=True, stdout=subprocess.DEVNULL)
            lines.expect()
            time.sleep(2)
            for _ in range(1 if bench.quick else 6):
                before, begin = _switches(server.pid), time.monotonic()
                time.sleep(seconds)
                after, end = _switches(server.pid), time.monotonic()
                woken = sum(after[task] - before.get(task, 0) for task in after)
                per_second.append(woken / (end - begin))
        finally:
            process.end(server)
    row = bench.results.times("idle_wake_ups", "okg", per_second, "a second")
    bench.results.target(row, "<= 1 a second", round(max(per_second), 1) <= 1)


# ---- SIGTERM

def _ended_ms(process_id, wait, patience):
    """Sends SIGTERM; milliseconds until it has ended, or None when it had to be killed."""
    begin = time.monotonic()
    os.kill(process_id, signal.SIGTERM)
    try:
        wait(patience)
    except subprocess.TimeoutExpired:
        return None
    return (time.monotonic() - begin) * 1e3


def _as_pid_1(command):
    """The command as a container's first process, and its process id here."""
    outer = process.start(["unshare", "--pid", "--fork", "--kill-child", "--", *command], stdout=subprocess.DEVNULL,
                          stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline and outer.poll() is None:
        with open(f"/proc/{outer.pid}/task/{outer.pid}/children", encoding="ascii") as file:
            children = file.read().split()
        if children:
            return outer, int(children[0])
        time.sleep(0.01)
    process.end(outer)
    return None, 0


def stopping(bench):
    rounds = 5 if bench.quick else 30
    with bench.tmpfs() as place:
        small = os.path.join(place, "small")
        sets.write_set(small, sets.Set(10), 1)
        row = bench.results.times("sigterm/staying", "okg", [_stop_staying(bench, place, small) for _ in range(rounds)],
                                  "ms")
        bench.results.target(row, "<= 100 ms", row.p99 <= 100)
        _stop_first_processes(bench, place, small)
    with bench.disk() as place:
        large = os.path.join(place, "large")
        sets.write_set(large, sets.Set(1, bytes=2**29 if bench.quick else 2**30), 1)
        packed = os.path.join(place, "packed")
        sets.pack(bench.programs.okg, packed, "1", large)
        times = [_stop_copying(bench, place, packed) for _ in range(rounds)]
        times = [value for value in times if value is not None]  # None: it had copied all by then
        row = bench.results.times("sigterm/in_mid_copy", "okg", times, "ms")
        bench.results.target(row, "<= 100 ms", row is not None and row.p99 <= 100)


def _publisher(bench, place, source):
    return [bench.programs.okg, "publish", "--from", source, "--to", sets.fresh(place, "payload"), "--run",
            sets.fresh(place, "run"), "--json"]


def _stop_staying(bench, place, source):
    running = process.start([*_publisher(bench, place, source), "--version", "1"], stdout=subprocess.PIPE,
                            stderr=subprocess.DEVNULL)
    process.Lines(running.stdout).expect()  # published
    time.sleep(0.3)
    took = _ended_ms(running.pid, running.wait, 10)
    process.end(running)
    return 10_000.0 if took is None else took


def _staged_bytes(volume):
    total = 0
    for directory, _, names in os.walk(os.path.join(volume, ".staging")):
        for name in names:
            total += os.stat(os.path.join(directory, name)).st_blocks * 512
    return total


def _stop_copying(bench, place, source):
    running = process.start(_publisher(bench, place, source), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    volume = os.path.join(place, "payload")
    while running.poll() is None and _staged_bytes(volume) == 0:
        time.sleep(0.001)
    time.sleep(0.05)
    took = None if running.poll() is not None else _ended_ms(running.pid, running.wait, 10)
    copied_all = os.path.islink(os.path.join(volume, "current"))
    process.end(running)
    return None if copied_all else took


def _stop_first_processes(bench, place, source):
    """Both as process 1 of a PID namespace, where a signal without a handler is not delivered."""
    if os.geteuid() != 0 or not shutil.which("unshare"):
        return
    grace = 3 if bench.quick else 30  # seconds; Kubernetes' default is 30
    live = sets.fresh(place, "live")
    document = ["bash", "-c", f"rsync -aP {source}/* {live}/ && while true; do echo 11;sleep 2; done"]
    commands = (("okg", [*_publisher(bench, place, source), "--version", "1"], 1 if bench.quick else 10),
                ("document's sidecar", document, 1))
    for name, command, rounds in commands:
        times = []
        for _ in range(rounds):
            outer, first = _as_pid_1(command)
            if outer is None:
                return
            time.sleep(1)
            took = _ended_ms(first, outer.wait, grace)
            times.append(took if took is not None else grace * 1e3)
            if took is None:
                os.kill(first, signal.SIGKILL)
            process.end(outer)
        row = bench.results.times("sigterm/as_process_1", name, times,
                                  "ms" if name == "okg" or times[0] < grace * 1e3 else "ms (then killed)")
        if name == "okg":
            bench.results.target(row, "<= 100 ms", row.p99 <= 100)
