"""The functions that okg.h declares."""
import re

import house


def functions():
    text = re.sub(r"/\*.*?\*/", "", house.read("include/okg/okg.h"), flags=re.S)
    text = "\n".join(line for line in text.splitlines() if not line.startswith("#"))
    return sorted(re.findall(r"\bOKG_API\b[^;(]*?\b(okg_\w+)\s*\(", text))
