"""Routers in the cluster: shares read from and written to the mesh objects of each dialect."""

from collections.abc import Callable, Mapping
from typing import Any

from canario.canary.ports import Routers, RouterState, Target
from canario.errors import Conflict, Drift, InvalidInput, NotThere
from canario.mesh import appmesh, gateway
from canario.mesh.appmesh_split import read_weights
from canario.workshop.kinds import HTTP_ROUTE, SERVICE, VIRTUAL_NODE, VIRTUAL_ROUTER
from canario.workshop.ports import Kind, Kubernetes, Manifest

FOLLOW_ATTEMPTS = 5


class AppMeshRouters:
    """Shares as the weights of a VirtualRouter's routes, in all routes that send to the two nodes."""

    def __init__(self, kubernetes: Kubernetes) -> None:
        self._kubernetes = kubernetes

    def read(self, target: Target) -> RouterState:
        """Raises NotThere when the router or a node is not, Drift when it splits otherwise."""
        router = self._get(VIRTUAL_ROUTER, target.router, target)
        for node in (target.baseline, target.canary):
            self._get(VIRTUAL_NODE, node, target)
        try:
            return _state(router, target)
        except InvalidInput as error:
            by = _last_writer(router, "f:routes")
            raise Drift(f"router {target.key} splits otherwise than a rollout ({by} wrote it): {error}", by) from error

    def write(self, target: Target, share: float, expected_version: str) -> RouterState:
        """Set the canary's share by compare-and-set; returns the state with the share really written.

        Raises Conflict when the router is no longer at `expected_version`.
        """
        router = self._get(VIRTUAL_ROUTER, target.router, target)
        version = router["metadata"]["resourceVersion"]
        if version != expected_version:
            raise Conflict(f"the router {target.key} is at version {version}, no longer at {expected_version}")
        changed = appmesh.set_share(router, baseline=target.baseline, canary=target.canary, share=share)
        return _state(self._kubernetes.replace(changed), target)

    def withdraw(self, target: Target) -> None:
        """Raises Conflict when the router changed between the reading and the writing."""
        router = self._kubernetes.get(VIRTUAL_ROUTER, target.router, target.namespace)
        if router is None:
            return  # with its router, the canary's share has gone
        changed = appmesh.withdraw(router, baseline=target.baseline, canary=target.canary)
        if changed != router:
            self._kubernetes.replace(changed)

    def _get(self, kind: Kind, name: str, target: Target) -> Manifest:
        found = self._kubernetes.get(kind, name, target.namespace)
        if found is None:
            raise _missing(kind, name, target)
        return found


def _missing(kind: Kind, name: str, target: Target) -> NotThere:
    return NotThere(
        f"reading the router {target.key}: there is no {kind.name} {name} in {target.namespace}; "
        "apply it, or correct the rollout's target"
    )


