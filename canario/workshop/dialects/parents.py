"""What Gateway API's statuses say: whether an object is accepted, by whom, and as which generation. Pure.

Source: https://gateway-api.sigs.k8s.io/guides/implementers/#status-fields-and-conditions
"""

from collections.abc import Mapping, Sequence
from typing import Any

from canario.workshop.conditions import conditions
from canario.workshop.ports import Manifest

_ROUTES = ("HTTPRoute", "GRPCRoute", "TLSRoute")
_OF_ROUTE = ("Accepted", "ResolvedRefs")
_OF_GATEWAY = ("Accepted", "Programmed")


def refusal(manifest: Manifest) -> str | None:
    """Why the object is not in force; None when it is. Services and Istio's own objects have no such status."""
    kind, what = manifest["kind"], f"{manifest['kind']} {manifest['metadata']['name']}"
    generation = manifest["metadata"].get("generation", 1)
    if kind == "Gateway":
        said = _trouble(conditions(manifest), _OF_GATEWAY, generation)
        return f"{what} ({said})" if said else None
    if kind in _ROUTES:
        return _of_parents(manifest, what, generation)
    return None


def _of_parents(manifest: Manifest, what: str, generation: int) -> str | None:
    wanted = manifest["spec"].get("parentRefs") or ()
    found = manifest.get("status", {}).get("parents") or ()
    for parent in wanted:
        statuses = [each for each in found if _same(each["parentRef"], parent)]
        if not statuses:
            return f"{what} (no controller has said yet what it makes of its parent {parent['name']})"
        for status in statuses:
            said = _trouble(status.get("conditions") or (), _OF_ROUTE, generation)
            if said:
                return f"{what} ({said})"
    return None


def _same(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Whether both name the same parent; a namespace that is not said is the route's own."""
    keys = ("name", "kind", "port", "sectionName")
    return all(one.get(key) in (other.get(key), None) or other.get(key) is None for key in keys)


def _trouble(conditions: Sequence[Mapping[str, Any]], wanted: Sequence[str], generation: int) -> str | None:
    """What is missing of the wanted conditions, for this generation of the object."""
    by_type = {each["type"]: each for each in conditions}
    for kind in wanted:
        condition = by_type.get(kind)
        if condition is None or condition.get("observedGeneration", generation) < generation:
            return f"no condition {kind} for its newest version yet"
        if condition["status"] != "True":
            return str(condition.get("message") or condition.get("reason") or f"not {kind}")
    return None
