"""The share in a VirtualRouter manifest: read and written in place, so that everything else in it stays."""

import copy
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from canario.errors import InvalidInput
from canario.mesh.appmesh_names import Manifest
from canario.mesh.weights import APP_MESH_LARGEST, share_of, weights

_RULES = ("httpRoute", "http2Route", "grpcRoute", "tcpRoute")


def read_share(manifest: Mapping[str, Any], baseline: str, canary: str) -> float:
    """The canary's share as written, 0 to 1; 0 when no route sends to it.

    `baseline` and `canary` are the names of VirtualNodes in the router's namespace. Raises InvalidInput when
    no route sends to either, a route sends to others too, or routes disagree.
    """
    shares = {share_of(_written(targets, baseline, canary)) for targets in _split(manifest, baseline, canary)}
    if len(shares) > 1:
        raise InvalidInput(_path(manifest), sorted(shares), "the same share of the canary in every route")
    return shares.pop()


def read_weights(manifest: Mapping[str, Any], baseline: str, canary: str) -> tuple[int, int]:
    """The (baseline, canary) weights as written in the first route of the split; 0 for one that is not in
    it.
    """
    return _written(next(iter(_split(manifest, baseline, canary))), baseline, canary)


def set_share(manifest: Mapping[str, Any], *, baseline: str, canary: str, share: float) -> Manifest:
    """A copy of the manifest whose routes send `share` to the canary and the rest to the baseline.

    A node that is not in a route yet is added to its end; nothing else changes. What `weights` can write is
    written, so read it back to know. Raises InvalidInput as `read_share`, but lets routes disagree.
    """
    changed = copy.deepcopy(dict(manifest))
    wanted = dict(zip((baseline, canary), weights(share, largest=APP_MESH_LARGEST), strict=True))
    for targets in _split(changed, baseline, canary):
        present = [target["virtualNodeRef"]["name"] for target in targets]
        targets.extend({"virtualNodeRef": {"name": name}, "weight": 0} for name in wanted if name not in present)
        for target in targets:
            target["weight"] = wanted[target["virtualNodeRef"]["name"]]
    return changed


def withdraw(manifest: Mapping[str, Any], *, baseline: str, canary: str) -> Manifest:
    """A copy of the manifest in which no route sends to the canary, whatever else it sends to.

    For a rollback: it refuses nothing. A route that only sent to the canary sends to the baseline.
    """
    changed = copy.deepcopy(dict(manifest))
    namespace = manifest["metadata"].get("namespace")
    for _, targets in _routes(changed):
        for target in targets:
            if _node(target, namespace) == canary:
                target["weight"] = 0
        if targets and not any(target["weight"] for target in targets):
            _give_all(targets, baseline, namespace)
    return changed


def _give_all(targets: list[Manifest], baseline: str, namespace: str | None) -> None:
    if baseline not in [_node(target, namespace) for target in targets]:
        targets.append({"virtualNodeRef": {"name": baseline}})
    for target in targets:
        if _node(target, namespace) == baseline:
            target["weight"] = APP_MESH_LARGEST


def _split(manifest: Mapping[str, Any], baseline: str, canary: str) -> Sequence[list[Manifest]]:
    """The targets of every route that sends to the baseline or the canary."""
    namespace = manifest["metadata"].get("namespace")
    found = []
    for name, targets in _routes(manifest):
        others = [_node(target, namespace) for target in targets]
        others = [node for node in others if node not in (baseline, canary)]
        if len(others) == len(targets):
            continue
        if others:
            raise InvalidInput(f"{_path(manifest)}[{name}]", others, f"only {baseline} and {canary} in one split")
        found.append(targets)
    if not found:
        raise InvalidInput(
            _path(manifest), [name for name, _ in _routes(manifest)], f"a route to {baseline} or {canary}"
        )
    return found


def _routes(manifest: Mapping[str, Any]) -> Iterator[tuple[str, list[Manifest]]]:
    for route in manifest.get("spec", {}).get("routes") or ():
        for rule in _RULES:
            if rule in route:
                yield route.get("name", "?"), route[rule]["action"]["weightedTargets"]


def _node(target: Mapping[str, Any], namespace: str | None) -> str:
    """The target's name within the router's namespace; with its namespace, or its ARN, when it is elsewhere."""
    reference = target.get("virtualNodeRef")
    if not reference:
        return str(target.get("virtualNodeARN"))
    elsewhere = reference.get("namespace") not in (None, "", namespace)
    return f"{reference['namespace']}/{reference['name']}" if elsewhere else str(reference["name"])


def _written(targets: Sequence[Mapping[str, Any]], baseline: str, canary: str) -> tuple[int, int]:
    by_name = {target["virtualNodeRef"]["name"]: int(target["weight"]) for target in targets}
    return by_name.get(baseline, 0), by_name.get(canary, 0)


def _path(manifest: Mapping[str, Any]) -> str:
    metadata = manifest["metadata"]
    return f"VirtualRouter {metadata.get('namespace', 'default')}/{metadata['name']}: spec.routes"
