"""The share in an HTTPRoute (or GRPCRoute, TCPRoute): read and written in place, so that everything else in it stays.

`backendRefs` is an atomic list, so a share is written whole or not at all.
"""

import copy
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from canario.errors import InvalidInput
from canario.mesh.gateway_names import Manifest
from canario.mesh.weights import GATEWAY_LARGEST, share_of, weights

Backends = list[Manifest]


def read_share(route: Mapping[str, Any], baseline: str, canary: str) -> float:
    """The canary's share as written, 0 to 1; 0 when no rule sends to it.

    `baseline` and `canary` are the names of the nodes' Services in the route's namespace. Raises InvalidInput when no
    rule sends to either, a rule sends to others too, or rules disagree.
    """
    shares = {share_of(_written(backends, baseline, canary)) for backends in _split(route, baseline, canary)}
    if len(shares) > 1:
        raise InvalidInput(_path(route), sorted(shares), "the same share of the canary in every rule")
    return shares.pop()


def read_weights(route: Mapping[str, Any], baseline: str, canary: str) -> tuple[int, int]:
    """The (baseline, canary) weights as written in the first rule of the split; 0 for one that is not in it."""
    return _written(next(iter(_split(route, baseline, canary))), baseline, canary)


def set_share(route: Mapping[str, Any], *, baseline: str, canary: str, share: float) -> Manifest:
    """A copy of the route whose rules send `share` to the canary and the rest to the baseline.

    A node that is not in a rule yet is added to its end, at the other's port; nothing else changes. What `weights` can
    write is written, so read it back to know. Raises InvalidInput as `read_share`, but lets rules disagree.
    """
    changed = copy.deepcopy(dict(route))
    wanted = dict(zip((baseline, canary), weights(share, largest=GATEWAY_LARGEST), strict=True))
    for backends in _split(changed, baseline, canary):
        present = [backend["name"] for backend in backends]
        backends.extend(_beside(backends[0], name) for name in wanted if name not in present)
        for backend in backends:
            backend["weight"] = wanted[backend["name"]]
    return changed


def withdraw(route: Mapping[str, Any], *, baseline: str, canary: str) -> Manifest:
    """A copy of the route in which no rule sends to the canary, whatever else it sends to.

    For a rollback: it refuses nothing. A rule that only sent to the canary sends to the baseline.
    """
    changed = copy.deepcopy(dict(route))
    namespace = route["metadata"].get("namespace")
    for _, backends in _rules(changed):
        to_canary = [backend for backend in backends if _node(backend, namespace) == canary]
        for backend in to_canary:
            backend["weight"] = 0
        if to_canary and not any(_weight(backend) for backend in backends):
            _give_all(backends, to_canary[0], baseline, namespace)
    return changed


def sends_to(route: Mapping[str, Any], *nodes: str) -> bool:
    """Whether a rule sends to one of the nodes: also a gateway's, which asks no service's own route."""
    namespace = route["metadata"].get("namespace")
    return any(_node(backend, namespace) in nodes for _, backends in _rules(route) for backend in backends)


def _give_all(backends: Backends, like: Manifest, baseline: str, namespace: str | None) -> None:
    if baseline not in [_node(backend, namespace) for backend in backends]:
        backends.append(_beside(like, baseline))
    for backend in backends:
        if _node(backend, namespace) == baseline:
            backend["weight"] = GATEWAY_LARGEST


def _beside(other: Manifest, name: str) -> Manifest:
    return {**{key: value for key, value in other.items() if key != "filters"}, "name": name, "weight": 0}


def _split(route: Mapping[str, Any], baseline: str, canary: str) -> Sequence[Backends]:
    """The backends of every rule that sends to the baseline or the canary."""
    namespace = route["metadata"].get("namespace")
    found = []
    for name, backends in _rules(route):
        others = [node for backend in backends if (node := _node(backend, namespace)) not in (baseline, canary)]
        if len(others) == len(backends):
            continue
        if others:
            raise InvalidInput(f"{_path(route)}[{name}]", others, f"only {baseline} and {canary} in one split")
        found.append(backends)
    if not found:
        raise InvalidInput(_path(route), [name for name, _ in _rules(route)], f"a rule to {baseline} or {canary}")
    return found


def _rules(route: Mapping[str, Any]) -> Iterator[tuple[str, Backends]]:
    for index, rule in enumerate(route.get("spec", {}).get("rules") or ()):
        if rule.get("backendRefs"):
            yield rule.get("name", str(index)), rule["backendRefs"]


def _node(backend: Mapping[str, Any], namespace: str | None) -> str:
    """The node's name within the route's namespace; with its namespace, or its kind, when it is something else."""
    if backend.get("kind", "Service") != "Service" or backend.get("group"):
        return f"{backend.get('kind')} {backend['name']}"
    elsewhere = backend.get("namespace") not in (None, "", namespace)
    return f"{backend['namespace']}/{backend['name']}" if elsewhere else str(backend["name"])


def _weight(backend: Mapping[str, Any]) -> int:
    return int(backend.get("weight", 1))


def _written(backends: Sequence[Mapping[str, Any]], baseline: str, canary: str) -> tuple[int, int]:
    by_name = {backend["name"]: _weight(backend) for backend in backends}
    return by_name.get(baseline, 0), by_name.get(canary, 0)


def _path(route: Mapping[str, Any]) -> str:
    metadata = route["metadata"]
    return f"{route.get('kind', 'HTTPRoute')} {metadata.get('namespace', 'default')}/{metadata['name']}: spec.rules"
