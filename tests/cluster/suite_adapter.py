"""The conversation with the Kubernetes API, by servers that do nothing else, on a real API server: any will do."""
import itertools
import time

from cluster import at, expect, wait_until
from talkers import Ground, Talker

NEEDS = "api"
NAME = "game-2048-0"


def ground_and_server(case, **options):
    ground = Ground(case)
    return ground, Talker(ground).server(NAME, **options)


def in_force(ground, server):
    """Role and policy take a moment to come into force: the first write says when."""
    server.is_connected(120)
    server.lands("Maintaining", 120)
    server.lands("None", 120)


def test_states(case):
    """Sees what is there, sets, hears what another sets, and does not overwrite it."""
    ground, server = ground_and_server(case)
    in_force(ground, server)
    expect(at(server.status(), "controller", "ops_state") == "None", f"the status is {server.status()}")
    server.lands("Allocated")
    expect(not server.events("ops_state")[1:], f"it was told of its own: {server.events('ops_state')}")
    writers = {one["manager"] for one in ground.get(NAME)["metadata"]["managedFields"]}
    expect("okg" in writers, f"the fields are managed by {writers}")

    ground.set_state(NAME, "WaitToBeDeleted")
    heard = server.hears("WaitToBeDeleted")
    expect(heard["before"] == "Allocated", f"it was told {heard}")
    expect(ground.state(NAME) == "WaitToBeDeleted", "it was overwritten")
    # The game has heard: it decides anew, and may.
    server.lands("Allocated")
    # A value of one's own, and Kill.
    server.lands("draining.2")
    ground.set_state(NAME, "Kill")
    wait_until(lambda: server.events("kill"), 60, "on_kill")
    expect(ground.state(NAME) == "Kill", "Kill was overwritten")


def test_expect(case):
    """Compare and set, and a decision that was based on what is no more."""
    ground, server = ground_and_server(case)
    in_force(ground, server)
    wrong = server.set("Allocated", expect="Maintaining")()
    expect(wrong["code"] == 53, f"over another value than expected: {wrong}")  # OKG_CONFLICT
    expect(ground.state(NAME) == "None", f"it was written all the same: {ground.state(NAME)}")
    right = server.set("Allocated", expect="None")()
    expect(right["code"] == 0 and ground.state(NAME) == "Allocated", f"over the expected value: {right}")
    # Ten times somebody else and the game set something at the same moment: one of both stays, and whoever lost knows.
    for turn in range(10):
        theirs, ours = f"theirs-{turn}", f"ours-{turn}"
        written = server.set(ours)
        ground.set_state(NAME, theirs)
        end = written()
        if end["code"] == 53:
            server.hears(theirs)
            expect(ground.state(NAME) == theirs, f"{ours} was a conflict, and {ground.state(NAME)} is there")
        else:
            expect(end["code"] == 0, f"{ours}: {end}")
            found = ground.state(NAME)
            expect(found in (ours, theirs), f"{found} is there")
            if found == theirs:  # they came later
                server.hears(theirs)


def test_own_only(case):
    """The policy of the example: the server's token patches its own GameServer, and no other."""
    ground = Ground(case)
    talker = Talker(ground)
    server = talker.server(NAME)
    in_force(ground, server)
    # A server that takes another's name has that one's GameServer, but its own token.
    uid = ground.pod("game-2048-1")
    thief = talker.server("game-2048-1", uid=uid, token=ground.token(NAME, server.uid))
    thief.is_connected()
    # Until the policy is in force, the Role alone lets it.
    tries = itertools.count()

    def refused():
        before = ground.state("game-2048-1")
        written = thief.set(f"try-{next(tries)}", timeout_ms=5000)()
        return written["code"] and (before, written) or time.sleep(1)
    before, written = wait_until(refused, 120, "the policy is in force")
    expect(written["code"] == 1, f"it was not refused: {written}")  # OKG_INVALID_ARGUMENT
    expect("of its own pod only" in written["text"], f"it does not say why: {written['text']}")
    expect(ground.state("game-2048-1") == before, "a server patched another's GameServer")


def test_token(case):
    """A token that is not accepted any more, and the next one: nothing is lost, and nobody hammers meanwhile."""
    ground, server = ground_and_server(case, made=False)
    ground.game_server(NAME)  # that does not go with the pod
    in_force(ground, server)
    ground.delete_pod(NAME)
    uid = ground.pod(NAME)
    # What is set from here on meets 401 sooner or later: the API server remembers a good token for some seconds.
    turn = 0

    def refused():
        nonlocal turn
        turn += 1
        written = server.set(f"try-{turn}", timeout_ms=1000)()
        return written["code"] == 12 and written
    wait_until(refused, 60, "the old token is refused")
    waits, before = server.set("Allocated"), server.counted()[0]
    time.sleep(8)
    expect(server.counted()[0] - before <= 20, f"{server.counted()[0] - before} requests in 8 s with a token that is refused")
    server.put(token=ground.token(NAME, uid))
    expect(waits(90)["code"] == 0 and ground.state(NAME) == "Allocated", "the value did not arrive with the new token")
    ground.set_state(NAME, "Maintaining")
    server.hears("Maintaining")
    # The usual rotation: both are good for a while.
    server.put(token=ground.token(NAME, uid))
    server.lands("None")


def withdraw(ground, server):
    """Deletes the RoleBinding; returns once the server believes it."""
    ground.kubectl("delete", "rolebinding", ground.binding["metadata"]["name"])
    time.sleep(2)  # until that is in force
    server.set("Allocated", timeout_ms=3000)()
    wait_until(lambda: server.said('resource "gameservers"'), 30, "it says which right is missing")
    wait_until(lambda: server.last("connection", "state") != "connected", 30, "it says that it is not connected")
    # It had the right a moment ago, and an API server that was just started refuses everybody: half a minute of doubt.
    wait_until(lambda: server.said("without rights to the Kubernetes API"), 120, "it believes that the rights are gone")


def test_rights_withdrawn(case):
    """Without the RoleBinding: what is missing is said, verb and resource, nobody hammers, and what is set waits."""
    ground, server = ground_and_server(case)
    in_force(ground, server)
    withdraw(ground, server)
    time.sleep(2)  # the metrics are a second old
    before = server.counted()[0]
    time.sleep(10)
    expect(server.counted()[0] - before <= 3, f"{server.counted()[0] - before} requests in 10 s without rights")
    expect(ground.state(NAME) == "None", "it was written without rights")


def test_made_anew(case):
    """Another GameServer of the same name (OKG makes it anew when it was deleted): it is seen, heard and written."""
    ground, server = ground_and_server(case)
    in_force(ground, server)
    server.lands("Allocated")
    first = ground.get(NAME)["metadata"]["uid"]
    expect(ground.ask("DELETE", ground.path("gameservers", NAME))[0] == 200, "the GameServer cannot be deleted")
    # The game sets something while there is none.
    waits = server.set("Maintaining")
    ground.game_server(NAME, server.uid)
    wait_until(lambda: ground.get(NAME)["metadata"]["uid"] != first, 20, "it is another")
    end = waits(60)
    # It was written over None, which nobody has decided; or the game was told first.
    expect(end["code"] in (0, 53), f"what was set in between: {end}")
    if end["code"] == 53:
        server.hears("None")
    server.lands("Allocated")
    ground.set_state(NAME, "WaitToBeDeleted")
    server.hears("WaitToBeDeleted")
