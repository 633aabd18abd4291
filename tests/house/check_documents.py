"""What the documents tell people to run, and what they link to, exists."""
import json
import os
import re

import house

presets = {preset["name"] for preset in json.loads(house.read("CMakePresets.json"))["configurePresets"]}
problems = []
looked_at = 0
pages = ["README.md", "CONTRIBUTING.md", "CHANGELOG.md"] + house.files("docs", endings=[".md"])

for page in pages:
    text = house.read(page)
    prose = re.sub(r"^```.*?^```", "", text, flags=re.S | re.M)
    for target in re.findall(r"\]\(([^)#\s]+)[^)]*\)", prose):
        if not re.match(r"[a-z]+:", target):
            looked_at += 1
            if not os.path.exists(os.path.join(house.SOURCE, os.path.dirname(page), target)):
                problems.append(f"{page}: {target}: there is no such file")
    for block in re.findall(r"^```sh\n(.*?)^```", text, re.S | re.M):
        for line in block.splitlines():
            command = line.split("#")[0].split()
            if not command:
                continue
            looked_at += 1
            path = os.path.join(house.SOURCE, command[0])
            if re.match(r"(examples|tests|cmake|benchmarks)/", command[0]) and not os.access(path, os.X_OK):
                problems.append(f"{page}: {command[0]}: there is no such program")
            for preset in re.findall(r"--preset[ =](\S+)", line):
                if preset not in presets:
                    problems.append(f"{page}: {preset}: no such preset")

house.end(problems, looked_at)
