"""Rooms include only from the rooms that rooms.txt allows, and CMake links no others."""
import os
import re

import house

allowed = {room: set(rest.split()) for room, rest in house.table("rooms.txt").items()}
problems = []
looked_at = 0

for room, uses in allowed.items():
    for used in uses - {"okg"} - allowed.keys():
        problems.append(f"rooms.txt: {room}: {used}: no such room")
    # A room that may use another must not be used by it, not even round a corner.
    below, todo = set(), list(uses)
    while todo:
        one = todo.pop()
        if one not in below:
            below.add(one)
            todo += allowed.get(one, ())
    if room in below:
        problems.append(f"rooms.txt: {room}: uses itself round a corner")

for room in sorted(os.listdir(os.path.join(house.SOURCE, "src"))):
    if os.path.isdir(os.path.join(house.SOURCE, "src", room)) and room not in allowed:
        problems.append(f"src/{room}: not in tests/house/rooms.txt: say there what it may use")

for path in house.files("src", endings=[".hpp", ".cpp", ".h", ".c"]):
    room = path.split("/")[1]
    looked_at += 1
    for number, line in enumerate(house.read(path).splitlines(), 1):
        match = re.match(r'\s*#\s*include\s*([<"])([^>"]+)[>"]', line)
        if not match:
            continue
        first = match.group(2).split("/")[0]
        if first == room or (match.group(1) == "<" and first not in allowed.keys() | {"okg"}):
            continue
        if first not in allowed.keys() | {"okg"}:
            problems.append(f'{path}:{number}: "{match.group(2)}": write "room/file.hpp"')
        elif first not in allowed.get(room, ()):
            problems.append(f"{path}:{number}: {room} may not use {first} (tests/house/rooms.txt)")

for path in house.files("src", endings=["CMakeLists.txt"]):
    for room, rest in re.findall(r"okg_room\((\w+)([^)]*)\)", house.read(path)):
        uses = re.search(r"USES\s+((?:[a-z]+\s+)*[a-z]+)", rest)
        for used in uses.group(1).split() if uses else ():
            if used not in allowed.get(room, ()):
                problems.append(f"{path}: {room} may not use {used} (tests/house/rooms.txt)")

house.end(problems, looked_at)
