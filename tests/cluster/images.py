"""Images of what a build directory has: the 2048 server, the version after it, and sidecars with their payloads."""
import os
import re
import shutil
import tempfile
import threading

from cluster import HERE, OWN, ROOT, Skip, expect, good, run

BUILD = os.path.abspath(os.environ.get("OKG_BUILD_DIR") or os.path.join(ROOT, "build", "release"))
PAYLOADS = os.path.join(ROOT, "examples", "2048", "payload")
SERVER, NEXT = "localhost/game-2048:1.0.0", "localhost/game-2048:1.1.0"


def sidecar(version):
    """The image of a payload: "1", "2", or "bad", which a server refuses."""
    return f"localhost/game-2048-payload:{version}"


def _libraries(program):
    """The shared libraries of a program, and the loader: path within the image to the file."""
    found = {}
    for line in good(run("ldd", program)).splitlines():
        match = re.match(r"\s*(?:(\S+) => )?(/\S+) \(0x", line)
        if match:
            name, path = match.groups()
            # What is not the system's is found by its name.
            inside = path if name is None or path.startswith(("/lib", "/usr/lib")) else "/usr/lib/" + name
            found[inside] = path
        else:
            expect("not found" not in line, f"{program}: {line.strip()}")
    return found


def _put(source, root, inside):
    target = os.path.join(root, inside.lstrip("/"))
    os.makedirs(os.path.dirname(target), exist_ok=True)
    shutil.copy(source, target)


def _give(name, fill, *entrypoint):
    with tempfile.TemporaryDirectory() as root:
        os.chmod(root, 0o755)
        fill(root)
        good(run(os.path.join(HERE, "image"), name, root, *entrypoint, seconds=120))


def _server(program):
    path = os.path.join(BUILD, program)

    def fill(root):
        _put(path, root, "/usr/local/bin/game-2048")
        for inside, library in _libraries(path).items():
            _put(library, root, inside)
    return fill


def _sidecar(version):
    def fill(root):
        okg = os.path.join(BUILD, "okg")
        _put(okg, root, "/bin/okg")
        files = os.path.join(root, "data", "files")
        shutil.copytree(os.path.join(PAYLOADS, "v1" if version == "bad" else f"v{version}", "files"), files)
        if version == "bad":
            with open(os.path.join(files, "texts", "en.json"), "w", encoding="utf-8") as file:
                file.write('{"game_over": "Game over!"}\n')
        good(run(okg, "pack", os.path.join(root, "data"), "--version", version))
    return fill


_once = threading.Lock()
_given = False


def give():
    """Gives all of them to the node, once a run, or skips the case."""
    global _given
    if not OWN:
        raise Skip("the images are made for the node of tests/cluster/up, and this is another cluster")
    for program in ("okg", "game-2048", "game-2048-next"):
        if not os.access(os.path.join(BUILD, program), os.X_OK):
            raise Skip(f"{os.path.join(BUILD, program)}: not built: build first, or set OKG_BUILD_DIR")
    with _once:
        if _given:
            return
        arguments = ("/usr/local/bin/game-2048", "--address", "0.0.0.0", "--port", "8048")
        _give(SERVER, _server("game-2048"), *arguments)
        _give(NEXT, _server("game-2048-next"), *arguments)
        for version in ("1", "2", "bad"):
            _give(sidecar(version), _sidecar(version), "/bin/okg", "publish", "--from", "/data")
        _given = True