class GatewayRouters:
    """Shares as the weights of an HTTPRoute's `backendRefs`, in all rules that send to the two nodes.

    Istio's gateways know nothing of a service's own route: what comes in from outside is split by the gateway's
    HTTPRoute. So every other HTTPRoute of the namespace that sends to one of the nodes follows the router.
    """

    def __init__(self, kubernetes: Kubernetes) -> None:
        self._kubernetes = kubernetes

    def read(self, target: Target) -> RouterState:
        """Raises NotThere when the router or a node is not, Drift when it splits otherwise."""
        router = self._router(target)
        for node in (target.baseline, target.canary):
            if self._kubernetes.get(SERVICE, node, target.namespace) is None:
                raise _missing(SERVICE, node, target)
        try:
            return self._state(router, target)
        except InvalidInput as error:
            by = _last_writer(router, "f:rules")
            raise Drift(f"router {target.key} splits otherwise than a rollout ({by} wrote it): {error}", by) from error

    def write(self, target: Target, share: float, expected_version: str) -> RouterState:
        """Set the canary's share by compare-and-set; returns the state with the share really written.

        Raises Conflict when the router is no longer at `expected_version`.
        """
        router = self._router(target)
        version = router["metadata"]["resourceVersion"]
        if version != expected_version:
            raise Conflict(f"the router {target.key} is at version {version}, no longer at {expected_version}")
        nodes = {"baseline": target.baseline, "canary": target.canary}
        followers = self._followers(target)
        changed = gateway.set_share(router, **nodes, share=share)
        state = self._state(self._kubernetes.replace(changed), target)
        for each in followers:
            self._follow(each, lambda route: gateway.set_share(route, **nodes, share=share))
        return state

    def withdraw(self, target: Target) -> None:
        """Raises Conflict when the router changed between the reading and the writing."""
        own = self._kubernetes.get(HTTP_ROUTE, target.router, target.namespace)
        for router in (*([own] if own else []), *self._followers(target)):
            self._replace(router, gateway.withdraw(router, baseline=target.baseline, canary=target.canary))

    def _follow(self, route: Manifest, changed: Callable[[Manifest], Manifest]) -> None:
        """The router is written already: whoever else changes a follower meanwhile keeps what he changed beside it."""
        for _ in range(FOLLOW_ATTEMPTS - 1):
            try:
                return self._replace(route, changed(route))
            except Conflict:
                meta = route["metadata"]
                found = self._kubernetes.get(HTTP_ROUTE, meta["name"], meta["namespace"])
                if found is None:
                    return None
                route = found
        return self._replace(route, changed(route))

    def _replace(self, old: Manifest, new: Manifest) -> None:
        if new != old:
            self._kubernetes.replace(new)

    def _router(self, target: Target) -> Manifest:
        found = self._kubernetes.get(HTTP_ROUTE, target.router, target.namespace)
        if found is None:
            raise _missing(HTTP_ROUTE, target.router, target)
        return found

    def _followers(self, target: Target) -> list[Manifest]:
        found = self._kubernetes.list(HTTP_ROUTE, target.namespace)
        others = [each for each in found if each["metadata"]["name"] != target.router]
        return [each for each in others if gateway.sends_to(each, target.baseline, target.canary)]

    def _state(self, router: Manifest, target: Target) -> RouterState:
        baseline, canary = gateway.read_weights(router, target.baseline, target.canary)
        return RouterState(
            share=gateway.read_share(router, target.baseline, target.canary),
            weights={target.baseline: baseline, target.canary: canary},
            version=router["metadata"]["resourceVersion"],
            manager=_last_writer(router, "f:rules"),
        )


ROUTERS: Mapping[str, Callable[[Kubernetes], Routers]] = {"appmesh": AppMeshRouters, "gateway": GatewayRouters}


class MeshRouters:
    """Every dialect's routers: each target names its own."""

    def __init__(self, kubernetes: Kubernetes) -> None:
        self._kubernetes = kubernetes

    def read(self, target: Target) -> RouterState:
        return self._of(target).read(target)

    def write(self, target: Target, share: float, expected_version: str) -> RouterState:
        return self._of(target).write(target, share, expected_version)

    def withdraw(self, target: Target) -> None:
        self._of(target).withdraw(target)

    def _of(self, target: Target) -> Routers:
        if target.mesh not in ROUTERS:
            raise InvalidInput("mesh", target.mesh, f"{', '.join(ROUTERS)}: the dialects whose routers are built")
        return ROUTERS[target.mesh](self._kubernetes)


def _state(router: Manifest, target: Target) -> RouterState:
    baseline, canary = read_weights(router, target.baseline, target.canary)
    return RouterState(
        share=appmesh.read_share(router, target.baseline, target.canary),
        weights={target.baseline: baseline, target.canary: canary},
        version=router["metadata"]["resourceVersion"],
        manager=_last_writer(router, "f:routes"),
    )


def _last_writer(router: Manifest, field: str) -> str:
    """The field manager that last wrote `spec.routes` or `spec.rules`; "unknown" when the object does not say.

    Both are atomic where the weights are: `routes` itself, of `rules` every rule's `backendRefs`.
    """
    entries = router["metadata"].get("managedFields") or []
    writers = [entry for entry in entries if field in _spec(entry)]
    last = max(writers, key=lambda entry: str(entry.get("time", "")), default=None)
    return str(last["manager"]) if last else "unknown"


def _spec(entry: Mapping[str, Any]) -> Mapping[str, Any]:
    spec: Mapping[str, Any] = (entry.get("fieldsV1") or {}).get("f:spec") or {}
    return spec
