#!/usr/bin/env python3
"""clang-tidy over src/, only over what changed: what was clean before, with the same command, headers and checks, is
known by its hash in ~/.cache/okg-tidy. The headers come from the build's own dependency log.
Ends with 0 (clean), 1 (not), 77 (clean as far as the time went)."""
import argparse
import concurrent.futures
import hashlib
import json
import os
import re
import shlex
import subprocess
import sys
import time

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("--build", required=True, help="a build directory with compile_commands.json, already built")
parser.add_argument("--clang-tidy", default="clang-tidy")
parser.add_argument("--seconds", type=float, default=1e9, help="begin no file after so long")
parser.add_argument("--jobs", type=int, default=os.cpu_count())
options = parser.parse_args()

source = os.path.abspath(os.path.join(os.path.dirname(__file__), ".."))
build = os.path.abspath(options.build)
cache = os.path.join(os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"), "okg-tidy")
os.makedirs(cache, exist_ok=True)
begin = time.monotonic()


def run(*command, **more):
    return subprocess.run(command, capture_output=True, text=True, check=False, **more)


def digest(path):
    with open(path, "rb") as file:
        return hashlib.sha256(file.read()).hexdigest()


def dependencies():
    """Object -> the files of ours that it was made of."""
    found, current = {}, None
    for line in run("ninja", "-C", build, "-t", "deps").stdout.splitlines():
        if line.startswith("    "):
            path = os.path.normpath(os.path.join(build, line.strip()))
            if path.startswith(source + os.sep) and not path.startswith(build + os.sep):
                found[current].append(path)
        elif ": #deps" in line:
            current = line.split(": #deps")[0]
            found[current] = []
    return found


def arguments(command):
    """The compile command as clang understands it: without launcher, compiler, output and what only gcc knows."""
    words, kept, skip = shlex.split(command), [], False
    while not re.search(r"(\+\+|cc|clang)(-\d+)?$", words[0]):
        words.pop(0)
    for word in words[1:]:
        if skip:
            skip = False
        elif word in ("-o", "-MF", "-MT", "-c"):
            skip = word != "-c"
        elif word not in ("-MD", "-fno-gnu-unique", "-Werror") and not word.startswith("-W"):
            kept.append(word)
    return kept


with open(os.path.join(build, "compile_commands.json"), encoding="utf-8") as file:
    commands = json.load(file)
made_of = dependencies()
common = digest(os.path.join(source, ".clang-tidy")) + run(options.clang_tidy, "--version").stdout + digest(__file__)


def key(entry, flags):
    text = common + " ".join(flags).replace(source, "")
    for path in sorted(made_of.get(entry["output"]) or [entry["file"]]):
        text += os.path.relpath(path, source) + digest(path)
    return os.path.join(cache, hashlib.sha256(text.encode()).hexdigest())


def look_at(entry):
    path = os.path.normpath(os.path.join(entry["directory"], entry["file"]))
    flags = [flag for flag in arguments(entry["command"]) if os.path.normpath(os.path.join(build, flag)) != path]
    clean = key(entry, flags)
    if os.path.exists(clean):
        os.utime(clean)
        return "known", ""
    if time.monotonic() - begin > options.seconds:
        return "late", ""
    done = run(options.clang_tidy, "--quiet", path, "--", *flags, cwd=entry["directory"])
    if done.returncode:
        return "bad", done.stdout + done.stderr
    with open(clean, "w", encoding="utf-8"):
        return "clean", ""


for entry in commands:
    entry["output"] = re.search(r" -o (\S+)", entry["command"]).group(1)
ours = {}
for entry in commands:
    if entry["file"].startswith(os.path.join(source, "src") + os.sep):
        ours.setdefault(entry["file"], entry)

counts = {"known": 0, "clean": 0, "bad": 0, "late": 0}
with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
    for result, text in pool.map(look_at, ours.values()):
        counts[result] += 1
        if text:
            print(text)
# What nobody needed for a month is gone.
for name in os.listdir(cache):
    path = os.path.join(cache, name)
    if os.path.getmtime(path) < time.time() - 30 * 86400:
        os.unlink(path)

print(", ".join(f"{number} {what}" for what, number in counts.items()))
if not ours or counts["bad"]:
    sys.exit(1)
if counts["late"]:
    print(f"{counts['late']} of {len(ours)} files not looked at within {options.seconds:.0f} s: the next run goes on")
    sys.exit(77)
