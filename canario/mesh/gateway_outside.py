"""How nodes and gateways call what is outside the cluster: there is no sidecar there, so TLS is the caller's own.

A DestinationRule for the caller's pods alone (`workloadSelector`): a BackendTLSPolicy is for all callers, wants a name
to check and a ConfigMap, and Istio takes none for a ServiceEntry (docs/decisions/0120).
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from canario.mesh.appmesh_writing import without_none
from canario.mesh.gateway_names import ISTIO_NETWORKING, Manifest, manifest, outside_host
from canario.mesh.gateway_policies import ISTIO_TRUST, policy_spec
from canario.mesh.gateways import Gateway
from canario.mesh.listeners import Port
from canario.mesh.model import Mesh, Node, Service, ToNode, ToRouter
from canario.mesh.refs import Ref
from canario.mesh.tls import ClientTls

GATEWAY_LABEL = "gateway.networking.k8s.io/gateway-name"  # Istio's, of the pods that it makes for a Gateway


@dataclass(frozen=True)
class Call:
    """A caller speaks TLS to these ports of a node outside the cluster."""

    node: Node
    ports: tuple[Port, ...]
    tls: ClientTls


def calls_of_node(mesh: Mesh, caller: Node) -> tuple[Call, ...]:
    pairs = ((service, caller.tls_to(service.ref)) for service in mesh.callable_by(caller))
    return tuple(_calls(mesh, pairs))


def calls_of_gateway(mesh: Mesh, caller: Gateway) -> tuple[Call, ...]:
    called = {route.service for route in mesh.gateway_routes}
    return tuple(_calls(mesh, ((service, caller.tls) for service in mesh.services if service.ref in called)))


def outside_rules(mesh: Mesh) -> Iterator[tuple[Manifest, tuple[str, Ref]]]:
    """The DestinationRules, each with the caller for whom it is there."""
    for node in mesh.nodes:
        if node.selector and node.selector.labels:
            for call in calls_of_node(mesh, node):
                yield _rule(node.ref, dict(node.selector.labels), call), ("node", node.ref)
    for gateway in mesh.gateways:
        for call in calls_of_gateway(mesh, gateway):
            yield _rule(gateway.ref, {GATEWAY_LABEL: gateway.ref.name}, call), ("gateway", gateway.ref)


def _calls(mesh: Mesh, pairs: Iterable[tuple[Service, ClientTls | None]]) -> Iterator[Call]:
    """Each node once, by the policy of the first service that leads there."""
    found: set[Ref] = set()
    for service, tls in pairs:
        for node in _outside(mesh, service) if tls else ():
            ports = tuple(port for port in node.ports if tls and tls.applies_to(port.number, port.tls))
            if tls and ports and node.ref not in found:
                found.add(node.ref)
                yield Call(node, ports, tls)


def _outside(mesh: Mesh, service: Service) -> Iterator[Node]:
    match service.provider:
        case ToNode(ref):
            behind = [ref]
        case ToRouter(ref):
            router = mesh.router(ref)
            behind = [target.node for route in (router.routes if router else ()) for target in route.targets]
        case _:
            behind = []
    for each in dict.fromkeys(behind):
        node = mesh.node(each)
        if node and outside_host(node):
            yield node


def _rule(caller: Ref, labels: dict[str, str], call: Call) -> Manifest:
    numbers = {port.number: port for port in reversed(call.ports)}
    settings = [
        {"port": {"number": number}, **policy_spec(port, _tls(call.tls))} for number, port in sorted(numbers.items())
    ]
    spec = {
        "host": outside_host(call.node),
        "workloadSelector": {"matchLabels": labels},
        "trafficPolicy": {"portLevelSettings": settings},
    }
    name = f"{caller.name}-to-{call.node.ref.name}"
    return manifest(ISTIO_NETWORKING, "DestinationRule", Ref(caller.namespace, name), spec)


def _tls(tls: ClientTls) -> Manifest:
    files, trust = tls.certificate, tls.validation.trust
    return without_none(
        mode="MUTUAL" if files else "SIMPLE",
        clientCertificate=files.chain if files else None,
        privateKey=files.key if files else None,
        caCertificates=None if trust == ISTIO_TRUST.trust else trust,  # that one is of the mesh's own pods
        subjectAltNames=list(tls.validation.names) or None,
    )
