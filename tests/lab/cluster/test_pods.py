"""Pods as processes: environment, restarts, volumes, init containers, deletion."""

from __future__ import annotations

import asyncio
import json
import os
import time

from lab.cluster.objects import Obj, dig
from tests.lab.cluster.support import NAMESPACE, Cluster, container, pod, state_of

_SHELL = "/bin/sh"


def _shell(script: str, name: str = "app", **more: object) -> Obj:
    return container(name, command=[_SHELL, "-c", script], **more)


def _waits(reason: str):  # type: ignore[no-untyped-def]
    return lambda p: dig(state_of(p), "state", "waiting", "reason") == reason


def _started(found: Obj) -> bool:
    return bool(state_of(found).get("started"))


def _restarted(found: Obj) -> bool:
    return state_of(found).get("restartCount") == 1 and state_of(found)["ready"]


async def _succeeded(cluster: Cluster, name: str) -> Obj:
    return await cluster.pod(name, lambda p: dig(p, "status", "phase") == "Succeeded", "succeeded")


async def test_a_container_is_told_where_it_is(cluster: Cluster) -> None:
    """The environment is the image's, the container's own, then the lab's; a proxied pod has the sidecar as proxy."""
    env = [
        {"name": "WHO", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}},
        {"name": "GREETING", "value": "I am $(WHO), $$(not) $(UNKNOWN)"},
        {"name": "HOSTNAME", "value": "mine"},
    ]
    told = pod("told", _shell("exec env", env=env), restartPolicy="Never")
    told["metadata"]["annotations"] = {"canario/proxied": "true"}
    await cluster.client.create("pods", told)
    done = await _succeeded(cluster, "told")
    found = dict(line.split("=", 1) for line in (await cluster.log("told")).splitlines())
    ip = done["status"]["podIP"]

    app_ip = cluster.block.app_address(ip)
    assert {
        "COLOUR": "blue",
        "WHO": "told",
        "GREETING": "I am told, $(not) $(UNKNOWN)",
        "HOSTNAME": "told",
        "POD_IP": ip,
        "HOST": app_ip,
        "http_proxy": f"http://{app_ip}:15001",
    } == {k: found[k] for k in ("COLOUR", "WHO", "GREETING", "HOSTNAME", "POD_IP", "HOST", "http_proxy")}


async def test_the_kubeconfig_of_a_pod_speaks_as_its_service_account(cluster: Cluster) -> None:
    """KUBECONFIG names a kubeconfig with a token of the pod's service account and the pod's namespace."""
    reading = pod("reading", _shell('cat "$KUBECONFIG"'), restartPolicy="Never", serviceAccountName="teller")
    await cluster.client.create("pods", reading)
    await _succeeded(cluster, "reading")
    config = json.loads(await cluster.log("reading"))

    assert f"token-of-{NAMESPACE}-teller" == config["users"][0]["user"]["token"]
    assert config["contexts"][0]["context"]["namespace"] == NAMESPACE


async def test_a_crashing_container_backs_off(cluster: Cluster) -> None:
    """A container that keeps ending is started again at once, then waits as CrashLoopBackOff, with its exit code."""
    await cluster.client.create("pods", pod("crashing", _shell("echo run; exit 3")))
    found = await cluster.pod("crashing", _waits("CrashLoopBackOff"), "backing off")

    assert 1 == state_of(found)["restartCount"]
    assert 3 == dig(state_of(found), "lastState", "terminated", "exitCode")
    assert "Running" == found["status"]["phase"]
    assert await cluster.log("crashing", previous=True) == "run\n"


async def test_an_unknown_image_is_named(cluster: Cluster) -> None:
    """A container whose image the lab does not have waits for it, and the message lists the images there are."""
    await cluster.client.create("pods", pod("odd", container() | {"image": "registry.example/no/such:1"}))
    found = await cluster.pod("odd", _waits("ImagePullBackOff"), "backing off")

    message = dig(state_of(found), "state", "waiting", "message")
    assert "'no/such'; there are: test/web" in message
    assert "Pending" == found["status"]["phase"]


