"""docs/benchmarks/hot.md and what hot.svg shows."""
from common import page, plot
from common.results import shown
from hot import tables

HEAD = """# Benchmark: hot state

What a record of the hot state costs, and a restart with it, beside what somebody would otherwise pick. This page is
written by

```sh
benchmarks/run.sh hot
```

(`--quick` for a few minutes' worth, `--json FILE` for machines). Nothing in it is asserted by a test: times depend on
the machine.

![An update and a read of 256 bytes among a million, and the first read after SIGKILL](hot.svg)
"""

RULES = """
## How it is measured

The same for all: scrambled 64-bit keys in random order (dense ones flatter a hash that is the identity), the same stream
of them, one thread of one process (where it says nothing else), files on the same tmpfs, every operation a commit of its
own. Subjects take turns, and who is first changes; the tables show the median of the chunks of all turns and, behind it, the
99th percentile, in nanoseconds per operation. Nothing is pinned to a core. *put*: a new record, into a table that is at
least half as large as its name says (fresh memory included); *update*: all memory was touched before; *get*: copied out; `64_1m`:
64 bytes, a million keys.

| subject | what it is | after SIGKILL |
|---|---|---|
| **okg** | `okg_hot_put_u64`, `okg_hot_get_u64` of libokg.so; every put makes a checksum | all of it is there |
| lmdb_writemap | LMDB, `MDB_WRITEMAP \\| MDB_NOSYNC` | all of it is there |
| lmdb_nosync | LMDB, `MDB_NOSYNC`: by pwrite | all of it is there |
| boost | Boost.Interprocess, a `boost::unordered_map` in a `managed_mapped_file`; an update writes over the old value | **not kill-safe**: torn values, a lock that is held for ever, a broken heap |
| boost_swap | the same; an update fills a new block and swaps it in | **not kill-safe**: a lock that is held for ever, a broken heap |
| rocksdb | the log is written, not synced | all of it is there |
| sqlite | write-ahead log, `synchronous=OFF`, prepared statements | all of it is there |
| redis | **server**: a round trip by a Unix socket; `appendfsync no` | all that was answered is there, read again from the log |
| memcached | **server**: a round trip by a Unix socket; restarts with `-e` | nothing; all of it only after SIGUSR1 |
| …_pipelined | 100 requests before the first answer is looked at: a commit is known late, so not comparable with the others | as above |
| unordered_map | `std::unordered_map`, each value in a block of its own | **nothing is kept** |
| unordered_map_of_structs | the same, the value within the node: its size is known when it is compiled | **nothing is kept** |
| memcpy | floor: a copy to or from a random place of an array, in ordinary memory; nothing is looked up | **nothing is kept** |
| memcpy_tmpfs | the same in a file on that tmpfs | the bytes, torn or not |
"""

WHY = """
## Where the time goes

By instruction counts (ptrace) and profiles (perf) of this library, and a pointer chase, on the machine that this page was
first made on; a miss of the second-level cache costs some 145 ns there.

- **get**, a million keys: two lines that have to come from memory, the second only once the first is there (16 MB of index;
  the record), and some 400 instructions. The processor looks ahead over about 500, so that it has the next search's first
  line on its way; a map of structs has 100 instructions, and several searches on their way. What a miss costs depends on how
  the host backs the virtual machine's memory and what else it does: from process to process, the same binary was seen at
  185 and at 430 ns, the map at 160 and at 310.
- **update**: the same two lines, 1,100 instructions (of which the checksum 150, the log and what is stored from it 300), and
  a mutex, before which the stores of the update before have to be done: nothing of two updates overlaps. LMDB's 6 times are
  not reached for that: both lines alone are a fifth of what LMDB takes.
- **4 KiB, 64 KiB**: every byte is read for the checksum (12 to 20 GB/s), up to 8 KiB it is copied twice.
- **open**: 37 system calls and the first record. Repeated at once, again and again, it takes 36 to 40 us, at any size; what
  is measured above is the same with caches that know nothing of it, and in a new process with some 25 pages of program and
  ordinary memory that are touched for the first time. Of the segment two are.
- **region**, pieces of 64 bytes: 2,600 lines in no order, each a miss.
"""

