"""What the controller writes on mesh objects."""

from __future__ import annotations

import copy
from datetime import UTC, datetime, timedelta
from typing import Any

from canario.mesh.model import Ref
from lab.mesh.assembly import Assembly, Finding, Key, assemble
from lab.mesh.statuses import defaults, event, status
from tests.unit.mesh.objects import NAMESPACE, mesh, node, router, service, shop

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
ARN = "arn:aws:appmesh:us-west-1:000000000000:mesh/m"


def written(kind: str, obj: dict[str, Any], assembly: Assembly, now: datetime = NOW) -> dict[str, Any] | None:
    ref = Ref(obj["metadata"].get("namespace", ""), obj["metadata"]["name"])
    patch = status(kind, obj, assembly.findings[Key(kind, ref)], assembly.meshes, now)
    return patch and patch["status"]


def test_active() -> None:
    """Every kind has its own condition, and its ARN."""
    assembly = assemble(shop(), {})
    condition = {"status": "True", "lastTransitionTime": "2026-11-23T12:00:00Z"}

    assert {
        "observedGeneration": 1,
        "conditions": [{"type": "MeshActive", **condition}],
        "meshARN": ARN,
    } == written("Mesh", mesh(), assembly)
    assert {
        "observedGeneration": 1,
        "conditions": [{"type": "VirtualNodeActive", **condition}],
        "virtualNodeARN": f"{ARN}/virtualNode/web-v1_shop",
    } == written("VirtualNode", node("web-v1"), assembly)
    assert {
        "observedGeneration": 1,
        "conditions": [{"type": "VirtualServiceActive", **condition}],
        "virtualServiceARN": f"{ARN}/virtualService/web.example",
    } == written("VirtualService", service("web", "web-router"), assembly)
    assert {
        "observedGeneration": 1,
        "conditions": [{"type": "VirtualRouterActive", **condition}],
        "virtualRouterARN": f"{ARN}/virtualRouter/web-router_shop",
        "routeARNs": {"all": f"{ARN}/virtualRouter/web-router_shop/route/all"},
    } == written("VirtualRouter", router("web-router", "web-v1"), assembly)


def test_not_active() -> None:
    """An object that cannot be reconciled says why, in its condition."""
    found = written("VirtualRouter", router("web-router", "web-v1"), assemble(shop(virtual_nodes=()), {}))

    assert found
    assert ("False", "ReferenceNotFound") == (found["conditions"][0]["status"], found["conditions"][0]["reason"])
    assert "node shop/web-v1, which is not in mesh m" in found["conditions"][0]["message"]


def test_nothing_new() -> None:
    """A status that says all that already is left alone."""
    obj = node("web-v1")
    obj["status"] = written("VirtualNode", obj, assemble(shop(), {}))

    assert written("VirtualNode", obj, assemble(shop(), {}), NOW + timedelta(hours=1)) is None


def test_since_when() -> None:
    """The transition time moves when the status does, not when something else about it changes."""
    obj = node("web-v1")
    obj["status"] = written("VirtualNode", obj, assemble(shop(), {}))
    changed = copy.deepcopy(obj)
    changed["metadata"]["generation"] = 2

    same = written("VirtualNode", changed, assemble(shop(), {}), NOW + timedelta(hours=1))
    other = written("VirtualNode", changed, assemble(shop(meshes=()), {}), NOW + timedelta(hours=1))

    assert same
    assert other
    assert (2, "2026-11-23T12:00:00Z") == (same["observedGeneration"], same["conditions"][0]["lastTransitionTime"])
    assert "2026-11-23T13:00:00Z" == other["conditions"][0]["lastTransitionTime"]


def test_defaults() -> None:
    """Names and the mesh are filled in as the controller's webhooks do, and only where they are missing."""
    filled = node("web-v1", awsName="own", meshRef={"name": "m", "uid": "uid-m"})
    own_name = node("web-v1", awsName="own")
    nameless = service("web", "web-router")
    del nameless["spec"]["awsName"]
    reference = {"name": "m", "uid": "uid-m"}

    assert {"spec": {"awsName": "m"}} == defaults("Mesh", mesh(), None)
    assert {"spec": {"awsName": "web-v1_shop", "meshRef": reference}} == defaults("VirtualNode", node("web-v1"), mesh())
    assert {"spec": {"meshRef": reference}} == defaults("VirtualNode", own_name, mesh())
    assert {"spec": {"awsName": "web.shop", "meshRef": reference}} == defaults("VirtualService", nameless, mesh())
    assert defaults("VirtualNode", filled, mesh()) is None


def test_event() -> None:
    """What goes wrong with an object is a warning about that object."""
    found = event(node("web-v1"), Finding(False, "InvalidSpec", "it is wrong"), "appmesh-controller", NOW)

    assert ("Warning", "ReconcileError", "it is wrong") == (found["type"], found["reason"], found["message"])
    assert (NAMESPACE, "VirtualNode", "uid-web-v1") == (
        found["metadata"]["namespace"],
        found["involvedObject"]["kind"],
        found["involvedObject"]["uid"],
    )
