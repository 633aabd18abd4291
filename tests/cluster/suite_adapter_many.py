"""Many servers in one process, each with a pod, a token and a GameServer of its own: none is lost, none hammers."""
import time

from api import Api
from cluster import expect, long
from many import Fleet
from talkers import Ground

NEEDS = "api"


def many(case, number):
    api = Api(case)
    ground = Ground(case, api)
    fleet = Fleet(ground, number)
    fleet.all_set("Allocated")
    expect(fleet.found() == {"Allocated": number}, f"there is {fleet.found()}")
    fleet.all_hear("Maintaining")
    fleet.all_set("None")
    expect(fleet.found() == {"None": number}, f"there is {fleet.found()}")
    use, asked = fleet.use(), api.asked()
    requests = len(asked) / number
    # A read, a watch, what is reported of the server, two writes; and what a full API server puts off (429).
    expect(requests <= 20, f"{requests} requests a server")
    expect(use.threads <= 4 * number + 10 and use.fds <= 20 * number + 50, f"{use.threads} threads, {use.fds} descriptors")
    expect(use.kib - fleet.empty.kib <= 2048 * number, f"{(use.kib - fleet.empty.kib) / number:.0f} KiB a server")

    api.kill()
    since = time.time()
    api.back()
    begin = time.monotonic()
    fleet.all_hear("WaitToBeDeleted")
    converged = time.monotonic() - begin
    again = len(api.asked(since=since)) / number
    expect(again <= 20, f"{again} requests a server after the API server's restart")
    told = fleet.talker.heard
    expect(not [event for event in told if event["event"] == "kill"], "somebody was told of an end")
    print(f"adapter_many: {number} servers: " + ", ".join(f"{what} {took:.1f} s" for what, took in fleet.took.items())
          + f"; {(use.kib - fleet.empty.kib) / number:.0f} KiB, {(use.threads - 1) / number:.1f} threads, "
          f"{use.fds / number:.1f} descriptors, {requests:.1f} requests, {1000 * use.cpu / number:.1f} ms of CPU a server; "
          f"restart: heard by all after {converged:.1f} s, {again:.1f} requests a server", flush=True)


def test_fifty(case):
    many(case, 50)


@long
def test_thousand(case):
    many(case, 1000)
