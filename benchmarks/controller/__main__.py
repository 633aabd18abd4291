"""python3 -m controller --build DIR [--quick] [--json FILE]: see benchmarks/run.sh."""
import os
import signal
import sys

from common import program
from common.results import Results

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "tests", "cluster"))

from controller import hearing, page, place, steady, writing  # noqa: E402: they import from there

# The fleet comes last: it leaves the API server a thousand servers' worth of garbage.
PARTS = (writing.writing, hearing.hearing, hearing.restart, steady.steady, steady.fleet)


class Bench:
    def __init__(self, arguments):
        self.quick = arguments.quick
        self.results = Results()
        self.place = place.Place(arguments.build)


def main():
    given = program.arguments("controller")
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: sys.exit(143))  # ends the API server, too
    bench = Bench(given)
    try:
        about = program.run(given, bench, PARTS)
    finally:
        bench.place.end()
    about["kubernetes"] = bench.place.version
    program.report(given, "controller", bench, about, page.text, page.plotted)


try:
    main()
except KeyboardInterrupt:
    sys.exit(130)
except place.Missing as why:
    sys.exit(f"okg: benchmarks: {why}: run tests/cluster.sh --build --api first")
