"""What publishing costs beside copying: the same files, the same file system, in turns."""
import os
import shutil
import subprocess

from common import process
from reload import sets

FILES = 1000
CHANGED = 10


class Ground:
    """Two packed payloads, the second with 1 % of its files changed, on the file system that is measured."""

    def __init__(self, bench, place):
        self.okg, self.place = bench.programs.okg, place
        self.packed = []
        for generation in (1, 2):
            files = os.path.join(place, "files")
            sets.write_set(files, sets.Set(FILES), 1)
            if generation == 2:
                for index in range(0, FILES, FILES // CHANGED):
                    sets.write_file(files, index, 2)
            # Times as a build leaves them: where they are all the same, okg does not keep them, and has less to do.
            for index in range(FILES):
                path = os.path.join(files, sets.name_of(index))
                modified = os.stat(path).st_mtime + 10 * index
                os.utime(path, (modified, modified))
            packed = os.path.join(place, f"packed{generation}")
            sets.pack(self.okg, packed, str(generation), files)
            self.packed.append(packed)
        # bin/okg is installed by the first publish ever on a volume, and found there by all others.
        small = os.path.join(place, "small")
        sets.write_set(small, sets.Set(1), 1)
        self.template = sets.fresh(place, "template")
        self.run = sets.fresh(place, "run")
        subprocess.run([self.okg, "publish", "--from", small, "--to", self.template, "--run", self.run, "--version",
                        "0", "--once"], check=True, stdout=subprocess.DEVNULL)

    def okg_publish(self, volume, generation):
        return [self.okg, "publish", "--from", self.packed[generation - 1], "--to", volume, "--run", self.run, "--once"]

    # Each round has its own directories, and nothing is removed before the end: ext4 does not give out the inodes of
    # files that were removed minutes ago, and looks at each of them again for every new file.
    def okg_round(self, turn):
        volume = sets.fresh(self.place, f"okg{turn}")
        shutil.copytree(os.path.join(self.template, "bin"), os.path.join(volume, "bin"))
        first = process.timed(self.okg_publish(volume, 1))
        changed = process.timed(self.okg_publish(volume, 2))
        same = process.timed(self.okg_publish(volume, 2))
        return {"first": first, "1_percent": changed, "nothing": same}

    def cp_round(self, turn):
        target = sets.fresh(self.place, f"cp{turn}")
        source = [os.path.join(packed, "files") for packed in self.packed]
        first = process.timed(["cp", "-a", source[0], os.path.join(target, "v1")])
        changed = process.timed(["cp", "-a", source[1], os.path.join(target, "v2")])
        return {"first": first, "1_percent": changed}

    def rsync_round(self, turn):
        target = sets.fresh(self.place, f"rsync{turn}")
        source = [os.path.join(packed, "files") + "/" for packed in self.packed]
        first = process.timed(["rsync", "-a", source[0], os.path.join(target, "v1")])
        changed = process.timed(["rsync", "-a", source[1], os.path.join(target, "v1")])
        return {"first": first, "1_percent": changed}

    def rsync_link_round(self, turn):
        target = sets.fresh(self.place, f"rsync_link{turn}")
        source = [os.path.join(packed, "files") + "/" for packed in self.packed]
        first = process.timed(["rsync", "-a", source[0], os.path.join(target, "v1")])
        changed = process.timed(["rsync", "-a", "--link-dest=../v1", source[1], os.path.join(target, "v2")])
        return {"first": first, "1_percent": changed}


def publishing(bench):
    for kind, where in (("tmpfs", bench.tmpfs), (bench.disk_kind, bench.disk)):
        with where() as place:
            _measure(bench, Ground(bench, place), kind, 7 if bench.quick else 30)


def _measure(bench, ground, kind, rounds):
    rounds_of = {"okg": ground.okg_round, "cp -a": ground.cp_round, "rsync -a": ground.rsync_round,
                 "rsync -a --link-dest": ground.rsync_link_round}
    names = list(rounds_of)
    walls, cpus = {}, {}
    for turn in range(rounds):
        for name in names[turn % len(names):] + names[:turn % len(names)]:
            for step, (wall, cpu) in rounds_of[name](turn).items():
                walls.setdefault((step, name), []).append(wall)
                cpus.setdefault((step, name), []).append(cpu)
    for step in ("first", "1_percent", "nothing"):
        for name in names:
            if (step, name) in walls and not (step == "first" and name == "rsync -a --link-dest"):
                bench.results.times(f"publish_1000/{step}/{kind}", name, walls[step, name], "ms")
                bench.results.times(f"publish_1000_cpu/{step}/{kind}", name, cpus[step, name], "ms cpu")
    okg = bench.results.find(f"publish_1000/first/{kind}")
    for peer in ("cp -a", "rsync -a"):
        beside = bench.results.find(okg.id, peer)
        ratio = bench.results.one(f"publish_1000/first/{kind}/ratio", f"okg to {peer}", okg.p50 / beside.p50, "times",
                                  okg.n)
        if peer == "cp -a":
            bench.results.target(ratio, "<= 1.3 times cp -a", ratio.value <= 1.3)
