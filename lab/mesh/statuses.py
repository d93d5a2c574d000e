"""What the controller writes on mesh objects: defaults as its webhooks give them, statuses, events. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from canario.mesh.appmesh_names import default_host, default_name
from canario.mesh.gateways import Gateway, GatewayRoute
from canario.mesh.model import Mesh, Node, Ref, Router, Service
from lab.mesh.assembly import Finding
from lab.mesh.world import Obj, name_of, ref_of

Patch = dict[str, Any]  # a JSON merge patch

_ARN = "arn:aws:appmesh:us-west-1:000000000000:mesh"
_ARN_FIELDS = {
    "Mesh": "meshARN",
    "VirtualNode": "virtualNodeARN",
    "VirtualRouter": "virtualRouterARN",
    "VirtualService": "virtualServiceARN",
    "VirtualGateway": "virtualGatewayARN",
    "GatewayRoute": "gatewayRouteARN",
}
_WITHOUT_NAME = ("BackendGroup",)  # and without a status


def defaults(kind: str, obj: Obj, mesh: Obj | None, gateway: Obj | None = None) -> Patch | None:
    """The patch that fills in `awsName`, `meshRef` and, for a GatewayRoute, its gateway; None when all are there.

    A route that another gateway selects now is told so.
    """
    spec = obj.get("spec") or {}
    missing: Patch = {}
    if gateway is not None:
        reference = {key: gateway["metadata"][key] for key in ("name", "namespace", "uid")}
        if spec.get("virtualGatewayRef") != reference:
            missing["virtualGatewayRef"] = reference
    if not spec.get("awsName") and kind not in _WITHOUT_NAME:
        missing["awsName"] = _default_aws_name(kind, obj)
    if mesh is not None and not spec.get("meshRef"):
        missing["meshRef"] = {"name": name_of(mesh), "uid": mesh["metadata"]["uid"]}
    return {"spec": missing} if missing else None


def status(kind: str, obj: Obj, finding: Finding, meshes: Mapping[str, Mesh], now: datetime) -> Patch | None:
    """The patch of the object's status; None when it says all that already, or its kind has none."""
    if kind in _WITHOUT_NAME:
        return None
    present = obj.get("status") or {}
    condition = {"type": f"{kind}Active", "status": "True" if finding.active else "False"}
    if not finding.active:
        condition |= {"reason": finding.reason, "message": finding.message}
    wanted: Patch = {
        "observedGeneration": obj["metadata"].get("generation", 1),
        "conditions": [_dated(condition, present.get("conditions") or [], now)],
        **_arns(kind, obj, finding, meshes),
    }
    same = all(present.get(key) == value for key, value in wanted.items())
    return None if same else {"status": wanted}


def event(obj: Obj, finding: Finding, controller: str, now: datetime) -> Obj:
    """The warning that goes with an object that could not be reconciled."""
    return warning(obj, "ReconcileError", finding.message, controller, now)


def warning(obj: Obj, reason: str, message: str, controller: str, now: datetime) -> Obj:
    """An event; `obj` has its kind and apiVersion."""
    metadata, when = obj["metadata"], _time(now)
    namespace = metadata.get("namespace", "default")
    involved = {
        "apiVersion": obj["apiVersion"],
        "kind": obj["kind"],
        "name": metadata["name"],
        "namespace": metadata.get("namespace", ""),
        "uid": metadata["uid"],
        "resourceVersion": metadata.get("resourceVersion", ""),
    }
    return {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {"generateName": f"{metadata['name']}.", "namespace": namespace},
        "involvedObject": involved,
        "reason": reason,
        "message": message,
        "type": "Warning",
        "source": {"component": controller},
        "firstTimestamp": when,
        "lastTimestamp": when,
        "count": 1,
    }


def _default_aws_name(kind: str, obj: Obj) -> str:
    if kind == "Mesh":
        return name_of(obj)
    return default_host(ref_of(obj)) if kind == "VirtualService" else default_name(ref_of(obj))


def _dated(condition: Patch, present: list[Patch], now: datetime) -> Patch:
    """The condition with the time since when it has its status."""
    for each in present:
        if each.get("type") == condition["type"] and each.get("status") == condition["status"]:
            return {**condition, "lastTransitionTime": each.get("lastTransitionTime") or _time(now)}
    return {**condition, "lastTransitionTime": _time(now)}


def _arns(kind: str, obj: Obj, finding: Finding, meshes: Mapping[str, Mesh]) -> Patch:
    if not finding.active or finding.mesh is None:
        return {}
    mesh = f"{_ARN}/{meshes[finding.mesh].known_as}"
    match finding.part:
        case Mesh():
            return {_ARN_FIELDS[kind]: mesh}
        case Node(known_as=name):
            return {_ARN_FIELDS[kind]: f"{mesh}/virtualNode/{name}"}
        case Service(host=name):
            return {_ARN_FIELDS[kind]: f"{mesh}/virtualService/{name}"}
        case Gateway(known_as=name):
            return {_ARN_FIELDS[kind]: f"{mesh}/virtualGateway/{name}"}
        case GatewayRoute(known_as=name):
            gateway = _gateway_name(obj, meshes[finding.mesh])
            return {_ARN_FIELDS[kind]: f"{mesh}/virtualGateway/{gateway}/gatewayRoute/{name}"} if gateway else {}
        case Router(known_as=name, routes=routes):
            arn = f"{mesh}/virtualRouter/{name}"
            return {
                _ARN_FIELDS[kind]: arn,
                "routeARNs": {route.name: f"{arn}/route/{route.name}" for route in routes},
            }
    return {}


def _gateway_name(obj: Obj, mesh: Mesh) -> str | None:
    reference = (obj.get("spec") or {}).get("virtualGatewayRef") or {}
    gateway = mesh.gateway(Ref(reference.get("namespace", ""), reference.get("name", "")))
    return gateway.known_as if gateway else None


def _time(now: datetime) -> str:
    return now.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
