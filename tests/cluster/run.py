"""Runs the suites beside it against the cluster of $KUBECONFIG, for tests/cluster.sh: run.py [--list] [--long]
[--filter REGEX]. With --list it only says what would run: a line "NEEDS NAME" each."""
import argparse
import concurrent.futures
import glob
import importlib
import os
import re
import signal
import sys
import tempfile
import threading
import traceback

import cluster

AT_ONCE = 4  # cases wait most of the time

options = argparse.ArgumentParser(prog="tests/cluster.sh")
options.add_argument("--list", action="store_true")
options.add_argument("--long", action="store_true")
options.add_argument("--filter", default="")
options.add_argument("--nothing", default="", help="why nothing can run")
options.add_argument("--no-node", default="", help="why nothing can run that needs a node")
options = options.parse_args()
try:
    wanted = re.compile(options.filter)
except re.error as error:
    sys.exit(f"okg: cluster: --filter {options.filter}: {error}")

cases = []  # (name, function, what it needs)
for path in sorted(glob.glob(os.path.join(cluster.HERE, "suite_*.py"))):
    suite = importlib.import_module(os.path.basename(path)[:-3])
    for key, function in vars(suite).items():
        name = f"{suite.__name__[6:]}.{key[5:]}"
        if key.startswith("test_") and wanted.search(name):
            cases.append((name, function, suite.NEEDS))
if options.list:
    for name, _, needs in cases:
        print(needs, name)
    sys.exit(0)


def why_not(needs):
    """Why cases that need this cannot run, or nothing."""
    if options.nothing:
        return options.nothing
    if not cluster.kubectl("get", "crd", "gameserversets.game.kruise.io", "-o", "name").out:
        return "OKG is not installed in this cluster"
    if needs == "api" or options.no_node:
        return options.no_node if needs == "cluster" else ""
    ready = cluster.kubectl("get", "nodes", "-o", "jsonpath={.items[*].status.conditions[?(@.type=='Ready')].status}")
    if "True" not in ready.out.split():
        return "the cluster has no node that is ready"
    if cluster.kubectl("get", "mutatingwebhookconfiguration", "kruise-game-mutating-webhook").code:
        return "OKG's manager does not run in this cluster"
    return ""


def give_images():
    """The second image of the pair: on our own node nobody fetches it."""
    with tempfile.TemporaryDirectory() as root:
        os.makedirs(os.path.join(root, "bin"))
        busybox = cluster.good(cluster.run("sh", "-c", "command -v busybox")).strip()
        cluster.good(cluster.run("cp", busybox, os.path.join(root, "bin/busybox")))
        os.symlink("busybox", os.path.join(root, "bin/sh"))
        with open(os.path.join(root, "version"), "w", encoding="utf-8") as file:
            file.write("2\n")
        cluster.good(cluster.run(os.path.join(cluster.HERE, "image"), cluster.BUSYBOX[1], root, "/bin/sh"))


tally = {"passed": 0, "failed": 0, "skipped": 0}
one_at_a_time = threading.Lock()
running = []


def record(result, name, why="", details=""):
    why = " ".join(why.split())[:500]
    with one_at_a_time:
        tally[result] += 1
        if details:
            print(f"---- {name} failed: {why}\n{details}\n----")
        print(f"{result} {name} {why}".rstrip(), flush=True)


def try_one(name, function):
    case = None
    try:
        case = cluster.Case(name)
        running.append(case)
        function(case)
        record("passed", name)
    except cluster.Skip as skip:
        record("skipped", name, str(skip))
    except Exception as error:  # whatever a case trips over is its failure
        why = str(error) if isinstance(error, cluster.Failure) else f"{type(error).__name__}: {error}"
        try:
            details = traceback.format_exc() + (case.show() if case else "")
        except cluster.Failure as further:
            details = f"and nothing could be found out: {further}"
        record("failed", name, why, details)
    finally:
        if case:
            case.end()
            running.remove(case)


def interrupted(*_):
    """Ends at once, and leaves nothing behind: no namespace, no process."""
    for case in list(running):
        try:
            case.end()
        except Exception as error:  # the others have to be ended all the same
            print(f"okg: cluster: {case.name}: {error}", file=sys.stderr)
    os._exit(130)


if not options.nothing:
    answer = cluster.kubectl("get", "--raw", "/readyz", "--request-timeout=20s")
    if answer.code:
        record("failed", "cluster.answers", answer.err)
        options.nothing = "no API server answers"
reasons = {needs: why_not(needs) for needs in {needs for _, _, needs in cases}}
if cluster.OWN and reasons.get("cluster") == "":
    give_images()
for number in (signal.SIGTERM, signal.SIGINT):
    signal.signal(number, interrupted)
with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
    for name, function, needs in cases:
        if reasons[needs]:
            record("skipped", name, reasons[needs])
        elif getattr(function, "long", False) and not options.long:
            record("skipped", name, "takes long: --long")
        else:
            pool.submit(try_one, name, function)
print("{passed} passed, {failed} failed, {skipped} skipped".format(**tally))
sys.exit(1 if tally["failed"] else 0)
