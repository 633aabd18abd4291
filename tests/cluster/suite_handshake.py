"""What a server without any right reports by the service quality of examples/kubernetes, on the real managers."""
import json
import os
import time

from cluster import ROOT, at, expect, good, kubectl, wait_until
from servers import IDLE, server_set

NEEDS = "cluster"


def service_quality():
    """`ops` as the example has it, but asking a file: each container of a shell can write one."""
    text = good(kubectl("kustomize", os.path.join(ROOT, "examples", "kubernetes", "overlays", "no-rbac")))
    words = ("create", "--dry-run=client", "--validate=false", "-o", "json", "-f", "-")
    example = json.loads(good(kubectl(*words, text=text)))
    quality = example["spec"]["serviceQualities"][0]
    return quality | {"exec": {"command": ["/bin/sh", "-c", "cat /tmp/token"]}}


def test_every_token(case):
    """Each token sets opsState and hook label of GameServer and pod, and leaves everything else as it was."""
    quality = service_quality()
    servers = server_set(script=f"mkdir -p /tmp; {IDLE}")
    servers["spec"]["serviceQualities"] = [quality]
    case.apply(servers)
    wait_until(lambda: at(case.get("gs", "ex-0"), "status", "currentState") == "Ready", 90, "Ready")
    others = {"updatePriority": 7, "deletionPriority": 9, "networkDisabled": True}

    def set_others():  # and again: see facts.stale_write
        labels = case.get("pod", "ex-0")["metadata"]["labels"]
        server = case.get("gs", "ex-0")
        if server["spec"] == {"opsState": "None"} | others and labels["game.kruise.io/gs-update-priority"] == "7":
            return True
        case.patch("gs", "ex-0", {"spec": others, "metadata": {"annotations": {"gs-sync/match-id": "m-42"}}})
        time.sleep(1)
        return False
    wait_until(set_others, 90, "priorities that stay")

    def say(token):
        case.kubectl("exec", "ex-0", "-c", "game", "--", "/bin/sh", "-c", f"echo {token} > /tmp/token")

    state = "None"
    for action in quality["serviceQualityAction"]:
        state = action.get("opsState", state)
        if state == "Kill":
            continue
        token, wanted_labels = action["result"], action["labels"].items()
        say(token)

        def done():
            server, labels = case.get("gs", "ex-0"), case.get("pod", "ex-0")["metadata"]["labels"]
            return (server["spec"]["opsState"] == labels["game.kruise.io/gs-opsState"] == state
                    and wanted_labels <= server["metadata"]["labels"].items() and wanted_labels <= labels.items()
                    and at(server, "status", "serviceQualitiesConditions", 0, "result") == token)
        wait_until(done, 90, f"what {token} stands for")
        server = case.get("gs", "ex-0")
        wanted = others | {"opsState": state}
        expect(server["spec"] == wanted, f"after {token} the spec is {server['spec']}")
        expect(at(server, "metadata", "annotations", "gs-sync/match-id") == "m-42", f"{token} took an annotation away")

    say("Kill")
    wait_until(lambda: at(case.get("gss", "ex"), "spec", "replicas") == 0, 90, "a server that says Kill is one too many")
    wait_until(lambda: not case.get("pod", "ex-0"), 90, "it goes")
