"""Public headers include the standard library and each other, and nothing else."""
import re

import house

STANDARD_C = {"stddef.h", "stdint.h"}
problems = []
headers = house.files("include", endings=[".h", ".hpp"])

for path in headers:
    for number, line in enumerate(house.read(path).splitlines(), 1):
        match = re.match(r'\s*#\s*include\s*([<"])([^>"]+)[>"]', line)
        if not match:
            continue
        quoted, name = match.group(1) == '"', match.group(2)
        ours = quoted and "include/" + name in headers
        standard = not quoted and (name in STANDARD_C or (path.endswith(".hpp") and re.fullmatch(r"[a-z_]+", name)))
        if not (ours or standard):
            problems.append(f"{path}:{number}: {name}: a public header needs nothing but the standard library")
    if path.endswith(".h") and "#include <c" in house.read(path):
        problems.append(f"{path}: a C header includes C++")

house.end(problems, len(headers))
