"""What the programs that benchmarks/run.sh starts have in common: arguments, parts, what is printed and written."""
import argparse
import dataclasses
import json
import os
import sys

from common import machine
from common.results import shown


def arguments(name):
    """`name`: of the benchmark and its package."""
    parser = argparse.ArgumentParser(prog=f"python3 -m {name}")
    parser.add_argument("--build", required=True)
    parser.add_argument("--disk")
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--json")
    parser.add_argument("--only", action="append", help="name of a part, for trying")
    given = parser.parse_args()
    if given.json:
        with open(given.json, "w", encoding="utf-8"):
            pass  # said before half an hour of measuring, not after
    return given


def rotated(items, by):
    """Whose turn it is first changes: what the machine does in between meets all alike."""
    by %= len(items)
    return items[by:] + items[:by]


def run(given, bench, parts):
    """Runs the parts; says what they ran on."""
    about = machine.describe(given.build)
    about["quick"] = given.quick
    for part in parts:
        name = part.__name__
        if given.only and name not in given.only:
            continue
        before = machine.load_average()[0]
        print(f"{name} (load average {before})", file=sys.stderr, flush=True)
        part(bench)
        about["load_average"]["parts"][name] = [before, machine.load_average()[0]]
    about["load_average"]["end"] = machine.load_average()
    return about


def report(given, name, bench, about, text, plotted):
    """Writes the JSON, the page and the plot, and prints the targets."""
    results = bench.results
    if given.json:
        with open(given.json, "w", encoding="utf-8") as file:
            json.dump({"machine": about, "results": results.as_json(),
                       "targets": [dataclasses.asdict(target) for target in results.targets]}, file, indent=1)
            file.write("\n")
    root = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    if not given.only:
        directory = os.path.join(given.build if given.quick else os.path.join(root, "docs"), "benchmarks")
        os.makedirs(directory, exist_ok=True)
        for ending, content in (("md", text(bench, about)), ("svg", plotted(bench))):
            with open(os.path.join(directory, f"{name}.{ending}"), "w", encoding="utf-8") as file:
                file.write(content)
        print(f"written: {directory}/{name}.md and {name}.svg", file=sys.stderr)
    for target in results.targets:
        print(f"{'reached' if target.reached else 'MISSED ':<8} {target.id:<44} {shown(target.value):>9} "
              f"{target.unit:<14} target {target.text}")
    missed = sum(not target.reached for target in results.targets)
    load = about["load_average"]
    print(f"{len(results.targets) - missed} targets reached, {missed} missed; load average {load['begin'][0]} at "
          f"the beginning, {load['end'][0]} at the end, {about['cores']} cores")
