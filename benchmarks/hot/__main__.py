"""python3 -m hot --build DIR [--quick] [--json FILE]: see benchmarks/run.sh."""
import contextlib
import csv
import dataclasses
import os
import shutil
import subprocess
import sys
import tempfile

from common import program
from common.results import Results
from hot import page, regions, resuming, servers, space, tables, targets

PARTS = (tables.operations, tables.two_threads, regions.regions, resuming.sizes, resuming.peers, space.space)
TMPFS = "/dev/shm"
HUGE = "/sys/kernel/mm/transparent_hugepage/shmem_enabled"


@dataclasses.dataclass
class Programs:
    table: str
    region: str
    resume: str
    space: str


class Bench:
    def __init__(self, arguments):
        self.quick = arguments.quick
        self.results = Results()
        self.notes = []  # what was left out, and why
        self.raw = []    # every chunk
        build = os.path.abspath(arguments.build)
        self.programs = Programs(**{field.name: os.path.join(build, f"bench-hot-{field.name}")
                                    for field in dataclasses.fields(Programs)})
        for path in dataclasses.astuple(self.programs):
            if not os.access(path, os.X_OK):
                sys.exit(f"okg: benchmarks: {path}: not there: build the preset bench")
        self.subjects = self._subjects()

    def _subjects(self):
        built = subprocess.run([self.programs.table, "--subjects"], check=True, capture_output=True, text=True).stdout.split()
        for name in tables.IN_PROCESS + tables.SLOW:
            if name not in built:
                self.note(f"{name}: its library was not here when this was built")
            elif servers.of(name) and not servers.program(servers.of(name)):
                self.note(f"{name}: its server is not here")
                built.remove(name)
        return built

    def note(self, what):
        """The page says that it was left out."""
        self.notes.append(what)
        print(f"  left out: {what}", file=sys.stderr, flush=True)

    def has_room(self, needed, what):
        """Is there so much memory, and on the tmpfs? Otherwise the page says that it was left out."""
        with open("/proc/meminfo", encoding="ascii") as file:
            available = next(int(line.split()[1]) for line in file if line.startswith("MemAvailable:")) << 10
        volume = os.statvfs(TMPFS)
        room = min(available, volume.f_bavail * volume.f_frsize)
        if room < needed:
            self.note(f"{what}: wants {needed / 2**30:.1f} GiB of memory, and {room / 2**30:.1f} are there")
        return room >= needed

    @contextlib.contextmanager
    def tmpfs(self):
        place = tempfile.mkdtemp(prefix="okg-bench-hot.", dir=TMPFS)
        try:
            yield place
        finally:
            shutil.rmtree(place)


def write_raw(build, raw):
    """Every chunk, for who wants another statistic."""
    directory = os.path.join(build, "benchmarks")
    os.makedirs(directory, exist_ok=True)
    with open(os.path.join(directory, "hot.csv"), "w", encoding="ascii", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(("id", "subject", "threads", "clock_ns", "processor_ns"))
        writer.writerows(raw)


def huge_pages():
    try:
        with open(HUGE, encoding="ascii") as file:
            return file.read().split("[")[1].split("]")[0]
    except (OSError, IndexError):
        return "unknown"


def main():
    given = program.arguments("hot")
    bench = Bench(given)
    about = program.run(given, bench, PARTS)
    about["huge_pages_of_tmpfs"] = huge_pages()
    about["left_out"] = bench.notes
    targets.hold(bench)
    write_raw(given.build, bench.raw)
    program.report(given, "hot", bench, about, page.text, page.plotted)


try:
    main()
except KeyboardInterrupt:
    sys.exit(130)
