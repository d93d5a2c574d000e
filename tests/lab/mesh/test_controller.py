"""The controller against the lab's Kubernetes API: injection, statuses, files."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from lab.cluster.errors import ApiError
from lab.envoy import refusals
from lab.envoy.files import CDS, LDS, rds
from lab.mesh.refusals import REASON
from lab.net import free_block
from tests.lab.mesh.kubernetes import Kubernetes, kubernetes
from tests.lab.mesh.support import eventually

NAMESPACE = "appmesh-workshop-ns"
WORKSHOP = Path(__file__).parents[2] / "unit" / "mesh" / "workshop.yaml"
INJECTED = {"mesh": "app-mesh", "appmesh.k8s.aws/sidecarInjectorWebhook": "enabled"}

Obj = dict[str, Any]


@pytest.fixture
async def api(tmp_path: Path) -> AsyncIterator[Kubernetes]:
    async with kubernetes(tmp_path, free_block(range(200, 255))) as api:
        await api.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE, "labels": INJECTED}})
        yield api


def workshop() -> dict[str, Obj]:
    """The document's mesh objects, by kind and name, in an order in which each names only earlier ones."""
    found = list(yaml.safe_load_all(WORKSHOP.read_text()))
    return {f"{each['kind']}/{each['metadata']['name']}": each for each in found}


def pod(name: str, app: str) -> Obj:
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": NAMESPACE, "labels": {"app": app}},
        "spec": {"containers": [{"name": app, "image": app}]},
    }


async def run(api: Kubernetes, new: Obj, number: int) -> Path:
    """Create a pod and say, as the kubelet would, that it runs; returns the directory of its files."""
    await api.create(new)
    ready = {"podIP": api.block.pod(number), "conditions": [{"type": "Ready", "status": "True"}]}
    await api.patch(new, {"status": ready}, subresource="status")
    return api.directory / NAMESPACE / new["metadata"]["name"]


def resources(path: Path) -> list[Obj]:
    return list(json.loads(path.read_text())["resources"])


async def test_the_workshops_objects(api: Kubernetes) -> None:
    """The workshop's objects become active, pods of its nodes get sidecars, and a sidecar gets its files."""
    objects = workshop()
    await api.create(*objects.values())
    for each in objects.values():
        await api.active(each)
    directory = await run(api, pod("nodejs-1", "nodejs-app"), 2)
    await run(api, pod("nodejsv2-1", "nodejsv2-app"), 3)
    found = await api.get("Pod", "nodejs-1", NAMESPACE)

    async def written() -> bool:
        return (directory / LDS).exists() and api.block.pod(3) in (directory / CDS).read_text()

    await eventually(written)

    assert ["nodejs-app", "envoy"] == [each["name"] for each in found["spec"]["containers"]]
    assert [2, 1] == weights(directory)
    node = await api.get("VirtualNode", "nodejs-app", NAMESPACE)
    assert (f"nodejs-app_{NAMESPACE}", "app-mesh") == (node["spec"]["awsName"], node["spec"]["meshRef"]["name"])
    assert node["status"]["virtualNodeARN"].endswith(f"mesh/app-mesh/virtualNode/nodejs-app_{NAMESPACE}")


async def test_weights_move_and_pods_go(api: Kubernetes) -> None:
    """New weights are in the route file within a second, and a pod's files go with the pod."""
    objects = workshop()
    await api.create(*objects.values())
    await api.active(objects["VirtualRouter/nodejs-router"])
    directory = await run(api, pod("nodejs-1", "nodejs-app"), 2)

    async def written() -> bool:
        return (directory / LDS).exists()

    await eventually(written)
    router = objects["VirtualRouter/nodejs-router"]
    routes = router["spec"]["routes"]
    for target, weight in zip(routes[0]["httpRoute"]["action"]["weightedTargets"], (90, 10), strict=True):
        target["weight"] = weight
    await api.patch(router, {"spec": {"routes": routes}})

    async def moved() -> bool:
        return weights(directory) == [90, 10]

    await eventually(moved, 1)
    await api.client.delete("pods", "nodejs-1", NAMESPACE, grace_seconds=0)

    async def gone() -> bool:
        return not directory.exists()

    await eventually(gone)


