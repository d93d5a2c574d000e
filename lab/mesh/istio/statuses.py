"""What Istio writes on Gateway API's objects: statuses, as merge patches. Pure.

Source: https://gateway-api.sigs.k8s.io/geps/gep-1364/
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from canario.mesh.gateway_rules import parents_of
from lab.mesh.assembly import INVALID, REFERENCE_NOT_FOUND, UNSUPPORTED, Finding
from lab.mesh.world import Obj, World, ref_of

CONTROLLER = "istio.io/gateway-controller"
CLASS = "istio"

Patch = dict[str, Any]  # a JSON merge patch

_REASONS = {INVALID: "UnsupportedValue", UNSUPPORTED: "UnsupportedValue", REFERENCE_NOT_FOUND: "BackendNotFound"}


def status(obj: Obj, finding: Finding | None, world: World, now: datetime) -> Patch | None:
    """The patch of the object's status; None when it says all that already, or its kind has none."""
    match obj["kind"]:
        case "GatewayClass" if obj["spec"].get("controllerName") == CONTROLLER:
            wanted = {"conditions": _conditions(obj, ["Accepted"], None, obj.get("status") or {}, now)}
        case "Gateway" if obj["spec"].get("gatewayClassName") == CLASS and finding:
            wanted = _gateway(obj, finding, world, now)
        case "HTTPRoute" | "GRPCRoute" if finding:
            wanted = {"parents": _parents(obj, finding, now)}
        case _:
            return None
    present = obj.get("status") or {}
    return None if all(present.get(key) == value for key, value in wanted.items()) else {"status": wanted}


def _gateway(obj: Obj, finding: Finding, world: World, now: datetime) -> Patch:
    present = obj.get("status") or {}
    before = {each["name"]: each for each in present.get("listeners") or ()}
    attached = sum(("Gateway", ref_of(obj)) in parents_of(each) for each in world.istio if each["kind"] in _ROUTES)
    listeners = [
        {
            "name": each["name"],
            "attachedRoutes": attached,
            "supportedKinds": [{"group": "gateway.networking.k8s.io", "kind": kind} for kind in _ROUTES],
            "conditions": _conditions(
                obj, ["Accepted", "Programmed", "ResolvedRefs"], finding, before.get(each["name"], {}), now
            ),
        }
        for each in obj["spec"]["listeners"]
    ]
    return {"conditions": _conditions(obj, ["Accepted", "Programmed"], finding, present, now), "listeners": listeners}


def _parents(obj: Obj, finding: Finding, now: datetime) -> list[Patch]:
    present = (obj.get("status") or {}).get("parents") or ()
    found = []
    for parent in obj["spec"].get("parentRefs") or ():
        before = next((each for each in present if each["parentRef"] == parent), {})
        conditions = _conditions(obj, ["Accepted", "ResolvedRefs"], finding, before, now)
        found.append({"parentRef": parent, "controllerName": CONTROLLER, "conditions": conditions})
    return found


def _conditions(obj: Obj, types: Iterable[str], finding: Finding | None, before: Obj, now: datetime) -> list[Patch]:
    """A missing backend is a matter of ResolvedRefs, anything else of acceptance."""
    present = {each["type"]: each for each in before.get("conditions") or ()}
    found = []
    for kind in types:
        fails = finding is not None and not finding.active and _is_about(kind, finding)
        status = "False" if fails else "True"
        last = present.get(kind, {})
        same = last.get("status") == status
        found.append(
            {
                "type": kind,
                "status": status,
                "reason": _REASONS.get(finding.reason, "Invalid") if fails and finding else kind,
                "message": finding.message[:32768] if fails and finding else "",
                "observedGeneration": obj["metadata"].get("generation", 1),
                "lastTransitionTime": last["lastTransitionTime"] if same else _time(now),
            }
        )
    return found


def _is_about(condition: str, finding: Finding) -> bool:
    return (condition == "ResolvedRefs") == (finding.reason == REFERENCE_NOT_FOUND)


def gateway_class() -> Obj:
    return {
        "apiVersion": "gateway.networking.k8s.io/v1",
        "kind": "GatewayClass",
        "metadata": {"name": CLASS},
        "spec": {"controllerName": CONTROLLER},
    }


def _time(now: datetime) -> str:
    return now.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


_ROUTES = ("HTTPRoute", "GRPCRoute")
