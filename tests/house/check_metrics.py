"""The metrics of a running server are OpenMetrics as Prometheus' own parser reads it, follow the naming rules that
`promtool check metrics` enforces, and are what the dashboard asks for: check_metrics.py GAME_2048 OKG [JSON…]"""
import json
import os
import re
import subprocess
import sys
import tempfile
import time

import house

game, okg, *dashboards = sys.argv[1:]
try:
    from prometheus_client.openmetrics import parser
except ImportError:
    print("no prometheus_client for this Python: install python3-prometheus-client")
    sys.exit(77)

UNITS = ("seconds", "bytes")
# promtool: abbreviated or scaled units.
NOT_UNITS = r"_(s|ms|us|ns|milliseconds|microseconds|nanoseconds|minutes|hours|kb|mb|gb|kilobytes|megabytes|percent)(_|$)"


def scrape():
    """/metrics of a game with a payload in use, hot state and the controller of a laptop."""
    with tempfile.TemporaryDirectory() as work:
        env = {"PATH": os.environ["PATH"], "OKG_CONTROLLER": "local", "OKG_PAYLOAD_DIR": work + "/payload", "OKG_RUN_DIR": work + "/run",
               "OKG_HOT_DIR": work + "/hot", "ASAN_OPTIONS": os.environ.get("ASAN_OPTIONS", "")}
        for name in ("payload", "run", "hot"):
            os.mkdir(f"{work}/{name}", 0o700)
        server = subprocess.Popen([game, "--port", "0", "--scores", work + "/scores"], env=env, stdout=subprocess.DEVNULL,
                                  stderr=subprocess.PIPE)
        try:
            subprocess.run([okg, "publish", "--from", os.path.join(house.SOURCE, "examples/2048/payload/v1/files"), "--version",
                            "1", "--once", "--wait", "60s"], env=env, check=True, stdout=subprocess.DEVNULL)
            for _ in range(600):
                text = subprocess.run(["curl", "-sS", "--unix-socket", work + "/run/okg.sock", "http://okg/metrics"],
                                      check=True, capture_output=True, text=True).stdout
                if "okg_controller_connected 1" in text:
                    return text
                time.sleep(0.1)
            return text
        finally:
            server.terminate()
            server.communicate()


problems = []
text = scrape()
families = {}
try:
    families = {family.name: family for family in parser.text_string_to_metric_families(text)}
except Exception as wrong:  # the parser's own errors are ValueErrors of many kinds
    problems.append(f"the parser refuses it: {wrong}")
for name, family in families.items():
    samples = {sample.name for sample in family.samples}
    if not family.documentation:
        problems.append(f"{name}: no help")
    if re.search(NOT_UNITS, name):
        problems.append(f"{name}: not a base unit")
    if re.search(r"_(gauge|counter|histogram|summary)(_|$)", name):
        problems.append(f"{name}: its type in its name")
    if family.type == "counter" and samples - {name + "_total"}:
        problems.append(f"{name}: a counter without _total")
    if family.type != "counter" and any(one.endswith("_total") for one in samples):
        problems.append(f"{name}: _total, and no counter")
    unit = next((unit for unit in UNITS if name.endswith(unit)), "")
    if family.unit != unit:
        problems.append(f"{name}: unit {family.unit!r}, by its name {unit!r}")
    if not re.fullmatch(r"[a-z][a-z0-9_]*", name):
        problems.append(f"{name}: no snake_case")
for family in ("okg_hot_records", "okg_hot_commit_duration_seconds", "okg_controller_connected", "okg_api_requests"):
    if family not in families:
        problems.append(f"{family}: not there")

# What the dashboards ask for is there.
known = {sample.name for family in families.values() for sample in family.samples} | {
    "okg_reload_duration_seconds_bucket", "okg_http_requests_total"}
for path in dashboards:
    with open(path, encoding="utf-8") as file:
        board = json.load(file)
    asked = set()
    for panel in board["panels"]:
        for target in panel.get("targets", []):
            asked |= set(re.findall(r"\bokg_\w+", target["expr"]))
    problems += [f"{path}: {name}: no such metric" for name in sorted(asked - known)]
    if len(asked) < 8:
        problems.append(f"{path}: asks for {len(asked)} metrics only")

house.end(problems, len(families))
