"""The controller with tracing on, against the lab's Kubernetes API."""

from __future__ import annotations

import json
from pathlib import Path

from lab.envoy.files import LDS
from lab.net import free_block
from tests.lab.mesh.kubernetes import kubernetes
from tests.lab.mesh.support import eventually
from tests.lab.mesh.test_controller import INJECTED, NAMESPACE, pod, run, workshop


async def test_traced_pods(tmp_path: Path) -> None:
    """A pod of a controller that traces gets the daemon, and its Envoy's listeners send segments to it."""
    flags = ("--enable-xray-tracing=true", "--xray-sampling-rate=0.5", "--enable-leader-election")
    async with kubernetes(tmp_path, free_block(range(200, 255)), *flags) as api:
        labelled = {"name": NAMESPACE, "labels": INJECTED}
        await api.create({"apiVersion": "v1", "kind": "Namespace", "metadata": labelled})
        objects = workshop()
        await api.create(*objects.values())
        for each in objects.values():
            await api.active(each)
        directory = await run(api, pod("nodejs-1", "nodejs-app"), 2)

        async def written() -> bool:
            return (directory / LDS).exists()

        await eventually(written)
        found = await api.get("Pod", "nodejs-1", NAMESPACE)
        listeners = json.loads((directory / LDS).read_text())["resources"]
        address = api.block.pod(2)

    assert ["nodejs-app", "envoy", "xray-daemon"] == [each["name"] for each in found["spec"]["containers"]]
    managers = [each["filter_chains"][0]["filters"][0]["typed_config"] for each in listeners]
    providers = [each["tracing"]["provider"]["typed_config"] for each in managers]
    assert {(f"app-mesh/nodejs-app_{NAMESPACE}", address)} == {
        (each["segment_name"], each["daemon_endpoint"]["address"]) for each in providers
    }
    assert 2 == len(providers)
