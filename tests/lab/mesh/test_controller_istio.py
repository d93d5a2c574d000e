"""The controller in the dialect `gateway`, against the lab's Kubernetes API with Gateway API's and Istio's schemas."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from canario.mesh.model import Hostname
from canario.workshop.dialects import GATEWAY_API
from canario.workshop.gateway import way_in
from canario.workshop.istio_mtls import policy
from canario.workshop.istio_tracing import telemetry
from canario.workshop.mesh import mesh
from canario.workshop.names import names
from lab.envoy.files import CDS, LDS, rds
from lab.mesh.istio.install import crds
from lab.mesh.istio.statuses import gateway_class
from lab.net import free_block
from tests.lab.mesh.kubernetes import Kubernetes, kubernetes
from tests.lab.mesh.support import eventually
from tests.lab.mesh.test_controller import pod, resources, run

NAMES = names("default")
NAMESPACE = NAMES.namespace
DEFINITIONS = "customresourcedefinitions.apiextensions.k8s.io"


def objects() -> list[dict[str, Any]]:
    """The workshop's, as its stages write them: mesh, way in, tracing, mTLS."""
    found_by = dict.fromkeys(("frontend", "nodejs", "crystal", "nodejsv2"), Hostname("unused"))
    inside, outside = mesh(NAMES, found_by, (3, 1)), way_in(NAMES)
    whole = replace(inside, gateways=outside.gateways, gateway_routes=outside.gateway_routes)
    return [*GATEWAY_API.render(whole, NAMES), telemetry(NAMES), policy(NAMES, "crystal", "STRICT")]


def weights(directory: Path) -> list[int]:
    """Of the route to nodejs."""
    [configuration] = resources(directory / rds("outbound"))
    [host] = [each for each in configuration["virtual_hosts"] if NAMES.host("nodejs") in each["domains"]]
    return [each["weight"] for each in host["routes"][0]["route"]["weighted_clusters"]["clusters"]]


async def accepted(api: Kubernetes, kind: str, name: str) -> None:
    """Return when the object is in force, by its status."""

    async def in_force() -> bool:
        return GATEWAY_API.inactive(await api.get(kind, name, NAMESPACE)) is None

    await eventually(in_force)


async def test_routes_are_taken_and_moved(tmp_path: Path) -> None:
    """Every object passes its schema and is accepted; a pod gets Istio's container; new weights reach its files."""
    settings = {"LAB_MESH_DIALECT": "gateway"}
    async with kubernetes(tmp_path, free_block(range(200, 255)), **settings) as api:
        for crd in crds():
            await api.client.create(DEFINITIONS, crd)
        labels = {**GATEWAY_API.labels(NAMES), "gateway": "ingress-gw"}
        await api.create(
            {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "istio-system"}},
            {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE, "labels": labels}},
            gateway_class(),
            *objects(),
        )
        for name in ("frontend-router", "nodejs-router", "crystal-router", "gateway-route-eks"):
            await accepted(api, "HTTPRoute", name)
        await accepted(api, "Gateway", "ingress-gw")
        directory = await run(api, pod("nodejs-1", "nodejs-app"), 2)

        async def written() -> bool:
            return (directory / LDS).exists()

        await eventually(written)
        before = weights(directory)
        route = await api.get("HTTPRoute", "nodejs-router", NAMESPACE)
        route["spec"]["rules"][0]["backendRefs"][1]["weight"] = 9
        await api.patch(route, {"spec": {"rules": route["spec"]["rules"]}})

        async def moved() -> bool:
            return weights(directory) == [3, 9]

        await eventually(moved, 2)
        found = await api.get("Pod", "nodejs-1", NAMESPACE)
        root = await api.client.get("configmaps", "istio-ca-root-cert", NAMESPACE)
        listeners, clusters = (directory / LDS).read_text(), (directory / CDS).read_text()

    assert [3, 1] == before
    assert ["nodejs-app", "istio-proxy"] == [each["name"] for each in found["spec"]["containers"]]
    assert f"nodejs-app.{NAMESPACE}" in listeners
    assert f"spiffe://cluster.local/ns/{NAMESPACE}/sa/default" in clusters
    assert "BEGIN CERTIFICATE" in root["data"]["root-cert.pem"]
