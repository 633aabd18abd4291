"""Writes a payload volume from docs/interface.md alone, by none of okg's code: make_volume.py DIR VERSION PATH=TEXT…
DIR gets v/<digest>/ and current pointing there."""
import hashlib
import json
import os
import sys

volume, version, files = sys.argv[1], sys.argv[2], dict(one.split("=", 1) for one in sys.argv[3:])


def sha256(data):
    return hashlib.sha256(data).hexdigest()


lines = {path: f"{sha256(text.encode())} 0644 {len(text.encode())} {path}\n" for path, text in sorted(files.items())}
listing = "".join(lines.values()).encode()
components = {}
for path, line in lines.items():
    name = path.split("/")[0] if "/" in path else "root"
    components[name] = components.get(name, "") + line
manifest = json.dumps({
    "schema": "okg.payload/v1", "version": version, "list": "sha256:" + sha256(listing), "files": len(files),
    "bytes": sum(len(text.encode()) for text in files.values()),
    "components": {
        name: {"path": "" if name == "root" else name + "/", "digest": "sha256:" + sha256(own.encode()), "after": []}
        for name, own in sorted(components.items())},
    "requires": {}, "unhandled": "fail", "annotations": {}}).encode()

place = os.path.join(volume, "v", sha256(manifest))
for path, text in files.items():
    target = os.path.join(place, "files", path)
    os.makedirs(os.path.dirname(target), exist_ok=True)
    with open(target, "w", encoding="utf-8") as file:
        file.write(text)
    os.chmod(target, 0o644)
for name, data in (("files.list", listing), ("manifest.json", manifest)):
    with open(os.path.join(place, name), "wb") as file:
        file.write(data)
link = os.path.join(volume, ".current")
os.symlink(os.path.join("v", sha256(manifest)), link)
os.rename(link, os.path.join(volume, "current"))
print("sha256:" + sha256(manifest))
