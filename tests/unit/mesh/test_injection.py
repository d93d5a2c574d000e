"""Which pods get a sidecar, and what the patch does to them."""

from __future__ import annotations

import base64
import copy
import json
from typing import Any

import jsonpatch
import pytest

from lab.mesh.assembly import assemble
from lab.mesh.injection import INJECT, PROXIED, RefusedError, inject
from lab.mesh.webhook import review
from lab.mesh.world import World
from tests.unit.mesh.objects import NAMESPACE, namespace, node, pod, shop

ENABLED = {INJECT: "enabled"}


def injected(world: World, new: dict[str, Any]) -> dict[str, Any]:
    """The pod as it comes out of the webhook."""
    patch = inject(new, NAMESPACE, world, assemble(world, {}).meshes)
    return jsonpatch.apply_patch(copy.deepcopy(new), patch)


def containers(found: dict[str, Any]) -> list[str]:
    return [each["name"] for each in found["spec"]["containers"]]


@pytest.mark.parametrize("annotations", [{}, {"other": "kept"}])
def test_sidecar(annotations: dict[str, str]) -> None:
    """A pod that a node selects, in a namespace with injection, gets an Envoy that knows its node."""
    new = pod("web-1", "web-v1", annotations=annotations)

    found = injected(shop(namespaces=(namespace(**ENABLED),)), new)

    assert ["web-v1", "envoy"] == containers(found)
    assert {**annotations, PROXIED: "true"} == found["metadata"]["annotations"]
    environment = {each["name"]: each.get("value") for each in found["spec"]["containers"][1]["env"]}
    assert "mesh/m/virtualNode/web-v1_shop" == environment["APPMESH_VIRTUAL_NODE_NAME"]
    assert {"path": "/ready", "port": 9901} == found["spec"]["containers"][1]["readinessProbe"]["httpGet"]


@pytest.mark.parametrize(
    ("label", "annotation", "expected"),
    [
        ({}, {}, ["web-v1"]),
        (ENABLED, {INJECT: "disabled"}, ["web-v1"]),
        ({INJECT: "disabled"}, {}, ["web-v1"]),
        ({INJECT: "disabled"}, ENABLED, ["web-v1", "envoy"]),
    ],
)
def test_who_decides(label: dict[str, str], annotation: dict[str, str], expected: list[str]) -> None:
    """The namespace's label decides, and the pod's annotation overrides it."""
    world = shop(namespaces=(namespace(**label),))

    assert expected == containers(injected(world, pod("web-1", "web-v1", annotations=annotation)))


def test_no_second_sidecar() -> None:
    """A pod that brings its own Envoy is left as it is."""
    new = pod("web-1", "web-v1")
    new["spec"]["containers"].append({"name": "envoy", "image": "own"})

    assert new == injected(shop(namespaces=(namespace(**ENABLED),)), new)


def test_pod_of_no_node() -> None:
    """Where injection is enabled, a pod that no node selects is refused with what to do, as the controller does."""
    with pytest.raises(RefusedError, match="apply a VirtualNode whose podSelector matches it"):
        injected(shop(namespaces=(namespace(**ENABLED),)), pod("other", "other"))


def test_pod_of_two_nodes() -> None:
    """A pod that two nodes select is refused, and both are named."""
    twin = node("twin")
    twin["spec"]["podSelector"] = {"matchLabels": {"app": "web-v1"}}
    world = shop(namespaces=(namespace(**ENABLED),), virtual_nodes=(node("web-v1"), twin))

    with pytest.raises(RefusedError, match="shop/twin, shop/web-v1"):
        injected(world, pod("web-1", "web-v1"))


def test_namespace_of_no_mesh() -> None:
    """Where injection is enabled but no mesh selects the namespace, the pod is refused with what to do."""
    with pytest.raises(RefusedError, match="label it as a Mesh's namespaceSelector asks"):
        injected(shop(namespaces=(namespace(mesh="other", **ENABLED),)), pod("web-1", "web-v1"))


async def test_review_with_a_patch() -> None:
    """An AdmissionReview is answered with the patch, for the same uid."""

    async def answer(_: object, __: str) -> list[dict[str, Any]]:
        return [{"op": "add", "path": "/a", "value": 1}]

    found = (await review({"uid": "7", "object": {}, "namespace": "shop"}, answer))["response"]

    assert ("7", True, "JSONPatch") == (found["uid"], found["allowed"], found["patchType"])
    assert [{"op": "add", "path": "/a", "value": 1}] == json.loads(base64.b64decode(found["patch"]))


async def test_review_that_refuses() -> None:
    """A pod that cannot be injected is refused with the reason."""

    async def refuse(_: object, __: str) -> list[dict[str, Any]]:
        raise RefusedError("no node")

    found = (await review({"uid": "7", "object": {}, "namespace": "shop"}, refuse))["response"]

    assert not found["allowed"]
    assert "no node" == found["status"]["message"]
