"""What one operation on one record costs: sizes of values, numbers of keys, operations, subjects."""
import dataclasses
import subprocess

from common import process
from common.program import rotated
from hot import servers

MAPS = ["unordered_map", "unordered_map_of_structs"]
FLOORS = ["memcpy", "memcpy_tmpfs"]
IN_PROCESS = ["okg", *MAPS, *FLOORS, "boost", "boost_swap", "lmdb_writemap"]
SLOW = ["lmdb_nosync", "sqlite", "rocksdb", "redis", "redis_pipelined", "memcached", "memcached_pipelined"]
OPERATIONS = ("put", "update", "get", "erase")


@dataclasses.dataclass
class Case:
    name: str
    value_bytes: int
    keys: int
    subjects: list
    count: int  # operations of each kind, of put and erase at most half the keys; of slow subjects `slow_count`
    slow_count: int = 50_000
    turns: int = 3
    in_quick: bool = False

    @property
    def memory(self):
        """What the hungriest of them takes."""
        return self.keys * (self.value_bytes * 9 // 4 + 512) + (512 << 20)


CASES = [
    Case("16_1m", 16, 1_000_000, IN_PROCESS, 500_000),
    Case("64_1m", 64, 1_000_000, IN_PROCESS + SLOW, 500_000, in_quick=True),
    Case("256_1m", 256, 1_000_000, IN_PROCESS + SLOW, 500_000, in_quick=True),
    Case("1024_1m", 1024, 1_000_000, IN_PROCESS, 500_000),
    Case("64_10k", 64, 10_000, IN_PROCESS, 500_000, in_quick=True),
    Case("256_10k", 256, 10_000, IN_PROCESS, 500_000),
    Case("4096_100k", 4096, 100_000, IN_PROCESS + SLOW, 200_000, 20_000, in_quick=True),
    Case("65536_10k", 65536, 10_000, [name for name in IN_PROCESS if name != "unordered_map_of_structs"] + ["lmdb_nosync"],
         20_000, 5_000, in_quick=True),
    Case("1048576_500", 1 << 20, 500, ["okg", "unordered_map", *FLOORS, "boost_swap", "lmdb_writemap"], 1_000),
    Case("64_10m", 64, 10_000_000, ["okg", *MAPS, "boost_swap", "lmdb_writemap"], 1_000_000, turns=2),
]
QUICK_LEFT_OUT = ("lmdb_nosync", "redis_pipelined", "memcached_pipelined", "memcpy_tmpfs")


def _measure(bench, subject, operations, case, count, threads=1):
    """Operation -> nanoseconds of each chunk, by the clock."""
    with bench.tmpfs() as place:
        server = servers.start(servers.of(subject), place) if servers.of(subject) else None
        try:
            said = subprocess.run([bench.programs.table, subject, ",".join(operations), str(case.value_bytes),
                                   str(case.keys), str(count), place, str(threads)],
                                  check=True, stdout=subprocess.PIPE, text=True).stdout
        finally:
            if server:
                process.end(server)
    chunks = {}
    for line in said.splitlines():
        operation, clock, processor = line.split()
        chunks.setdefault(operation, []).append(float(clock))
        bench.raw.append((f"{operation}_{case.name}", subject, threads, clock, processor))
    return chunks


def operations(bench):
    for case in CASES:
        if bench.quick and not case.in_quick:
            continue
        subjects = [name for name in case.subjects if name in bench.subjects]
        turns, count, slow_count = case.turns, case.count, case.slow_count
        if bench.quick:
            # With as many keys as otherwise: what it costs is where the caches end.
            turns, count, slow_count = 1, min(case.count, 100_000), 5_000
            subjects = [name for name in subjects if name not in QUICK_LEFT_OUT]
            if case.name != "256_1m":
                subjects = [name for name in subjects if name not in SLOW]
        if not bench.has_room(case.memory, f"tables of {case.name}"):
            continue
        chunks = {}
        for turn in range(turns):
            for subject in rotated(subjects, turn):
                kinds = OPERATIONS[:3] if subject in FLOORS else OPERATIONS
                try:
                    took = _measure(bench, subject, kinds, case, slow_count if subject in SLOW else count)
                except subprocess.CalledProcessError as error:
                    if subject == "okg":
                        raise
                    bench.note(f"{subject} with {case.name}: ended with {error.returncode}")
                    continue
                for operation, values in took.items():
                    chunks.setdefault((operation, subject), []).extend(values)
        for operation in OPERATIONS:
            for subject in subjects:
                bench.results.times(f"{operation}_{case.name}", subject, chunks.get((operation, subject), []), "ns")


def two_threads(bench):
    """Both on random keys of their own; the arrays show what the machine itself gives a second thread."""
    for case in CASES:
        if case.name not in (("256_1m",) if bench.quick else ("64_1m", "256_1m")):
            continue
        if not bench.has_room(case.memory, f"two threads on {case.name}"):
            continue
        chunks = {}
        for _ in range(2 if bench.quick else case.turns):
            for subject in ("okg", *FLOORS):
                for threads in (1, 2):
                    took = _measure(bench, subject, ("update", "get"), case, case.count, threads)
                    for operation, values in took.items():
                        chunks.setdefault((operation, subject, threads), []).extend(values)
        for operation in ("update", "get"):
            for subject in ("okg", *FLOORS):
                one, two = (bench.results.times(f"threads/{operation}_{case.name}_{threads}", subject,
                                                chunks[operation, subject, threads], "ns") for threads in (1, 2))
                bench.results.one(f"threads/{operation}_{case.name}/speedup", subject, one.value / two.value,
                                  "times one thread", one.n)
