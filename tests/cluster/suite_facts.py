"""What okg relies on in OKG and Kruise, seen on the real ones: if another version does otherwise, this says so."""
import json
import threading
import time

from cluster import BUSYBOX, Skip, at, expect, wait_until
from servers import HOOK, LIFECYCLE, insist, lifecycle, reach, release, server_set, start

NEEDS = "cluster"
GS_STATE = "game.kruise.io/gs-state"
UPDATE = "apps.kruise.io/inplace-update-state"


def owner(thing, *fields):
    """Who owns a field: manager and subresource of its entry in managedFields."""
    for entry in thing["metadata"]["managedFields"]:
        if at(entry["fieldsV1"], *(f"f:{field}" for field in fields)) is not None:
            return entry["manager"], entry.get("subresource", "")
    return None


def states(watch):
    """The states that were seen one after another: of a pod Kruise's, of a GameServer OKG's."""
    pod = watch.seen[0][1]["kind"] == "Pod"
    return watch.values("metadata", "labels", LIFECYCLE) if pod else watch.values("status", "currentState")


def test_field_managers(case):
    """managedFields tells the manager's writes from those of others: its name is that of the status."""
    start(case, "ex-0")
    fresh = case.get("gs", "ex-0")
    controller = owner(fresh, "status", "currentState")[0]
    expect(controller in ("manager", "kruise-game"), f"OKG's manager writes as {controller}")
    expect(owner(fresh, "status", "currentState") == (controller, "status"), "the status is not written as a subresource")
    for fields in (("spec", "opsState"), ("spec", "updatePriority"), ("metadata", "labels", HOOK),
                   ("metadata", "ownerReferences")):
        expect(owner(fresh, *fields) == (controller, ""), f"{fields} of a new GameServer: {owner(fresh, *fields)}")
    operations = {entry["operation"] for entry in fresh["metadata"]["managedFields"]}
    expect(operations == {"Update"}, f"the manager's operations are {operations}")

    # Patches are in the name that the query says, or else the program's in User-Agent, up to its slash. Their answers
    # are looked at: a moment later the fields may be the manager's again, see below.
    def by_kubectl(patch):
        words = ("patch", "gs", "ex-0", "--type=merge", "-p", json.dumps(patch), "-o", "json", "--show-managed-fields")
        return json.loads(case.kubectl(*words))

    writers = {
        "kubectl-patch": by_kubectl,
        "okg": lambda patch: case.patch("gs", "ex-0", patch, User_Agent="okg/0.1"),
        "okg-2": lambda patch: case.patch("gs", "ex-0", patch, "?fieldManager=okg-2", User_Agent="curl/8")}
    for number, (name, write) in enumerate(writers.items()):
        done = write({"spec": {"opsState": f"s{number}"}, "metadata": {"labels": {"okg-sdk/test": str(number)}}})
        for fields in (("spec", "opsState"), ("metadata", "labels", "okg-sdk/test")):
            expect(owner(done, *fields) == (name, ""), f"{fields} belongs to {owner(done, *fields)}, not {name}")


def test_stale_write(case):
    """OKG 1.0.0 writes spec, labels and annotations of its cache back with each reconcile, whatever that was about: an
    annotation of the pod is enough to lose what somebody set just then. The fields then belong to the manager. (A label
    that is not in the cache yet stays: a merge patch without it.)"""
    start(case, "ex-0")
    controller = owner(case.get("gs", "ex-0"), "status", "currentState")[0]

    def touch(number):
        case.patch("pod", "ex-0", {"metadata": {"annotations": {"touched": str(number)}}})

    for number in range(400):
        toucher = threading.Thread(target=touch, args=(number,))
        toucher.start()
        time.sleep(number % 25 * 0.001)  # when it reads its cache, nobody knows
        value = f"s{number}"
        patch = {"spec": {"opsState": value}, "metadata": {"labels": {"okg-sdk/test": value}}}
        written = case.patch("gs", "ex-0", patch, User_Agent="okg/0.1")
        toucher.join()
        time.sleep(0.1)
        now = case.get("gs", "ex-0")
        if value not in (now["spec"]["opsState"], at(now, "metadata", "labels", "okg-sdk/test")):
            before, after = owner(written, "spec", "opsState"), owner(now, "spec", "opsState")
            expect(before == ("okg", "") and after == (controller, ""), f"opsState was {before}'s and is {after}'s")
            return
    raise Skip("nothing was lost in 400 tries: this OKG seems to do better")


