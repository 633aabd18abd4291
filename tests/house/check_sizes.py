"""One idea a file: none of ours is longer than 400 lines, but for those in long_files.txt with their reason."""
import house

MOST = 400
excused = house.table("long_files.txt")
problems = []
paths = house.files("src", "include", "tests", "examples", "benchmarks", "bindings", "cmake",
                    endings=[".c", ".h", ".cpp", ".hpp", ".py", ".sh", ".cmake", ".js", ".mjs", ".css", ".html", ".lua"])
for path in paths:
    lines = house.read(path).count("\n")
    if lines > MOST and path not in excused:
        problems.append(f"{path}: {lines} lines: split it, or say why not in tests/house/long_files.txt")
    if lines <= MOST and path in excused:
        problems.append(f"long_files.txt: {path}: has only {lines} lines by now")
problems += [f"long_files.txt: {path}: no such file" for path in excused.keys() - set(paths)]
problems += [f"long_files.txt: {path}: without a reason" for path, reason in excused.items() if not reason]
house.end(problems, len(paths))