async def test_what_an_envoy_refuses_is_an_event(api: Kubernetes) -> None:
    """What a pod's launcher says that its Envoy refused is an event of the pod, with the reason."""
    stray = pod("stray-1", "stray")
    stray["metadata"]["annotations"] = {"appmesh.k8s.aws/sidecarInjectorWebhook": "disabled"}
    directory = await run(api, stray, 2)
    refusals.write(directory, [{"what": "listeners", "version": "1", "reason": "because"}])

    async def told() -> bool:
        events, _ = await api.client.list("events", NAMESPACE)
        return any(each["reason"] == REASON and each["involvedObject"]["name"] == "stray-1" for each in events)

    await eventually(told)
    events, _ = await api.client.list("events", NAMESPACE)

    assert ["Envoy keeps what it had, and refuses listeners (1): because"] == [
        each["message"] for each in events if each["reason"] == REASON
    ]


async def test_bad_references(api: Kubernetes) -> None:
    """A router whose node is missing says so in its condition and in an event, and recovers when it comes."""
    objects = workshop()
    node = objects.pop("VirtualNode/nodejsv2-app")
    await api.create(*objects.values())
    router = objects["VirtualRouter/nodejs-router"]
    await api.active(objects["VirtualNode/nodejs-app"])

    condition = await api.condition(router)
    events, _ = await api.client.list("events", NAMESPACE)
    await api.create(node)
    await api.active(router)

    assert ("False", "ReferenceNotFound") == (condition["status"], condition["reason"])
    assert f"node {NAMESPACE}/nodejsv2-app, which is not in mesh app-mesh" in condition["message"]
    assert ("ReconcileError", "Warning") in [(each["reason"], each["type"]) for each in events]


async def test_pod_of_no_node(api: Kubernetes) -> None:
    """A pod that no node selects is refused where injection is enabled, and let in when it says disabled."""
    await api.create(*workshop().values())
    await api.active(workshop()["VirtualNode/nodejs-app"])
    stranger = pod("stranger", "stranger")

    with pytest.raises(ApiError, match="apply a VirtualNode whose podSelector matches it"):
        await api.create(stranger)
    stranger["metadata"]["annotations"] = {"appmesh.k8s.aws/sidecarInjectorWebhook": "disabled"}
    await api.create(stranger)


async def test_a_gateway(api: Kubernetes) -> None:
    """The document's gateway and route become active, in the order of its commands, and its pod gets its files."""
    await api.create(*workshop().values())
    await api.active(workshop()["VirtualService/nodejs"])
    gateway, route = gateway_objects()
    new = pod("ingress-1", "ingress-gw")
    new["spec"]["containers"] = [{"name": "envoy", "image": "aws-appmesh-envoy:v1"}]
    with pytest.raises(ApiError, match="no VirtualGateway selects it"):
        await api.create(new)
    await api.create(gateway, route)
    await api.active(gateway)
    unselected = await api.condition(route)
    namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}}
    await api.patch(namespace, {"metadata": {"labels": {"gateway": "ingress-gw"}}})
    await api.active(route)
    directory = await run(api, new, 2)

    async def written() -> bool:
        return (directory / LDS).exists()

    await eventually(written)
    listeners = {each["name"] for each in resources(directory / LDS)}
    found = await api.get("GatewayRoute", "gateway-route-eks", NAMESPACE)

    assert "label namespace appmesh-workshop-ns as a VirtualGateway's namespaceSelector asks" in unselected["message"]
    assert {"outbound", "ingress_8088"} == listeners
    assert [2, 1] == weights(directory)
    assert "ingress-gw" == found["spec"]["virtualGatewayRef"]["name"]


def gateway_objects() -> tuple[Obj, Obj]:
    """The document's VirtualGateway and GatewayRoute."""
    shared = {"apiVersion": "appmesh.k8s.aws/v1beta2"}
    spec = {
        "namespaceSelector": {"matchLabels": {"gateway": "ingress-gw"}},
        "podSelector": {"matchLabels": {"app": "ingress-gw"}},
        "listeners": [{"portMapping": {"port": 8088, "protocol": "http"}}],
    }
    target = {"virtualService": {"virtualServiceRef": {"name": "nodejs"}}}
    rule = {"match": {"prefix": "/eks/"}, "action": {"target": target}}
    return (
        {**shared, "kind": "VirtualGateway", "metadata": _named("ingress-gw"), "spec": spec},
        {**shared, "kind": "GatewayRoute", "metadata": _named("gateway-route-eks"), "spec": {"httpRoute": rule}},
    )


def _named(name: str) -> Obj:
    return {"name": name, "namespace": NAMESPACE}


def weights(directory: Path) -> list[int]:
    """The first service's weights, as they are in the route file."""
    host = resources(directory / rds("outbound"))[0]["virtual_hosts"][0]
    return [each["weight"] for each in host["routes"][0]["route"]["weighted_clusters"]["clusters"]]