async def test_a_missing_key_is_waited_for(cluster: Cluster) -> None:
    """A variable from a ConfigMap that is not there keeps the container from starting, until the ConfigMap comes."""
    source = {"configMapKeyRef": {"name": "settings", "key": "colour"}}
    wanting = _shell("echo $SHADE; sleep 60", env=[{"name": "SHADE", "valueFrom": source}])
    await cluster.client.create("pods", pod("wanting", wanting))
    await cluster.pod("wanting", _waits("CreateContainerConfigError"), "waiting for its variable")
    settings = {"metadata": {"name": "settings", "namespace": NAMESPACE}, "data": {"colour": "green"}}
    await cluster.client.create("configmaps", settings)
    await cluster.pod("wanting", _started, "started")

    assert "green" == (await _line(cluster, "wanting"))


async def test_a_mounted_config_map_follows_its_source(cluster: Cluster) -> None:
    """A volume's files change with their ConfigMap, all at once, and the mount path in a command is the real one."""
    settings = {"metadata": {"name": "settings", "namespace": NAMESPACE}, "data": {"colour": "red"}}
    await cluster.client.create("configmaps", settings)
    script = "until grep -q blue /etc/settings/colour; do sleep 0.02; done; cat /etc/settings/colour"
    mounting = _shell(script, volumeMounts=[{"name": "settings", "mountPath": "/etc/settings"}])
    volumes = [{"name": "settings", "configMap": {"name": "settings"}}]
    await cluster.client.create("pods", pod("mounting", mounting, volumes=volumes, restartPolicy="Never"))
    await cluster.pod("mounting", _started, "started")
    await cluster.client.patch("configmaps", "settings", NAMESPACE, {"data": {"colour": "blue"}})
    await _succeeded(cluster, "mounting")

    assert "blue\n" == await cluster.log("mounting")


async def test_a_volume_that_the_lab_has_not_is_refused(cluster: Cluster) -> None:
    """A pod with a hostPath volume does not start, and its event says which volumes the lab has."""
    volumes = [{"name": "disk", "hostPath": {"path": "/"}}]
    await cluster.client.create("pods", pod("greedy", container(), volumes=volumes))

    async def told() -> list[Obj]:
        return await cluster.events("FailedMount")

    event = (await cluster.until("FailedMount", told, "events"))[0]

    assert event["message"] == 'volume "disk": hostPath is not in the lab; allowed: emptyDir, configMap, secret'


async def test_init_containers_run_in_order(cluster: Cluster) -> None:
    """Init containers run one after the other before the others; a failing one is tried again; emptyDirs are shared."""
    mounts = [{"name": "scratch", "mountPath": "/scratch"}]
    first = _shell("test -e /scratch/tried || { touch /scratch/tried; exit 1; }; echo 1 >> /scratch/log", "first")
    second = _shell("echo 2 >> /scratch/log", "second")
    main = _shell("cat /scratch/log")
    inits = [{**c, "volumeMounts": mounts} for c in (first, second)]
    spec = {
        "initContainers": inits,
        "volumes": [{"name": "scratch", "emptyDir": {}}],
        "restartPolicy": "OnFailure",
    }
    await cluster.client.create("pods", pod("ordered", {**main, "volumeMounts": mounts}, **spec))
    done = await _succeeded(cluster, "ordered")

    assert "1\n2\n" == await cluster.log("ordered")
    assert [c["restartCount"] for c in done["status"]["initContainerStatuses"]] == [1, 0]


async def test_a_native_sidecar_outlives_the_containers(cluster: Cluster) -> None:
    """An init container with restartPolicy Always starts first, and ends after the pod's work is done."""
    sidecar = container(
        "proxy", restartPolicy="Always", startupProbe={"tcpSocket": {"port": "http"}, "periodSeconds": 1}
    )
    main = _shell("python3 -c \"import socket,os; socket.create_connection((os.environ['POD_IP'], 3000))\"")
    await cluster.client.create("pods", pod("pair", main, initContainers=[sidecar], restartPolicy="Never"))
    await _succeeded(cluster, "pair")

    assert (await cluster.log("pair", "proxy", follow=True)).endswith("drained\n")


