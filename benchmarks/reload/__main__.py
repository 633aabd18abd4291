"""python3 -m reload --build DIR [--disk DIR] [--quick] [--json FILE]: see benchmarks/run.sh."""
import argparse
import contextlib
import dataclasses
import json
import os
import sys
import tempfile

from common import machine
from common.results import Results, shown
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
        for program in dataclasses.astuple(self.programs):
            if not os.access(program, os.X_OK):
                sys.exit(f"okg: benchmarks: {program}: not there: build the preset bench")

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


def run(arguments):
    bench = Bench(arguments)
    about = machine.describe(arguments.build)
    about["quick"] = arguments.quick
    about["file_systems"] = {"tmpfs": machine.file_system("/dev/shm"), "disk": bench.disk_kind}
    with bench.at_the_end:
        for part in PARTS:
            name = part.__name__
            if arguments.only and name not in arguments.only:
                continue
            before = machine.load_average()[0]
            print(f"{name} (load average {before})", file=sys.stderr, flush=True)
            part(bench)
            about["load_average"]["parts"][name] = [before, machine.load_average()[0]]
    about["load_average"]["end"] = machine.load_average()
    return bench, about


def write(directory, bench, about):
    os.makedirs(directory, exist_ok=True)
    for name, text in (("reload.md", page.text(bench, about)), ("reload.svg", page.plotted(bench))):
        with open(os.path.join(directory, name), "w", encoding="utf-8") as file:
            file.write(text)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--build", required=True)
    parser.add_argument("--disk")
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--json")
    parser.add_argument("--only", action="append", help="name of a part, for trying")
    arguments = parser.parse_args()
    if arguments.json:
        with open(arguments.json, "w", encoding="utf-8"):
            pass  # said before half an hour of measuring, not after
    bench, about = run(arguments)
    if arguments.json:
        with open(arguments.json, "w", encoding="utf-8") as file:
            json.dump({"machine": about, "results": bench.results.as_json(),
                       "targets": [dataclasses.asdict(target) for target in bench.results.targets]}, file, indent=1)
            file.write("\n")
    root = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    if arguments.only:
        directory = None
    elif arguments.quick:
        directory = os.path.join(arguments.build, "benchmarks")
    else:
        directory = os.path.join(root, "docs", "benchmarks")
    if directory:
        write(directory, bench, about)
        print(f"written: {directory}/reload.md and reload.svg", file=sys.stderr)
    for target in bench.results.targets:
        print(f"{'reached' if target.reached else 'MISSED ':<8} {target.id:<44} {shown(target.value):>9} "
              f"{target.unit:<14} target {target.text}")
    missed = sum(not target.reached for target in bench.results.targets)
    load = about["load_average"]
    print(f"{len(bench.results.targets) - missed} targets reached, {missed} missed; load average {load['begin'][0]} at "
          f"the beginning, {load['end'][0]} at the end, {about['cores']} cores")


try:
    main()
except KeyboardInterrupt:
    sys.exit(130)
