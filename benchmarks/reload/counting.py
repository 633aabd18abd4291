"""How many reloads a publish leads to, and what they read."""
import os

from common.program import rotated
from reload import sets
from reload.subjects import CurlLoop, Inotifywait, InotifywaitInProcess, Okg


def reloads_per_publish(bench):
    for count in (1, 10, 1000, 10000):
        rounds = {1: 20, 10: 20, 1000: 3, 10000: 1}[count]
        peers = [Inotifywait, CurlLoop]
        if bench.quick:
            rounds = {1: 3, 10: 3, 1000: 1, 10000: 1}[count]
            if count == 10000:
                peers = []  # four minutes for one publish
        publishes = {}
        for turn in range(rounds):
            for subject in rotated([Okg, *peers], turn):
                # A first copy and an update, each time with a server that has just started.
                for kind, done, generation in _two_publishes(bench, subject, sets.Set(count)):
                    publishes.setdefault((kind, subject.name), []).append((done, generation))
        for kind in ("first", "update"):
            for subject in [Okg, *peers]:
                _report(bench.results, f"{kind}/{count}", subject.name, publishes[kind, subject.name])
        for kind in ("first", "update"):
            row = bench.results.find(f"reloads_per_publish/{kind}/{count}")
            bench.results.target(row, "exactly 1", row.value == 1 and row.p99 == 1)
            row = bench.results.find(f"mixed_loads_per_publish/{kind}/{count}")
            bench.results.target(row, "0", row.value == 0)


def _two_publishes(bench, subject, the_set):
    with bench.tmpfs() as place:
        # A set for each, written before: what is measured is the publishing.
        for generation in (1, 2):
            sets.write_set(os.path.join(place, f"v{generation}"), the_set, generation)
        running = subject(bench.programs, place, the_set)
        try:
            for generation, kind in ((1, "first"), (2, "update")):
                yield kind, running.publish(os.path.join(place, f"v{generation}"), generation), generation
        finally:
            running.end()


def _report(results, what, name, publishes):
    results.counts(f"reloads_per_publish/{what}", name, [done.reloads for done, _ in publishes],
                   "reloads" + (" (at least)" if any(done.cut for done, _ in publishes) else ""))
    results.counts(f"mixed_loads_per_publish/{what}", name, [done.wrong() for done, _ in publishes], "loads")
    results.counts(f"last_load_wrong/{what}", name, [int(done.stale(generation)) for done, generation in publishes],
                   "of publishes")
    if name == Inotifywait.name:
        results.times(f"reloading_after_publish/{what}", name, [done.storm_ms() for done, _ in publishes], "ms")


def one_file_updates(bench):
    """1,000 publishes, each of which changes one of 20 files."""
    publishes = 100 if bench.quick else 1000
    the_set = sets.Set(20, change="one")
    subjects = [Okg, Inotifywait, InotifywaitInProcess, CurlLoop]
    stale = {subject.name: [] for subject in subjects}
    mixed = {subject.name: [] for subject in subjects}
    reloads = {subject.name: [] for subject in subjects}
    with bench.tmpfs() as place:
        source = os.path.join(place, "source")
        sets.write_set(source, the_set, 0)
        running = [subject(bench.programs, os.path.join(place, str(i)), the_set)
                   for i, subject in enumerate(subjects)]
        try:
            for subject in running:
                subject.quiet = 0.1
                subject.publish(source, 0)
            for generation in range(1, publishes + 1):
                sets.write_set(source, the_set, generation)
                for subject in rotated(running, generation):
                    done = subject.publish(source, generation)
                    stale[subject.name].append(int(done.stale(generation)))
                    mixed[subject.name].append(done.wrong())
                    reloads[subject.name].append(done.reloads)
        finally:
            for subject in running:
                subject.end()
    for subject in subjects:
        bench.results.one("one_file/stale_loads", subject.name, sum(stale[subject.name]), f"of {publishes} publishes",
                          publishes)
        bench.results.one("one_file/mixed_loads", subject.name, sum(mixed[subject.name]), "loads", publishes)
        bench.results.counts("one_file/reloads_per_publish", subject.name, reloads[subject.name], "reloads")
    for id in ("one_file/stale_loads", "one_file/mixed_loads"):
        row = bench.results.find(id)
        bench.results.target(row, f"0 in {publishes:,} publishes", row.value == 0)
    row = bench.results.find("one_file/reloads_per_publish")
    bench.results.target(row, "exactly 1", row.value == 1 and row.p99 == 1)
