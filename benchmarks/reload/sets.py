"""Sets of files to publish, and the directories they lie in. The names and the first line are what set.hpp reads."""
import dataclasses
import os
import random
import shutil
import subprocess

FIRST_TIME = 1_700_000_000
FILE_BYTES = 2048
_filler = random.Random(2048).randbytes(FILE_BYTES)


@dataclasses.dataclass
class Set:
    count: int
    change: str = "all"  # or "one"
    bytes: int = FILE_BYTES

    @property
    def step(self):
        """Reading 10,000 files for each of 40,000 reloads would take hours: of large sets only some are read."""
        return 1 if self.count <= 1000 else self.count // 250

    def arguments(self):
        return [str(self.count), str(self.step), str(self.bytes), self.change]


def name_of(index):
    return f"f{index:05d}.lua"


def write_file(directory, index, generation, size=FILE_BYTES):
    head = b"generation %d\n" % generation
    path = os.path.join(directory, name_of(index))
    with open(path, "wb") as file:
        file.write(head + _filler[len(head):min(size, FILE_BYTES)])
        for _ in range(size // FILE_BYTES - 1):
            file.write(_filler)
    # rsync compares size and whole seconds: each publish gets its own second, or it would not copy anything.
    os.utime(path, (FIRST_TIME + generation, FIRST_TIME + generation))


def write_set(directory, the_set, generation):
    """Makes the set what it is after publish `generation`, from what it was after the one before."""
    os.makedirs(directory, exist_ok=True)
    indexes = range(the_set.count)
    if the_set.change == "one" and generation > 0:
        indexes = [generation % the_set.count]
    for index in indexes:
        write_file(directory, index, generation, the_set.bytes)


def pack(okg, directory, version, files):
    """A payload directory with these files, as an image would hold it; `files` is moved into it."""
    os.makedirs(directory)
    os.rename(files, os.path.join(directory, "files"))
    done = subprocess.run([okg, "pack", directory, "--version", version], check=True, capture_output=True, text=True)
    return done.stdout.strip().removeprefix("sha256:")


def fresh(*parts):
    """An empty directory; what a publisher left there before is read-only to others than root, and removed too."""
    path = os.path.join(*parts)
    remove(path)
    os.makedirs(path)
    return path


def remove(path):
    if not os.path.isdir(path):
        return
    for directory, names, _ in os.walk(path):
        for name in names:
            if not os.path.islink(os.path.join(directory, name)):
                os.chmod(os.path.join(directory, name), 0o700)
    shutil.rmtree(path)
