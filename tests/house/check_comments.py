"""Every function of okg.h stands under a comment that says since when it is there."""
import re

import declared
import house

text = house.read("include/okg/okg.h")
version = tuple(int(re.search(rf"^#define OKG_VERSION_{part} (\d+)", text, re.M).group(1)) for part in ("MAJOR", "MINOR"))
problems = []
seen = []

# A comment speaks for what follows it without an empty line.
for block in re.split(r"\n\s*\n", text):
    code = re.sub(r"/\*.*?\*/", "", block, flags=re.S)
    names = re.findall(r"^OKG_API\b[^;(]*?\b(okg_\w+)\s*\(", code, re.M)
    seen += names
    since = [tuple(map(int, numbers)) for numbers in re.findall(r"\\since (\d+)\.(\d+)\b", block)]
    for name in names:
        if not since:
            problems.append(f"okg.h: {name}: no comment with \\since above it")
    for one in since:
        if one > version:
            problems.append(f"okg.h: \\since {one[0]}.{one[1]} is newer than the version, near {names}")

problems += [f"okg.h: {name}: not found by this check" for name in set(declared.functions()) - set(seen)]
house.end(problems, len(seen))
