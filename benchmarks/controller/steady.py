"""What a server costs in peace, and a thousand of them."""
import time

from controller import hearing
from many import Fleet, Use


def steady(bench):
    # okg's watch ends after 400 s: whenever it began, one begins in between.
    seconds = 120 if bench.quick else 400
    subjects = hearing.ears(bench.place.alone(), "steady")
    time.sleep(20)  # what happens once
    before = {subject.name: Use(subject.pid()) for subject in subjects}
    since, begin = time.time(), time.monotonic()
    time.sleep(seconds)
    after = {subject.name: Use(subject.pid()) for subject in subjects}
    hours = (time.monotonic() - begin) / 3600
    for subject in subjects:
        asked = bench.place.api.asked(subject.pod, since=since)
        row = bench.results.one("hour/requests", subject.name, len(asked) / hours, "an hour", len(asked))
        if subject.name == "okg":
            bench.results.target(row, "<= 60 an hour", row.value <= 60)
        cpu = after[subject.name].cpu - before[subject.name].cpu
        bench.results.one("hour/cpu", subject.name, cpu / hours, "s an hour")
        bench.results.one("process/memory", subject.name, after[subject.name].kib / 1024, "MiB")


def fleet(bench):
    number = 50 if bench.quick else 1000
    began = time.time()
    some = Fleet(bench.place.ground, number)
    some.all_set("Allocated")
    some.all_hear("Maintaining")
    some.all_set("None")
    use = some.use()
    asked = [one for one in bench.place.api.asked(since=began) if one.pod in set(some.names)]
    one = bench.results.one
    for what, took in some.took.items():
        one(f"fleet_{number}/{what.replace(' ', '_')}", "okg", took, "s", number)
    one(f"fleet_{number}/memory", "okg", (use.kib - some.empty.kib) / number, "KiB a server", number)
    one(f"fleet_{number}/threads", "okg", (use.threads - some.empty.threads) / number, "a server", number)
    one(f"fleet_{number}/descriptors", "okg", (use.fds - some.empty.fds) / number, "a server", number)
    one(f"fleet_{number}/requests", "okg", len(asked) / number, "a server", number)
    one(f"fleet_{number}/cpu", "okg", 1000 * (use.cpu - some.empty.cpu) / number, "ms a server", number)
    bench.place.api.kill()
    bench.place.api.back()
    some.all_hear("WaitToBeDeleted")
    one(f"fleet_{number}/heard_after_a_restart", "okg", some.took["hear WaitToBeDeleted"], "s", number)