async def test_a_failed_liveness_probe_restarts(cluster: Cluster) -> None:
    """A container whose liveness command fails is ended and started again, and an event says why."""
    liveness = {
        "exec": {"command": ["test", "!", "-e", "/scratch/ill"]},
        "periodSeconds": 1,
        "failureThreshold": 1,
    }
    mounts = [{"name": "scratch", "mountPath": "/scratch"}]
    script = "test -e /scratch/ill && { rm /scratch/ill; exec sleep 60; }; touch /scratch/ill; exec sleep 60"
    ailing = _shell(script, livenessProbe=liveness, volumeMounts=mounts)
    await cluster.client.create("pods", pod("ailing", ailing, volumes=[{"name": "scratch", "emptyDir": {}}]))
    found = await cluster.pod("ailing", _restarted, "restarted")

    assert 143 == dig(state_of(found), "lastState", "terminated", "exitCode")
    killing = await cluster.events("Killing")
    assert [e["message"] for e in killing] == ["Container app failed liveness probe, will be restarted"]


async def test_deletion_gives_grace_then_kills(cluster: Cluster) -> None:
    """A process that ignores SIGTERM is killed with all that it started once its grace is over, not before."""
    script = "trap '' TERM; sleep 60 & echo $!; while :; do sleep 0.05; done"
    await cluster.client.create("pods", pod("stubborn", _shell(script), terminationGracePeriodSeconds=1))
    await cluster.pod("stubborn", _started, "started")
    child = int(await _line(cluster, "stubborn"))
    began = time.monotonic()
    await cluster.client.delete("pods", "stubborn", NAMESPACE)
    await cluster.gone("stubborn")

    assert time.monotonic() - began >= 1.0
    while _runs(child):  # it has been killed; the kernel may take a moment to be done with it
        await asyncio.sleep(0.01)


async def test_pre_stop_comes_before_sigterm(cluster: Cluster) -> None:
    """The preStop command ends before the container's process is told to end."""
    mounts = [{"name": "scratch", "mountPath": "/scratch"}]
    script = "trap 'cat /scratch/farewell; exit 0' TERM; while :; do sleep 0.02; done"
    hook = {"preStop": {"exec": {"command": [_SHELL, "-c", "sleep 0.1; echo bye > /scratch/farewell"]}}}
    polite = _shell(script, lifecycle=hook, volumeMounts=mounts)
    await cluster.client.create("pods", pod("polite", polite, volumes=[{"name": "scratch", "emptyDir": {}}]))
    await cluster.pod("polite", _started, "started")
    following = asyncio.create_task(cluster.log("polite", follow=True))
    await asyncio.sleep(0)
    await cluster.client.delete("pods", "polite", NAMESPACE)
    await cluster.gone("polite")

    assert (await following).endswith("bye\n")


async def test_a_pod_removed_by_force_leaves_no_process(cluster: Cluster) -> None:
    """A pod deleted without grace is gone from the API at once, and soon after from the machine."""
    await cluster.client.create("pods", pod("forced", _shell("exec sleep 60")))
    found = await cluster.pod("forced", _started, "started")
    record = cluster.record(found)
    await cluster.client.delete("pods", "forced", NAMESPACE, grace_seconds=0)
    while record.is_alive():
        await asyncio.sleep(0.01)

    assert [] == await cluster.pods("forced")


async def _line(cluster: Cluster, name: str) -> str:
    """The first line of a container's log, once there is one."""
    while not (lines := (await cluster.log(name)).splitlines()):
        await asyncio.sleep(0.01)
    return lines[0]


def _runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    with open(f"/proc/{pid}/stat") as stat:
        return stat.read().rpartition(")")[2].split()[0] != "Z"
