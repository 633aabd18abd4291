"""symbols.txt, okg.h and the library's exported names are one: check_symbols.py header|shared|static|hot [LIBRARY].
With `update` symbols.txt is written from okg.h: do that when a function was added; none may go within one ABI."""
import os
import sys

import declared
import house

what = sys.argv[1]
path = "tests/house/symbols.txt"
if what == "update":
    with open(os.path.join(house.SOURCE, path), "w", encoding="utf-8") as file:
        file.write("".join(name + "\n" for name in declared.functions()))
    sys.exit(0)

expected = set(house.read(path).split())
if what == "hot":  # the hot state alone
    expected = {name for name in expected if name.startswith("okg_hot_")} | {"okg_fail", "okg_strerror", "okg_version"}
if what == "header":
    found = set(declared.functions())
else:
    options = ["-D"] if what == "shared" else ["-g"]
    listing = house.run(os.environ.get("OKG_NM", "nm"), *options, "--defined-only", sys.argv[2])
    found = {line.split()[-1].split("@")[0] for line in listing.splitlines() if len(line.split()) >= 3}

problems = [f"{name}: in {path}, but not in the {what}" for name in sorted(expected - found)]
problems += [f"{name}: in the {what}, but not in {path}" for name in sorted(found - expected)]
house.end(problems, len(found))
