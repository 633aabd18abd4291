"""How much memory a table takes for each byte of keys and values."""
import subprocess

SUBJECTS = ("okg", "lmdb_writemap", "boost_swap")
KEYS = {64: 2_000_000, 256: 2_000_000, 4096: 130_000}


def space(bench):
    for size, keys in KEYS.items():
        if bench.quick:
            keys //= 10
            if size == 64:
                continue
        if not bench.has_room(keys * (size * 9 // 4 + 512), f"space of {size}-byte values"):
            continue
        for subject in SUBJECTS:
            if subject not in bench.subjects or (bench.quick and subject == "boost_swap"):
                continue
            with bench.tmpfs() as place:
                said = subprocess.run([bench.programs.space, subject, str(size), str(keys), place], check=True,
                                      stdout=subprocess.PIPE, text=True).stdout
            for line in said.splitlines():
                when, taken, payload = line.split()
                bench.results.one(f"space_{size}/{when}", subject, int(taken) / int(payload), "times payload", keys)
