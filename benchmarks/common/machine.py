"""What the numbers were measured on."""
import datetime
import os
import re
import subprocess


def _first(path, pattern, default="unknown"):
    try:
        with open(path, encoding="utf-8") as file:
            found = re.search(pattern, file.read(), re.M)
        return found.group(1).strip() if found else default
    except OSError:
        return default


def _said(*command):
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return "unknown"


def load_average():
    return [round(value, 2) for value in os.getloadavg()]


def file_system(path):
    """Of the mount with the longest matching path: "ext4", "tmpfs"."""
    path = os.path.realpath(path) + "/"
    best = ("", "unknown")
    with open("/proc/self/mounts", encoding="utf-8") as file:
        for line in file:
            _, mount, kind, *_ = line.split(" ")
            if path.startswith(mount.rstrip("/") + "/") and len(mount) >= len(best[0]):
                best = (mount, kind)
    return best[1]


def describe(build):
    kilobytes = int(_first("/proc/meminfo", r"^MemTotal:\s+(\d+)", "0"))
    revision = _said("git", "rev-parse", "--short=12", "HEAD")
    # What the measured programs are made of; pages and tests do not change a number.
    if _said("git", "status", "--porcelain", "--untracked-files=no", "--", "src", "include", "benchmarks", "cmake"):
        revision += " with changes"
    return {
        "cpu": _first("/proc/cpuinfo", r"^model name\s*:\s*(.*)$"),
        "cores": os.cpu_count(),
        "memory_gib": round(kilobytes / 2**20, 1),
        "kernel": os.uname().release,
        "system": _first("/etc/os-release", r'^PRETTY_NAME="?([^"\n]*)'),
        "compiler": _said(_first(f"{build}/CMakeCache.txt", r"^CMAKE_CXX_COMPILER:[A-Z]+=(.*)$", "c++"),
                          "-dumpfullversion"),
        "build_type": _first(f"{build}/CMakeCache.txt", r"^CMAKE_BUILD_TYPE:[A-Z]+=(.*)$"),
        "okg": revision,
        "date": datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "load_average": {"begin": load_average(), "parts": {}},
    }