def update_rearmed_early(case, **options):
    """An update of the sidecar whose hook label is back while the update still runs."""
    options["stops"] = "sleep 15; exit 0"
    start(case, "ex-0", **options)
    pods = case.watch("pod", "ex-0")
    case.apply(server_set(sidecar=1, **options))
    reach(pods, "PreparingUpdate")
    release(case, pods)
    insist(case, "ex-0", "true", lambda: lifecycle(pods) == "Normal", "the update ends")
    first = next(pod for _, pod in pods.seen if pod["metadata"]["labels"][LIFECYCLE] != "PreparingUpdate"
                 and pod["metadata"]["labels"][HOOK] == "true" and pod["metadata"]["annotations"].get(UPDATE))
    image = first["spec"]["containers"][1]["image"]
    expect(first["metadata"]["labels"][LIFECYCLE] == "Updating", "the label was back too late for this test")
    expect(image == BUSYBOX[0 if options.get("grace") else 1], f"the label was back when the image was {image}")
    expect(states(pods) == ["Normal", "PreparingUpdate", "Updating", "Normal"], f"the lifecycle went {states(pods)}")
    expect(at(pods.seen[-1][1], "spec", "containers", 1, "image") == BUSYBOX[1], "the image is the old one")


def test_rearmed_while_updating(case):
    """The hook label may be set again as soon as the lifecycle is Updating: it then goes to Normal by itself."""
    update_rearmed_early(case)


def test_rearmed_in_grace_time(case):
    """The same before Kruise has changed the image."""
    update_rearmed_early(case, grace=10)


def test_left_released_stays_updated(case):
    """Without the label the lifecycle is Updated, until it is back. That holds up a whole rollout."""
    start(case, "ex-0")
    pods = case.watch("pod", "ex-0")
    case.apply(server_set(sidecar=1))
    reach(pods, "PreparingUpdate")
    release(case, pods)
    reach(pods, "Updated")
    wait_until(lambda: at(case.get("gs", "ex-0"), "status", "currentState") == "Ready", 90, "Ready in Updated")
    expect(lifecycle(pods) == "Updated", f"by itself it went to {lifecycle(pods)}")
    insist(case, "ex-0", "true", lambda: lifecycle(pods) == "Normal", "Normal once the label is back")


def test_put_back_before_release(case):
    """An update that is taken back while the server holds it: Normal at once, nothing restarts, the label stays; and the
    next one is held again."""
    start(case, "ex-0")
    pods = case.watch("pod", "ex-0")
    case.apply(server_set(sidecar=1))
    reach(pods, "PreparingUpdate")
    wait_until(lambda: at(case.get("gs", "ex-0"), "status", "currentState") == "PreUpdate", 90, "PreUpdate")
    case.apply(server_set())
    reach(pods, "Normal")
    wait_until(lambda: at(case.get("gs", "ex-0"), "status", "currentState") == "Ready", 90, "Ready")
    last = pods.seen[-1][1]
    expect(at(last, "metadata", "labels", HOOK) == "true", "the label did not stay")
    expect([one["restartCount"] for one in last["status"]["containerStatuses"]] == [0, 0], "a container restarted")
    case.apply(server_set(sidecar=1))
    reach(pods, "PreparingUpdate")
    expect(states(pods) == ["Normal", "PreparingUpdate", "Normal", "PreparingUpdate"], f"the lifecycle: {states(pods)}")


def test_pre_delete(case):
    """Scaled down, a server with a preDelete hook is PreparingDelete and PreDelete; its GameServer's label lets it go."""
    start(case, "ex-0", "ex-1", replicas=2, hook="preDelete")
    pods, servers = case.watch("pod", "ex-1"), case.watch("gs", "ex-1")
    case.patch("gss", "ex", {"spec": {"replicas": 1}})
    reach(pods, "PreparingDelete")
    wait_until(lambda: at(case.get("gs", "ex-1"), "status", "currentState") == "PreDelete", 90, "PreDelete")
    label = at(case.get("pod", "ex-1"), "metadata", "labels", GS_STATE)
    expect(label == "PreDelete", f"the pod's label says {label}")
    wait_until(lambda: at(case.get("gss", "ex"), "status", "preDeleteReplicas") == 1, 90, "preDeleteReplicas 1")
    insist(case, "ex-1", "false", lambda: at(pods.seen[-1][1], "metadata", "deletionTimestamp"), "deleted when it is let")
    wait_until(lambda: not case.get("gs", "ex-1"), 90, "the GameServer goes")
    seen = states(servers)
    expect(seen[:3] == ["Ready", "PreDelete", "Deleting"], f"the GameServer was {seen}")


def test_pre_delete_is_final(case):
    """Scaled up again meanwhile, another server is made, and the one in PreDelete stays in it."""
    start(case, "ex-0", "ex-1", replicas=2, hook="preDelete")
    pods = case.watch("pod", "ex-1")
    case.patch("gss", "ex", {"spec": {"replicas": 1}})
    reach(pods, "PreparingDelete")
    wait_until(lambda: at(case.get("gss", "ex"), "status", "replicas") == 1, 90, "the set counts one server")
    case.patch("gss", "ex", {"spec": {"replicas": 2}})
    wait_until(lambda: at(case.get("gs", "ex-2"), "status", "currentState") == "Ready", 90, "another server, ex-2")
    expect(lifecycle(pods) == "PreparingDelete", f"ex-1 went to {lifecycle(pods)}")


