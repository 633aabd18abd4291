"""What ctest found, for tests/run.sh: junit.py STAGE JUNIT.XML LOG TALLY. Prints in full what failed and appends a line
a case to the tally: passed|failed|skipped STAGE/NAME [REASON]."""
import re
import sys
import xml.etree.ElementTree as ElementTree

stage, junit, log, tally = sys.argv[1:5]
# Only ctest's own words tell a time-out from another failure.
with open(log, encoding="utf-8", errors="replace") as file:
    said = dict(re.findall(r"Test +#\d+: (.+?) \.*\*\*\*(.+?) +[\d.]+ sec", file.read()))


def reason(output, message):
    """Why a test was skipped: GoogleTest says it below the place, a script in a line "skip: reason" (or SKIP:)."""
    found = re.search(r": Skipped\n(.+?)\n", output) or re.search(r"^skip: *(.+)$", output, re.M | re.I)
    return found.group(1).strip() if found else message or "it does not say why"


lines = []
for case in ElementTree.parse(junit).getroot().iter("testcase"):
    # GoogleTest's parameters come behind the name; a case is one word in the tally.
    name = f"{stage}/{case.get('name')}".split(" ")[0]
    output = case.findtext("system-out") or ""
    skipped, failure = case.find("skipped"), case.find("failure")
    if case.get("status") == "disabled":
        lines.append(f"skipped {name} disabled")
    elif skipped is not None:
        lines.append(f"skipped {name} {reason(output, skipped.get('message'))}")
    elif failure is not None or case.get("status") != "run":
        message = said.get(case.get("name")) or case.get("status")
        print(f"---- {name} failed after {float(case.get('time', 0)):.1f} s: {message}\n{output}\n----", flush=True)
        lines.append(f"failed {name} {message or 'failed'}")
    else:
        lines.append(f"passed {name}")
with open(tally, "a", encoding="utf-8") as file:
    file.writelines(line + "\n" for line in lines)
