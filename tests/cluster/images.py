"""Images of what the build made: the 2048 server in two versions, and sidecars with payloads, for the cluster's node."""
import os
import re
import shutil
import tempfile
import threading

from cluster import HERE, OWN, ROOT, Skip, good, run

BUILD = os.environ.get("OKG_BUILD_DIR", os.path.join(ROOT, "build", "release"))
GAME = {1: "localhost/okg-2048:1", 2: "localhost/okg-2048:2"}  # game-2048, and game-2048-next
PAYLOAD = {1: "localhost/okg-2048-payload:1", 2: "localhost/okg-2048-payload:2", "bad": "localhost/okg-2048-payload:bad"}
_made = []
_lock = threading.Lock()


def _image(name, root, *command):
    good(run(os.path.join(HERE, "image"), name, root, *command, seconds=120))


def _copy(program, root):
    """A program with the libraries it was linked with, as they lie on this machine."""
    os.makedirs(f"{root}/bin", exist_ok=True)
    shutil.copy2(program, f"{root}/bin/")
    for path in re.findall(r"(/\S+)", run("ldd", program).out):
        target = f"{root}/lib64" if path.startswith("/lib64/") else f"{root}/lib/x86_64-linux-gnu"
        os.makedirs(target, exist_ok=True)
        shutil.copy2(path, target)


def _make(work):
    okg = os.path.join(BUILD, "okg")
    for version, program in ((1, "game-2048"), (2, "game-2048-next")):
        root = f"{work}/game{version}"
        _copy(os.path.join(BUILD, program), root)
        os.rename(f"{root}/bin/{program}", f"{root}/bin/game")
        shutil.copy2(shutil.which("busybox"), f"{root}/bin/busybox")
        os.symlink("busybox", f"{root}/bin/sh")
        _image(GAME[version], root, "/bin/game", "--address", "0.0.0.0", "--port", "8048")
    for version, name in PAYLOAD.items():
        root = f"{work}/payload-{version}"
        os.makedirs(f"{root}/bin")
        shutil.copy2(okg, f"{root}/bin/okg")
        shutil.copytree(os.path.join(ROOT, "examples/2048/payload", f"v{2 if version == 'bad' else version}", "files"),
                        f"{root}/data/files")
        if version == "bad":
            with open(f"{root}/data/files/texts/en.json", "w", encoding="utf-8") as file:
                file.write('{ "game_over": oops')
        good(run(okg, "pack", f"{root}/data", "--version", str(version)))
        _image(name, root, "/bin/okg", "publish", "--from", "/data")


def make():
    """All of them, once."""
    if not OWN:
        raise Skip("images of this build are for a cluster of tests/cluster/up")
    for program in ("okg", "game-2048", "game-2048-next"):
        if not os.access(os.path.join(BUILD, program), os.X_OK):
            raise Skip(f"{os.path.join(BUILD, program)}: not built: cmake --build --preset release, or set OKG_BUILD_DIR")
    with _lock:
        if _made:
            return
        with tempfile.TemporaryDirectory() as work:
            _make(work)
        _made.append(True)
