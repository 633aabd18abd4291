"""From somebody's change of the GameServer until the game is told."""
import random
import time

from cluster import Failure, wait_until
from common.program import rotated
from controller import place

PATIENCE = 60  # seconds; who has not heard by then is counted with that


def ears(where, prefix):
    return [kind(where, f"{prefix}-{kind.__name__.lower()}")
            for kind in (place.OkgEar, place.KubectlEar, place.PollEar)]


def heard_at(ear, state, seconds=120):
    return wait_until(lambda: [at for said, at in list(ear.heard) if said == state], seconds,
                      f"{ear.name} hears of {state}")[0]


def tell(bench, what, times, subjects, unit):
    okg = bench.results.times(what, "okg", times["okg"], unit)
    for subject in subjects:
        if subject.name != "okg":
            row = bench.results.times(what, subject.name, times[subject.name], unit)
            bench.results.one(f"{what}/ratio", subject.name, row.value / okg.value, "times okg", len(times["okg"]))


def hearing(bench):
    rounds = 20 if bench.quick else 100
    subjects = ears(bench.place, "ear")
    chance = random.Random(1)
    times = {subject.name: [] for subject in subjects}
    for turn in range(rounds + 1):
        for subject in rotated(subjects, turn):
            time.sleep(chance.random() * 0.5)  # whatever a loop is just doing
            begin = time.monotonic_ns()
            bench.place.ground.set_state(subject.pod, f"turn-{turn}")
            took = heard_at(subject, f"turn-{turn}") - begin
            if turn:  # the first finds what is still starting
                times[subject.name].append(took / 1e6)
    tell(bench, "change/heard", times, subjects, "ms")


def restart(bench):
    """SIGKILL for the API server; back after some seconds, with a change of each GameServer at once."""
    rounds = 3 if bench.quick else 6
    subjects = ears(bench.place, "restart")
    times = {subject.name: [] for subject in subjects}
    for turn in range(rounds):
        time.sleep(6)  # a watch that ended sooner would count as refused
        bench.place.api.kill()
        time.sleep(5)
        bench.place.api.back()
        begin = time.monotonic_ns()
        for subject in rotated(subjects, turn):
            bench.place.ground.set_state(subject.pod, f"restart-{turn}")
        for subject in subjects:
            try:
                took = (heard_at(subject, f"restart-{turn}", PATIENCE) - begin) / 1e9
            except Failure:
                took = PATIENCE
            times[subject.name].append(took)
    tell(bench, "restart/heard", times, subjects, "s")
