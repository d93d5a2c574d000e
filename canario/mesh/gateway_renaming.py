"""Which Service stands for which node and service, and a mesh whose things are called by these names.

A node that is found by the name of a Service *is* that Service, and a service that clients call by the name of a
Service likewise; anything else gets a Service of its own name, or of the nearest that Kubernetes takes.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from canario.mesh.gateway_names import default_host
from canario.mesh.model import BackendGroup, Hostname, Mesh, Node, Router, Service, ToNode, ToRouter
from canario.mesh.refs import Ref

_ENDINGS = (".svc.cluster.local", ".svc")
_NO_LABEL = re.compile(r"\.|^\d|.{64}")  # a Service's name has no dots, begins with a letter, and is short
_LONGEST = 63
_OWN = "-node"  # after the name of a Service that a node cannot be

Selectors = Mapping[Ref, Mapping[str, str]]


@dataclass(frozen=True)
class Renaming:
    """Names of nodes and services → other names. What is not in it keeps its own."""

    nodes: Mapping[Ref, Ref] = field(default_factory=dict)
    services: Mapping[Ref, Ref] = field(default_factory=dict)

    def node(self, ref: Ref) -> Ref:
        return self.nodes.get(ref, ref)

    def service(self, ref: Ref) -> Ref:
        return self.services.get(ref, ref)


def kubernetes_names(mesh: Mesh, there: Selectors | None = None) -> Renaming:
    """The Services of a mesh. Of two things that would be one Service, the first is, and the second is by itself.

    `there`: Services that are in the cluster already, with the labels by which they select. A node that is not found
    by the name of one is it only when it has the same pods.
    """
    nodes = [node.ref for node in mesh.nodes]
    services = [service.ref for service in mesh.services]
    found = dict(_found_by(mesh))
    found |= {node.ref: _own(node.ref) for node in mesh.nodes if node.ref not in found and _has_others(node, there)}
    return Renaming(
        _each_its_own(nodes, found, set(_nodes_named(mesh)) - set(nodes)),
        _each_its_own(services, dict(_called_by(mesh)), set(_services_named(mesh)) - set(services)),
    )


def _has_others(node: Node, there: Selectors | None) -> bool:
    """Whether the Service of the node's name that is there selects other pods than the node's."""
    labels = dict(node.selector.labels) if node.selector else {}
    return bool(labels and there and node.ref in there and dict(there[node.ref]) != labels)


def _own(ref: Ref) -> Ref:
    return Ref(ref.namespace, f"{ref.name}{_OWN}")


def _label(ref: Ref) -> Ref:
    """The nearest name that a Service may have."""
    if not _NO_LABEL.search(ref.name):
        return ref
    name = ref.name.replace(".", "-")
    name = f"s-{name}" if name[0].isdigit() else name
    return Ref(ref.namespace, name[:_LONGEST].rstrip("-"))


def inverse(names: Renaming) -> Renaming:
    return Renaming({new: old for old, new in names.nodes.items()}, {new: old for old, new in names.services.items()})


def renamed(mesh: Mesh, names: Renaming) -> Mesh:
    """The mesh with other names, wherever they are used."""
    return replace(
        mesh,
        nodes=tuple(_node(node, names) for node in mesh.nodes),
        routers=tuple(_router(router, names) for router in mesh.routers),
        services=tuple(_service(service, names) for service in mesh.services),
        gateway_routes=tuple(replace(route, service=names.service(route.service)) for route in mesh.gateway_routes),
        groups=tuple(_group(group, names) for group in mesh.groups),
    )


def service_of_host(host: str, namespace: str) -> Ref | None:
    """The Service that clients in a namespace reach by a host; None when the host is no name of the cluster."""
    for ending in _ENDINGS:
        name, dot, found = host.removesuffix(ending).partition(".")
        if host.endswith(ending) and dot and name and found and "." not in found:
            return Ref(found, name)
    name = host.removesuffix(f".{namespace}")
    return Ref(namespace, name) if name and "." not in name else None


def _found_by(mesh: Mesh) -> Iterable[tuple[Ref, Ref]]:
    for node in mesh.nodes:
        if isinstance(node.discovery, Hostname) and node.discovery.name.endswith(_ENDINGS):
            found = service_of_host(node.discovery.name, node.ref.namespace)
            if found:
                yield node.ref, found


def _called_by(mesh: Mesh) -> Iterable[tuple[Ref, Ref]]:
    for service in mesh.services:
        if service.host != default_host(service.ref):
            found = service_of_host(service.host, service.ref.namespace)
            if found:
                yield service.ref, found


def _nodes_named(mesh: Mesh) -> Iterable[Ref]:
    for router in mesh.routers:
        yield from (target.node for route in router.routes for target in route.targets)
    yield from (service.provider.node for service in mesh.services if isinstance(service.provider, ToNode))


def _services_named(mesh: Mesh) -> Iterable[Ref]:
    for node in mesh.nodes:
        yield from (*node.calls, *(ref for ref, _ in node.call_tls))
    yield from (ref for group in mesh.groups for ref in group.services)
    yield from (route.service for route in mesh.gateway_routes)


def _each_its_own(refs: Sequence[Ref], wanted: Mapping[Ref, Ref], others: set[Ref]) -> dict[Ref, Ref]:
    """Those whose name changes. Nobody gets the name of what keeps its own, or of `others`, which are elsewhere."""
    found: dict[Ref, Ref] = {}
    labels = {ref: _label(wanted.get(ref, ref)) for ref in refs}
    taken = others | {ref for ref in refs if labels[ref] == ref}
    for ref in refs:
        name, own = labels[ref], _label(ref)
        if name != ref:
            while name in taken:
                name = own if name != own and own not in taken else _own(name)
            taken.add(name)
            if name != ref:
                found[ref] = name
    return found


def _node(node: Node, names: Renaming) -> Node:
    return replace(
        node,
        ref=names.node(node.ref),
        calls=tuple(map(names.service, node.calls)),
        call_tls=tuple((names.service(ref), tls) for ref, tls in node.call_tls),
    )


def _router(router: Router, names: Renaming) -> Router:
    routes = tuple(
        replace(route, targets=tuple(replace(target, node=names.node(target.node)) for target in route.targets))
        for route in router.routes
    )
    return replace(router, routes=routes)


def _service(service: Service, names: Renaming) -> Service:
    provider: ToNode | ToRouter | None = service.provider
    if isinstance(provider, ToNode):
        provider = ToNode(names.node(provider.node))
    return replace(service, ref=names.service(service.ref), provider=provider)


def _group(group: BackendGroup, names: Renaming) -> BackendGroup:
    return replace(group, services=tuple(map(names.service, group.services)))
