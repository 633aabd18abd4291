"""What the checks of the house have in common: where things are, how a check ends."""
import os
import subprocess
import sys

SOURCE = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", ".."))
NOT_OURS = {".git", "build", "node_modules", "install", ".cache"}


def read(path):
    with open(os.path.join(SOURCE, path), encoding="utf-8") as file:
        return file.read()


def files(*folders, endings):
    """Paths of our own files below the folders, relative to the source, sorted."""
    found = []
    for folder in folders:
        for directory, names, here in os.walk(os.path.join(SOURCE, folder)):
            names[:] = sorted(name for name in names if name not in NOT_OURS)
            for name in here:
                if name.endswith(tuple(endings)):
                    found.append(os.path.relpath(os.path.join(directory, name), SOURCE))
    return sorted(found)


def table(path):
    """Lines "name: rest" of a file beside this one, comments left out."""
    rows = {}
    for line in read(os.path.join("tests/house", path)).splitlines():
        if line.strip() and not line.startswith("#"):
            name, _, rest = line.partition(":")
            rows[name.strip()] = rest.strip()
    return rows


def run(*command):
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def end(problems, looked_at):
    """Ends the check. Having looked at nothing is a failure too: it would pass for ever."""
    for problem in problems:
        print(problem)
    if not looked_at:
        print("nothing was looked at")
    print(f"{looked_at} looked at, {len(problems)} problems")
    sys.exit(1 if problems or not looked_at else 0)
