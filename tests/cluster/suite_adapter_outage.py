"""The conversation with the Kubernetes API when that fails: each case has an API server for itself, which it kills."""
import json
import threading
import time

from api import Api, Relay
from cluster import expect, long, wait_until
from suite_adapter import NAME, in_force, withdraw
from talkers import Ground, Talker

NEEDS = "api"
OUTAGE = 20  # seconds


def ground_and_server(case, *flags, relay=False):
    api = Api(case, *flags)
    ground = Ground(case, api)
    way = Relay(case, api.port) if relay else None
    server = Talker(ground, way and way.port).server(NAME)
    in_force(ground, server)
    return api, ground, server, way


def test_killed(case):
    """SIGKILL for the API server while something is written, and it is back after a while: what was set last arrives, the
    watch goes on, and meanwhile nobody hammers."""
    api, ground, server, _ = ground_and_server(case)
    threading.Timer(0.5, api.kill).start()
    ends, number = [], 0
    while server.last("connection", "state") == "connected":  # writes all the time until it is noticed
        number += 1
        ends.append(server.set(f"v-{number}"))
        time.sleep(0.02)
    expect(number > 5, "it was killed before anything was written")
    last = server.set("Allocated")
    time.sleep(2)  # the metrics are a second old
    before, begin = server.counted()[0], time.monotonic()
    time.sleep(OUTAGE - 2)
    requests, seconds = server.counted()[0] - before, time.monotonic() - begin
    # Half a second to half a minute, doubled, of which on average half: 8 on average.
    expect(1 <= requests <= 30, f"{requests} requests in {seconds:.0f} s of outage")
    api.back()
    expect(last(120)["code"] == 0 and ground.state(NAME) == "Allocated", f"what was set last: {server.events('written')[-1]}")
    # Each write has an end, once: it landed, or a later one took its place (30).
    codes = [end()["code"] for end in ends]
    expect(set(codes) <= {0, 30}, f"the writes ended with {sorted(set(codes))}")
    expect(len(server.events("written")) == number + 3, f"{number + 3} writes, {len(server.events('written'))} ends")
    # A value from while it was not heard is told as any other.
    server.is_connected()
    ground.set_state(NAME, "Maintaining")
    server.hears("Maintaining")
    server.lands("None")

    # Nothing happens to the GameServer meanwhile: its version is older than what the API server remembers.
    api.kill()
    since = time.time()
    api.back()
    wait_until(lambda: any(one.verb == "watch" for one in api.asked(NAME, since=since)), 60, "it watches again")
    time.sleep(8)
    asked = [one.verb for one in api.asked(NAME, since=since)]
    expect(asked.count("watch") <= 2 and len(asked) <= 6, f"after the API server's restart it asked for {asked}")
    ground.set_state(NAME, "Allocated")
    server.hears("Allocated")


def test_compacted(case):
    """Cut off while etcd forgets what was: the version to go on from is too old (410), and everything is read anew."""
    api, ground, server, way = ground_and_server(case, "--watch-cache=false", relay=True)
    time.sleep(6)  # a watch that ends sooner counts as refused, and is not gone on with
    way.hold()
    for number in range(20):
        ground.set_state(NAME, f"missed-{number}")
    api.compact()
    way.go_on()
    server.hears("missed-19", 90)
    told = [event["state"] for event in server.events("ops_state")]
    expect(told[-1] == "missed-19" and "missed-0" not in told, f"it was told {told}")
    expect(server.said("too old") or any(one.code == 410 for one in api.asked(NAME)),
           f"nobody was told that a version is too old: {[event['text'] for event in server.events('log')]}")
    ground.set_state(NAME, "Maintaining")
    server.hears("Maintaining")
    server.lands("Allocated")


def test_other_authority(case):
    """The API server is back with a certificate of another authority: it is not spoken to until that is trusted."""
    api, ground, server, _ = ground_and_server(case)
    api.kill()
    waits = server.set("Allocated")
    authority = api.another_certificate()
    api.back()
    wait_until(lambda: server.said("its certificate is not accepted"), 60, "the certificate is not accepted")
    begin = time.time()
    time.sleep(5)
    expect(not api.asked(NAME, since=begin), "it spoke to an API server that it cannot trust")
    server.put(ca=authority)
    expect(waits(90)["code"] == 0 and ground.state(NAME) == "Allocated", "the value did not arrive")
    ground.set_state(NAME, "Maintaining")
    server.hears("Maintaining")


@long
def test_ten_minutes(case):
    """An outage of ten minutes in real time, in which the token runs out, too: few requests, and everything arrives."""
    api = Api(case)
    ground = Ground(case, api)
    way = Relay(case, api.port)
    talker = Talker(ground, way.port)
    uid = ground.pod(NAME)
    server = talker.server(NAME, uid=uid, token=ground.token(NAME, uid, seconds=600))
    in_force(ground, server)
    api.kill()
    waits = [server.set("Allocated", timeout_ms=1_200_000)]
    time.sleep(5)
    before, connections = server.counted()[0], way.accepted
    time.sleep(300)
    # The game goes on meanwhile: the later value takes the place of the other.
    waits.append(server.set("Maintaining", timeout_ms=1_200_000))
    time.sleep(300)
    requests, tried = server.counted()[0] - before, way.accepted - connections
    # A pause of half a second to half a minute: 39 in ten minutes on average, and a request is a connection.
    expect(15 <= requests <= 80, f"{requests} requests in ten minutes of outage")
    expect(tried <= requests + 3, f"{requests} requests, but {tried} connections")
    time.sleep(75)  # a token that ran out is accepted for one more minute
    api.back()
    time.sleep(30)
    expect(ground.state(NAME) == "None", "a token that has run out was accepted")
    server.put(token=ground.token(NAME, uid))
    codes = [end(120)["code"] for end in waits]
    expect(codes == [30, 0] and ground.state(NAME) == "Maintaining", f"the writes ended with {codes}, {ground.state(NAME)}")
    ground.set_state(NAME, "WaitToBeDeleted")
    server.hears("WaitToBeDeleted")
    print(f"adapter_outage.ten_minutes: {requests} requests, {tried} connections in 600 s of outage", flush=True)


@long
def test_rights_given_back(case):
    """Without rights: reads every 75 s, a try to patch every ten minutes, and both come back when they are given."""
    api = Api(case)
    ground = Ground(case, api)
    server = Talker(ground).server(NAME)
    in_force(ground, server)
    withdraw(ground, server)
    begin = time.time()
    time.sleep(500)  # the watch ends in between, and is not granted any more
    asked = api.asked(NAME, since=begin)
    # The watch, once it has ended, for half a minute; then reads, refused as well, every 75 s and a bit.
    expect(len(asked) <= 14, f"in 500 s without rights: {asked}")
    ground.kubectl("apply", "-f", "-", text=json.dumps(ground.binding))
    begin = time.time()
    wait_until(lambda: ground.state(NAME) == "Allocated", 700, "what was set arrives with the rights back")
    print(f"adapter_outage.rights_given_back: {len(asked)} requests in 500 s without rights, "
          f"written {time.time() - begin:.0f} s after they were back", flush=True)
