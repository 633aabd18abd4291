"""What a commit of a whole state costs of which a part was written."""
import subprocess

from common.program import rotated

SUBJECTS = {"in_place": "okg, in place", "diff": "okg, diff", "memcpy": "memcpy of all"}
PIECES = (64, 1024, 4096)
MEBIBYTES, PER_MILLE, TURNS = 16, 10, 3


def regions(bench):
    if not bench.has_room(256 << 20, "regions"):
        return
    for piece in PIECES:
        took = {}
        for turn in range(1 if bench.quick else TURNS):
            for subject in rotated(list(SUBJECTS), turn):
                with bench.tmpfs() as place:
                    said = subprocess.run([bench.programs.region, subject, str(MEBIBYTES), str(PER_MILLE), str(piece), place],
                                          check=True, stdout=subprocess.PIPE, text=True).stdout
                took.setdefault(subject, []).extend(int(line) / 1e3 for line in said.split())
        for subject, name in SUBJECTS.items():
            bench.results.times(f"region_16_mib_1_percent/{piece}", name, took[subject], "us")
