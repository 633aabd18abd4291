"""From the game's call until it knows that the GameServer holds the value."""
from common.program import rotated
from controller import place


def writing(bench):
    rounds = 30 if bench.quick else 300
    subjects = [place.Okg(bench.place, "writer"), place.Curl(bench.place, "curl"),
                place.Kubectl(bench.place, "kubectl"), place.Bare(bench.place, "bare")]
    for subject in subjects:
        for state in ("Allocated", "None"):  # what is done once: connections, kubectl's cache
            subject.write(state)
    times = {subject.name: [] for subject in subjects}
    for turn in range(rounds):
        for subject in rotated(subjects, turn):
            times[subject.name].append(subject.write(f"turn-{turn}"))
    okg = bench.results.times("set_ops_state/landed", "okg", times["okg"], "ms")
    for subject in subjects[1:]:
        row = bench.results.times("set_ops_state/landed", subject.name, times[subject.name], "ms")
        bench.results.one("set_ops_state/landed/ratio", subject.name, row.value / okg.value, "times okg", rounds)
