"""docs/benchmarks/controller.md and what controller.svg shows."""
from common import page, plot

HEAD = """# Benchmark: the conversation with OpenKruiseGame

What it takes to tell OpenKruiseGame something and to hear from it through the Kubernetes API, with okg and with what is
otherwise written by hand. This page is written by

```sh
tests/cluster.sh --build --api   # once: a real kube-apiserver and etcd
benchmarks/run.sh controller
```

(`--quick` for a few minutes' worth, `--json FILE` for machines). Nothing in it is asserted by a test: times depend on
the machine.

![A write, a change heard, and requests in an hour](controller.svg)
"""

RULES = """
## How it is measured

One kube-apiserver, with its etcd, on the machine itself: no network in between, and nobody else asks it for anything. etcd does
not sync to the disk. Each subject has a GameServer of its own and the bound token of its pod, by the Role and the policy
of [examples/kubernetes](../../examples/kubernetes/README.md). Subjects take turns, and who is first changes.

**Not comparable**: `kubectl` and `curl` are programs that are started for each write, as an exec hook or a script does; most of
their time is that start and a TLS handshake, and that is what such a script costs. A client library with a connection that
is kept is nearer to the floor. They write over whatever is there and know nothing of conflicts, of a controller that takes
values back, or of an API server that is away: a write of theirs that fails is lost. okg sleeps on `okg_poll_fd()` here; in a
game loop, what is left of the tick is to be added to each of its times.
"""

SECTIONS = (
    ("A write", "set_ops_state/", """
From `set_ops_state()` until the game is told, in `poll()`, that the GameServer holds the value; from the start of a program
until it has ended. The floor is a PATCH of a Python client on a connection that is open, by the cluster's
owner, whom no policy looks at. okg is 24 servers of one process in
turn, since one server is let write once in two seconds for good."""),
    ("A change by somebody else", "change/", """
From just before somebody sends a PATCH until the game's callback runs, or until the program has printed the new value."""),
    ("After a restart of the API server", "restart/", """
SIGKILL, back after some ten seconds; each GameServer is changed as soon as the API server says that it is ready. okg backs off
with full jitter, so that a thousand servers do not come back at the same moment: a loop that asks every second may be
faster, and okg means to be slower. 60 s stand for "not heard within a minute": kubectl remembers what an API server that
was just being started did not know yet."""),
    ("A steady hour", ("hour/", "process/"), """
Nothing happens to the GameServer. Requests as the API server's audit log has them, and processor time of the process, over
400 s (as long as a watch of okg's lasts; --quick: 120 s, within one), times what is missing to an hour. okg's process is a game server with
everything that okg does besides."""),
    ("Many servers in one process", "fleet_", """
Each has a pod, a token and a GameServer of its own; the suite `adapter_many` is the same with assertions. *connect*: from the
start of the first until the last is connected; *set*: all at once, each has to land; *change*: how long somebody took to set all
of them, one after another on four connections; *hear*: until the last had heard, the change included; *requests*, *cpu*: of all
that together. They share the processor with the API server and with the benchmark itself."""),
)


def text(bench, about):
    machine = page.machine(about, f"Kubernetes {about['kubernetes']}")
    parts = [HEAD, machine, "\n## Targets\n", page.targets(bench.results.targets), RULES]
    for title, prefixes, what in SECTIONS:
        rows = [row for row in bench.results.rows if row.id.startswith(prefixes)]
        if rows:
            parts += [f"\n## {title}", what, "", page.table(rows)]
    return "\n".join(parts) + "\n"


def plotted(bench):
    def values(id):
        return {row.subject: max(row.value, 0.1) for row in bench.results.rows if row.id == id}
    return plot.svg("Talking to OpenKruiseGame: okg beside kubectl, curl and a loop", [
        plot.Ranking("A write until it is known to be there, ms", values("set_ops_state/landed")),
        plot.Ranking("A change until it is heard, ms", values("change/heard")),
        plot.Ranking("Requests in an hour of peace", values("hour/requests"))], {"okg": "#0b7285"})
