"""docs/benchmarks/reload.md and what reload.svg shows."""
from common import page, plot
from common.results import shown

HEAD = """# Benchmark: hot update

What a hot update costs with okg, beside the two scripts of OpenKruiseGame's own document
(`docs/en/getting_started/hot_update.md` there) and beside plain copying. This page is
written by

```sh
benchmarks/run.sh reload
```

(`--quick` for a few minutes' worth, `--json FILE` for machines). Nothing in it is asserted by a test: times depend on
the machine. okg and its peers take turns within one run, at the same priority, on the same file system.

![Reloads per publish, lost updates, and what publishing costs](reload.svg)
"""

FLOORS = """

What is missed is to be read beside the least that the machine can do, measured in the same run: an empty call into
`libokg.so`, and a process that only waits for the rename.
"""

SECTIONS = (
    ("Reloads per publish", "reloads_per_publish/", """
One publish of N files of 2 KiB, first into an empty directory, then all of them changed; a fresh server each time.
okg: a server linked with `libokg.so` and the real `okg publish`. Peers: the document's scripts word for word (paths and
port apart) after `rsync -aP SRC/* LIVE/`, with a stub for `nginx -s reload` that loads the set once, which is kind:
nginx would take longer. The curl loop is started together with rsync, as kubelet starts a `postStart` hook. It fires
once, too early, and never again. "At least": the script was still reloading when the benchmark lost patience."""),
    ("Loads of a mixed or incomplete set", "mixed_loads_per_publish/", """
How many of those loads, on average per publish, read files of both versions, or found some missing."""),
    ("Publishes after which the wrong set stayed loaded", "last_load_wrong/", """
1 is all of them: what was loaded last is not what was published."""),
    ("Reloading after the publisher has ended", "reloading_after_publish/", """
The script's storm goes on for as long as this after rsync is done."""),
    ("One file of 20 changed", "one_file/", """
The common hot fix. *Stale*: the last load after the publish is not the published set, and nothing will load it before
the next update. "In-process" is the document's mask with a handler in the game's own process in place of the `while`
loop: the faster the handler, the more updates it loses, because the rename that puts the new content in place is the
one event the mask leaves out. The stub of the script is a process of its own and so slow to start that the rename has
usually happened."""),
    ("Detection", ("rename_to_detected/", "rename_itself/", "stamp_to_detected/"), """
From just before `rename(2)` of `current` until okg's thread runs, in an idle server of another process (everything
quiet for 50 ms before). The bare read is the floor: a process that does nothing but wait for that event, woken by the same
rename; what is above it is okg's. `stamp_to_detected` is `last.detect_us` of status after a real `okg publish`: its stamp is
taken before it writes `desired.json` and the new link, so it includes those."""),
    ("Verification: detected to prepare", ("detected_to_prepare/", "verification/", "sha256_of"), """
Before prepare is called, the list and every file of the payload are hashed. For comparison, the processor's own speed in
SHA-256 with nothing to read (`openssl speed`)."""),
    ("A turn of the game loop with nothing to do", "poll/", """
`okg_poll()` through `libokg.so` with okg's threads running, by Google Benchmark (processor time of a call); the empty
call is what a function of a shared library costs that returns at once. The other peers are what a game loop would do that
looks for itself. Allocations
are counted by a `malloc` that takes libc's place for the library too; the control shows that it counts."""),
    ("Idle", "idle_wake_ups", """
Voluntary context switches of all okg threads of a server with a payload in use, over 10 s each."""),
    ("Publishing 1,000 files", "publish_1000", """
`okg publish --once` of a packed payload of 1,000 files of 2 KiB: hashes, copies, writes list and manifest, moves
`current`. *first*: onto an empty volume, where only `bin/okg` lies already (installed by the very first publish on a
volume, and not counted here). *1_percent*: 10 files changed; okg hashes and hard-links the rest; `cp -a` makes a second
copy, `rsync -a` overwrites the first in place (what no reader may see), `--link-dest` makes a second directory of links.
*nothing*: published again; okg hashes what is there."""),
    ("SIGTERM to exit", "sigterm/", """
The publisher, staying after its publish and in the middle of a large copy; and as process 1 of a PID namespace, as in a
container, where the document's sidecar ignores SIGTERM and is killed after the grace period."""),
)


def text(bench, about):
    results = bench.results
    machine = page.machine(about, f"{about['file_systems']['disk']} and tmpfs",
                           "other people's work on the same machine (or the script's storm)")
    parts = [HEAD, machine, "\n## Targets\n", page.targets(results.targets) + FLOORS]
    for title, prefixes, what in SECTIONS:
        rows = [row for row in results.rows if row.id.startswith(prefixes)]
        if rows:
            parts += [f"\n## {title}", what, "", page.table(rows)]
    return "\n".join(parts) + "\n"


COLOURS = {"okg": "#0b7285", "inotifywait script": "#d9480f", "inotifywait, in-process": "#e8a33d",
           "curl loop": "#868e96", "cp -a": "#adb5bd", "rsync -a": "#845ef7"}


def plotted(bench):
    results = bench.results
    series = {}
    for row in results.rows:
        if row.id.startswith("reloads_per_publish/update/"):
            series.setdefault(row.subject, []).append((int(row.id.rsplit("/", 1)[1]), max(row.value, 1)))
    series = dict(sorted(series.items(), key=lambda item: item[0] == "okg"))  # ours on top
    lost = {row.subject: (row.value, shown(row.value)) for row in results.rows if row.id == "one_file/stale_loads"}
    publishes = next((row.n for row in results.rows if row.id == "one_file/stale_loads"), 0)
    costs = {}
    for row in results.rows:
        if row.id.startswith("publish_1000/first/") and not row.id.endswith("/ratio"):
            kind = row.id.split("/")[2]
            copy = results.find(row.id, "cp -a")
            costs.setdefault(kind, {})[row.subject] = (row.value / copy.value, f"{row.value / copy.value:.2f}")
    return plot.svg("Hot update: okg beside the documented scripts, cp and rsync", [
        plot.Lines("Reloads for one publish", "files in the publish", series),
        plot.Bars(f"Updates lost in {publishes:,} one-file publishes", {"": lost}),
        plot.Bars("Publishing 1,000 files: time, cp -a = 1", costs, 1.3, "1.3")], COLOURS)
