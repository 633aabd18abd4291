"""python3 -m reload --build DIR [--disk DIR] [--quick] [--json FILE]: see benchmarks/run.sh."""
import contextlib
import dataclasses
import os
import sys
import tempfile

from common import machine, program
from common.results import Results
from reload import copying, counting, detecting, idling, page, sets

# First what the load that others leave behind disturbs most.
PARTS = (idling.poll, idling.wake_ups, copying.publishing, detecting.detection, detecting.published_to_detected,
         detecting.large_file, idling.stopping, counting.one_file_updates, counting.reloads_per_publish)


@dataclasses.dataclass
class Programs:
    okg: str
    server: str
    loader: str
    flip: str
    bare: str
    poll: str


class Bench:
    def __init__(self, arguments):
        self.quick = arguments.quick
        self.results = Results()
        self.at_the_end = contextlib.ExitStack()
        self.disk_directory = arguments.disk or arguments.build
        self.disk_kind = machine.file_system(self.disk_directory)
        build = os.path.abspath(arguments.build)
        names = {field.name: f"bench-reload-{field.name}" for field in dataclasses.fields(Programs)} | {"okg": "okg"}
        self.programs = Programs(**{field: os.path.join(build, name) for field, name in names.items()})
        for path in dataclasses.astuple(self.programs):
            if not os.access(path, os.X_OK):
                sys.exit(f"okg: benchmarks: {path}: not there: build the preset bench")

    @contextlib.contextmanager
    def tmpfs(self):
        place = tempfile.mkdtemp(prefix="okg-bench-reload.", dir="/dev/shm")
        try:
            yield place
        finally:
            sets.remove(place)

    @contextlib.contextmanager
    def disk(self):
        """Removed at the very end: see copying.py."""
        place = tempfile.mkdtemp(prefix="okg-bench-reload.", dir=self.disk_directory)
        self.at_the_end.callback(sets.remove, place)
        yield place


def main():
    given = program.arguments("reload")
    bench = Bench(given)
    with bench.at_the_end:
        about = program.run(given, bench, PARTS)
    about["file_systems"] = {"tmpfs": machine.file_system("/dev/shm"), "disk": bench.disk_kind}
    program.report(given, "reload", bench, about, page.text, page.plotted)


try:
    main()
except KeyboardInterrupt:
    sys.exit(130)