SECTIONS = (
    ("Two threads", "threads/", """
Two threads of one process, each on random keys of its own; times are the clock's, shared among the operations of both.
The arrays show what a second thread gives on this machine where nothing is shared.""", "threads"),
    ("Regions", "region_16_mib_1_percent/", """
A state of 16 MiB in one piece, of which 1 % is written between two commits, in pieces of so many bytes at random places; µs
for announcing, writing and committing it. *diff* compares all of it, *memcpy of all* is what keeps a whole state without a
library: two halves of a file in turn.""", "16 MiB"),
    ("Restart by size", ("killed_to_", "open_and_first_get/", "open_again_and_first_get/", "gets_20000/", "warm/", "downtime_", "lost/"), """
okg, 256-byte values. A process updates random records and writes the number of each update that has returned to a pipe;
it gets SIGKILL at a random moment. *killed_to_reaped*: until the parent has it reaped: the kernel takes the mapping down.
*killed_to_opened*: until `okg_hot_open()` returns in a process that was waiting for the lock already (it looks every 2 ms).
*open_and_first_get*: in a process that begins after that, from the call of `okg_hot_open()` to the first record;
*open_again_and_first_get*: once more in that process, after it has read everything: with cold caches, too.
*gets_20000*: 20,000 random reads right after it, each page met for the first time. *warm*: `okg_hot_poll()` after those, until
there is nothing left to do. *downtime_until_warm_per_gib*: reaped, open, first read and warm together; the last of them is
work between frames, not waiting. *lost*: records that are older than what was acknowledged, missing or torn.""", None),
    ("Restart beside peers", "restart_256_1m/", """
A million records of 256 bytes, the same kill. *start_to_first_get*: of a library, from the call that opens it to the first
record; of a server, from the start of its process to its first answer. *hung_or_died*: the next process did not get through
opening, reading all and a thousand updates. *torn*: neither the old nor the new value. memcached has to be stopped by
SIGUSR1 for that, and started again in another second, which is not counted.""", "restart"),
    ("Space", "space_", """
Blocks of the files to bytes of keys and values, in tables that grow as they need it (okg by 16 MiB, of which up to that much
is not used yet). *churned*: after ten times as many steps as records, half of them updates, the others an erase and a put of a
new key. *half_erased*: after half of the records were erased, to those that are left.""", "space"),
)


def _cell(row):
    if row is None:
        return ""
    if row.p50 is not None:
        return f"{shown(row.value)} ({shown(row.p99)})"
    return f"{shown(row.value)} {row.unit}" if row.unit.startswith("of ") else shown(row.value)


def _grid(corner, rows, prefix):
    """A line for each subject, a column for each thing that `prefix` is followed by."""
    found, units = {}, {}
    for row in rows:
        name = row.id.removeprefix(prefix)
        found.setdefault(row.subject, {})[name] = row
        units[name] = "" if row.unit in ("ns", "times payload") or row.unit.startswith("of ") else f", {row.unit}"
    order = tables.IN_PROCESS + tables.SLOW
    subjects = sorted(found, key=lambda name: order.index(name) if name in order else len(order))
    lines = [f"| {corner} | " + " | ".join(name + unit for name, unit in units.items()) + " |",
             "|---|" + "---:|" * len(units)]
    lines += [f"| {page.marked(subject)} | " + " | ".join(_cell(found[subject].get(name)) for name in units) + " |"
              for subject in subjects]
    return "\n".join(lines)


def _operations(results):
    for operation in tables.OPERATIONS:
        rows = [row for row in results.rows if row.id.startswith(operation + "_") and "/" not in row.id]
        if rows:
            yield _grid(operation, rows, operation + "_")


def text(bench, about):
    results = bench.results
    huge = about["huge_pages_of_tmpfs"]
    parts = [HEAD, page.machine(about, f"tmpfs with huge pages: {huge}"), "\n## Targets\n", page.targets(results.targets)]
    if bench.notes:
        parts += ["\nLeft out:\n", "\n".join(f"- {note}" for note in bench.notes)]
    parts.append(RULES)
    if grids := list(_operations(results)):
        parts += ["## One operation on one record, ns\n", "\n\n".join(grids)]
    for title, prefixes, what, corner in SECTIONS:
        rows = [row for row in results.rows if row.id.startswith(prefixes) and not row.id.endswith("/ratio")]
        if rows:
            parts += [f"\n## {title}", what, "", _grid(corner, rows, prefixes) if corner else page.table(rows)]
    parts.append(WHY)
    return "\n".join(parts) + "\n"


def plotted(bench):
    results = bench.results

    def ranking(title, id, more=()):
        values = {row.subject: row.value for row in results.rows
                  if row.id == id and not row.subject.endswith("pipelined") and lost_nothing(row)}
        for name, other in more:
            row = results.find(other)
            if row:
                values[name] = row.value
        return plot.Ranking(title, values)

    def lost_nothing(row):
        lost = results.find("restart_256_1m/lost", row.subject)
        return row.id != "restart_256_1m/start_to_first_get" or (lost is not None and lost.value == 0)

    sized = [(f"okg, {name.replace('_', ' ').replace('gib', 'GiB').replace('mib', 'MiB')}", f"open_and_first_get/{name}")
             for name in ("256_mib", "1_gib", "4_gib", "8_gib")]
    colours = {"okg": "#0b7285", **{name: "#0b7285" for name, _ in sized}, "boost": "#e8a33d", "boost_swap": "#e8a33d",
               "unordered_map": "#adb5bd", "unordered_map_of_structs": "#adb5bd", "memcpy": "#ced4da",
               "memcpy_tmpfs": "#ced4da"}
    return plot.svg("Hot state: okg beside what somebody would otherwise pick", [
        ranking("Update, 256 B, 1 M keys: ns", "update_256_1m"),
        ranking("Get, 256 B, 1 M keys: ns", "get_256_1m"),
        ranking("After SIGKILL, 1 M x 256 B: us to the first get", "restart_256_1m/start_to_first_get", sized)], colours)
