"""docs/interface.md and the code know the same names: what the page promises is there, and what can be seen from
outside is on the page. What the page marks as (later), (H) or (C) need not be there yet."""
import re

import house

page = house.read("docs/interface.md")
section = {int(part[0]): part for part in re.split(r"^## ", page, flags=re.M)[1:]}
problems = []
looked_at = 0


def code(folder, endings=(".cpp", ".hpp")):
    return "\n".join(house.read(path) for path in house.files(folder, endings=list(endings)))


def promised(text):
    """The text without what is marked as coming later: to the end of its table cell, or list item."""
    rows = [row for row in text.splitlines() if not re.match(r"\| \((later|H|C)\)", row)]
    return re.sub(r",? ?\(\(?(later|H|C)\)[^|;)]*", "", "\n".join(rows))


def both(kind, on_page, in_code):
    global looked_at
    looked_at += len(on_page | in_code)
    for name in sorted(on_page - in_code):
        problems.append(f"{kind} {name}: promised in docs/interface.md, not in the code")
    for name in sorted(in_code):
        if not re.search(rf"(?<![\w-]){re.escape(name)}(?![\w-])", page):
            problems.append(f"{kind} {name}: in the code, not in docs/interface.md")


sources = code("src")
cli = code("src/cli")
control = code("src/control")

# Environment variables: the first cells of section 3.
cells = " ".join(row.split("|")[1] for row in promised(section[3]).splitlines() if row.startswith("| `OKG_"))
both("variable", set(re.findall(r"OKG_[A-Z_]+", cells)) | {"OKG_HOST_NETWORK"}, set(re.findall(r'"(OKG_[A-Z_]+)(?<!_INIT)"', sources)))

# Codes of the status, and its keys.
codes = set(re.search(r"`code` is one of: `([a-z_ ]+)`", section[5]).group(1).split())
# Codes that never get into a status: calls of the API alone fail with them.
api_only = {"ok", "invalid_argument", "closed", "in_use", "not_found", "unsupported", "denied", "internal"}
both("code", codes, set(re.findall(r'return "([a-z_]+)"', code("src/base").split("code_name", 1)[-1])) & codes)
keys = set(re.findall(r'"([a-z_]+)":', section[5].split("```")[1]))
both("status key", keys, keys & set(re.findall(r'"([a-z_]+)"', sources)))

# Metrics and routes.
# The endpoint writes a family's name, which in OpenMetrics goes without the ending of its samples.
metrics = set(re.findall(r"`(okg_[a-z_]+)", section[6]))
families = set(re.findall(r'[" \n](okg_[a-z_]+)[{" ]', control))
both("metric", metrics, {name for name in metrics if {name, re.sub(r"_(total|info)$", "", name)} & families})
for family in sorted({re.sub(r"_(bucket|sum|count)$", "", name) for name in families}):
    if not re.search(rf"`{family}(_total|_info)?[`{{]", section[6]):
        problems.append(f"metric {family}: in the code, not in docs/interface.md")
routes = set(re.findall(r"(?:GET|POST|GET\\\|POST|/livez) (/[a-z0-9/]+)", section[6])) | {"/livez", "/metrics"}
both("route", routes, set(re.findall(r'"(/(?:v1/)?[a-z]+)"', control)))

# Commands and their flags.
rows = [row for row in promised(section[4]).splitlines() if row.startswith("| `")]
commands = {name for row in rows for name in re.findall(r"`([a-z]+)(?=[ `])", row.split("|")[1])}
words = set(re.findall(r'"([a-z]+)"', cli))
both("command", commands, commands & words)
flags = {flag for row in rows for flag in re.findall(r"--[a-z-]+", row)}
flags |= set(re.findall(r"`(--[a-z-]+)", section[4].split("| command")[0]))
in_cli = set(re.findall(r'[" ,](--[a-z][a-z-]+)', cli))
both("flag", flags - {"--help", "--version"}, in_cli - {"--help"})

house.end(problems, looked_at)
