"""What the issue wants, held against what was measured. The ratios stand beside the times they come from."""

MAPS = ("unordered_map", "unordered_map_of_structs")


def _ratio(results, id, above, below, wanted, most):
    """Holds the ratio of two subjects' medians against `wanted`: at most so much, or else at least."""
    one, other = results.find(id, above), results.find(id, below)
    if one is None or other is None:
        return
    row = results.one(f"{id}/ratio", f"{above} to {below}", one.value / other.value, "times", one.n)
    reached = row.value <= wanted if most else row.value >= wanted
    results.target(row, f"{'<=' if most else '>='} {wanted:g} times: {above} to {below}", reached)


def hold(bench):
    results = bench.results
    for size in (64, 256):
        _ratio(results, f"update_{size}_1m", "lmdb_writemap", "okg", 6, most=False)
        for peer in MAPS:
            _ratio(results, f"update_{size}_1m", "okg", peer, 1.3, most=True)
    # Every put makes a checksum.
    for id in ("update_4096_100k", "update_65536_10k"):
        _ratio(results, id, "okg", "memcpy", 1.5, most=True)
    for size in (64, 256):
        for peer in MAPS:
            _ratio(results, f"get_{size}_1m", "okg", peer, 1.1, most=True)
        _ratio(results, f"get_{size}_1m", "okg", "boost", 1, most=True)
    for row in [row for row in results.rows if row.id.startswith("threads/") and row.id.endswith("/speedup")]:
        if row.subject == "okg":
            results.target(row, ">= 1.7 times one thread", row.value >= 1.7)
    for row in [row for row in results.rows if row.id.startswith("region_") and row.subject == "okg, in place"]:
        results.target(row, "<= 100 us: 16 MiB of which 1 % was written", row.value <= 100)
    for row in [row for row in results.rows if row.id.startswith("open_and_first_get/")]:
        results.target(row, "<= 50 us after SIGKILL, at any size", row.value <= 50)
    for row in [row for row in results.rows if row.id.startswith("lost/")
                or (row.id == "restart_256_1m/lost" and row.subject == "okg")]:
        results.target(row, "0 acknowledged records lost", row.value == 0)
    for size in (256, 4096):
        for when in ("loaded", "churned"):
            _ratio(results, f"space_{size}/{when}", "okg", "lmdb_writemap", 1, most=True)