RECORD = r"""trap 'exit 0' TERM; last=
while :; do
  now=$(cat /etc/podinfo/labels; echo; cat /etc/podinfo/annotations)
  [ "$now" = "$last" ] || { echo @; echo "$now"; last=$now; }
  sleep 0.05
done"""


def test_downward_files(case):
    """What a container reads in its downward volume through a held update with grace time, in this order."""
    start(case, "ex-0", grace=5, script=RECORD)
    pods = case.watch("pod", "ex-0")

    def files():  # each state of labels and annotations that there was; values as Go quotes them
        blocks = [block.split("\n") for block in case.kubectl("logs", "ex-0", "-c", "game").split("@\n")[1:]]
        pairs = [[line.split("=", 1) for line in block if line] for block in blocks]
        return [{key: json.loads(value) for key, value in block} for block in pairs]

    def shown(what, test):
        wait_until(lambda: any(test(one) for one in files()), 90, f"in the files: {what}")

    def about_update(one, key):
        return json.loads(one.get(f"apps.kruise.io/inplace-update-{key}", "{}"))

    steps = [
        ("normal", lambda one: one.get(LIFECYCLE) == "Normal" and one.get(GS_STATE) == "Ready"),
        ("held", lambda one: one.get(LIFECYCLE) == "PreparingUpdate" and one.get(GS_STATE) == "PreUpdate"),
        ("let", lambda one: one[HOOK] == "false"),
        ("grace time", lambda one: about_update(one, "grace").get("containerImages") == {"payload": BUSYBOX[1]}
         and one.get(LIFECYCLE) == "Updating" and about_update(one, "state").get("lastContainerStatuses", 0) is None),
        ("patched", lambda one: not about_update(one, "grace")
         and at(about_update(one, "state"), "containerBatchesRecord", 0, "containers") == ["payload"]),
        ("updated", lambda one: one.get(LIFECYCLE) == "Updated" and one.get(GS_STATE) in ("NotReady", "Ready")),
        ("re-armed", lambda one: one.get(LIFECYCLE) == "Normal" and one[HOOK] == "true" and about_update(one, "state"))]
    shown(*steps[0])
    case.apply(server_set(sidecar=1, grace=5, script=RECORD))
    shown(*steps[1])
    told = [one for one in files() if about_update(one, "grace") or about_update(one, "state")]
    expect(not told, "held already, it says which containers")
    release(case, pods)
    reach(pods, "Updated")
    shown(*steps[5])
    insist(case, "ex-0", "true", lambda: lifecycle(pods) == "Normal", "Normal once the label is back")
    shown(*steps[6])
    recorded = files()
    expect(HOOK in recorded[0], "a template label is not there from the start")
    for name, test in steps:
        while recorded and not test(recorded[0]):
            recorded.pop(0)
        expect(recorded, f"not seen in its turn: {name}")


def test_states_of_a_held_update(case):
    """Held by a hook, an update of an image shows PreUpdate and then Updating to who watches the GameServer."""
    start(case, "ex-0")
    pods, servers = case.watch("pod", "ex-0"), case.watch("gs", "ex-0")
    case.apply(server_set(sidecar=1))
    reach(pods, "PreparingUpdate")
    wait_until(lambda: states(servers)[-1] == "PreUpdate", 90, "PreUpdate on the GameServer")
    release(case, pods)
    insist(case, "ex-0", "true", lambda: lifecycle(pods) == "Normal", "the update ends")
    wait_until(lambda: states(servers)[-1] == "Ready", 90, "Ready on the GameServer")
    seen = [state for state in states(servers) if state != "NotReady"]  # for a moment, or never
    expect(seen == ["Ready", "PreUpdate", "Updating", "Ready"], f"the GameServer was {seen}")


def test_updating_may_be_skipped(case):
    """Without a hook nothing is promised: updates that restart nothing may pass without Updating on the GameServer."""
    start(case, "ex-0", hook=None)
    pods, servers = case.watch("pod", "ex-0"), case.watch("gs", "ex-0")
    for updates in range(1, 41):
        case.apply(server_set(hook=None, annotations={"note": str(updates)}))
        wait_until(lambda: states(pods).count("Normal") > updates, 90, "an annotation's update")
        if updates % 8 == 0:
            wait_until(lambda: states(servers)[-1] == "Ready", 90, "Ready on the GameServer")
            if states(servers).count("Updating") < updates:
                return
    raise Skip("each of 40 updates was seen: nothing is shown by that")


def test_pull_policy(case):
    """Kruise's default of imagePullPolicy is Always, whatever the tag: no restart without the registry."""
    servers = server_set(replicas=0)
    for container in servers["spec"]["gameServerTemplate"]["spec"]["containers"]:
        del container["imagePullPolicy"]
    case.apply(servers)
    made = wait_until(lambda: case.get("asts", "ex"), 90, "OKG's StatefulSet")
    policies = [one["imagePullPolicy"] for one in made["spec"]["template"]["spec"]["containers"]]
    expect(policies == ["Always", "Always"], f"the policies are {policies}")
