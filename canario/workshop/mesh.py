"""The workshop's mesh in the neutral model: a node, a router and a service for each of its services."""

from collections.abc import Mapping

from canario.mesh.model import (
    Discovery,
    Hostname,
    Mesh,
    Node,
    Port,
    Ref,
    Route,
    Router,
    Selector,
    Service,
    Target,
    ToRouter,
)
from canario.workshop.application import UPSTREAMS
from canario.workshop.names import SERVICE_PORT, SERVICES, Names, deployment

BASELINE = "nodejs"
CANARY = "nodejsv2"
MESH_LABEL = "mesh"  # the namespace's label that the mesh selects


def router_name(service: str) -> str:
    return f"{service}-router"


def mesh(names: Names, found_by: Mapping[str, str | Discovery], canary_weights: tuple[int, int] | None = None) -> Mesh:
    """The mesh of a workshop. `found_by`: service → its load balancer's name, or another discovery.

    With `canary_weights` (baseline, canary) the router of nodejs splits its traffic between both versions.
    """
    services = (*SERVICES, CANARY) if canary_weights else SERVICES
    return Mesh(
        name=names.mesh,
        known_as=names.mesh,
        namespaces=Selector(labels=((MESH_LABEL, names.mesh),)),
        nodes=tuple(_node(names, service, found_by[service]) for service in services),
        routers=tuple(_router(names, service, canary_weights) for service in SERVICES),
        services=tuple(
            Service(_ref(names, service), names.host(service), ToRouter(_ref(names, router_name(service))))
            for service in SERVICES
        ),
    )


def _node(names: Names, service: str, found_by: str | Discovery) -> Node:
    name = deployment(service)
    return Node(
        ref=_ref(names, name),
        known_as=f"{name}_{names.namespace}",
        selector=Selector(labels=(("app", name),)),
        ports=(Port(SERVICE_PORT),),
        discovery=Hostname(found_by) if isinstance(found_by, str) else found_by,
        calls=tuple(_ref(names, upstream) for upstream in UPSTREAMS) if service == "frontend" else (),
    )


def _router(names: Names, service: str, canary_weights: tuple[int, int] | None) -> Router:
    name = deployment(service)
    targets: tuple[Target, ...] = (Target(_ref(names, name), 1),)
    if service == BASELINE and canary_weights:
        nodes = (deployment(BASELINE), deployment(CANARY))
        targets = tuple(Target(_ref(names, node), weight) for node, weight in zip(nodes, canary_weights, strict=True))
    return Router(
        ref=_ref(names, router_name(service)),
        known_as=f"{router_name(service)}_{names.namespace}",
        ports=(Port(SERVICE_PORT),),
        routes=(Route(name=f"route-to-{name}", targets=targets),),
    )


def _ref(names: Names, name: str) -> Ref:
    return Ref(names.namespace, name)
