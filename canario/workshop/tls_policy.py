"""Who of the workshop speaks TLS with whom: nodes read from the cluster, their TLS changed, written back.

Only what is about TLS changes in a node; its discovery, ports and policies are other stages', or an attendee's.
"""

import copy
from collections.abc import Callable

from canario.errors import Conflict, NotReady
from canario.mesh.appmesh_tls import render_client_tls, render_listener_tls
from canario.mesh.tls import ClientTls, ListenerTls, TlsMode, Validation
from canario.workshop.application import UPSTREAMS
from canario.workshop.identities import FILES, TRUST, host
from canario.workshop.kinds import VIRTUAL_GATEWAY, VIRTUAL_NODE
from canario.workshop.names import GATEWAY, Names, deployment
from canario.workshop.ports import Kind, Manifest, Ports

CALLER = "frontend"  # people reach it from outside, so its own listener stays without TLS

Change = Callable[[Manifest], None]  # of a node's spec, in place


def callers(names: Names, ports: Ports) -> tuple[str, ...]:
    """Who calls the upstreams: the frontend and, once its stage was there, the gateway."""
    gateway = ports.kubernetes.get(VIRTUAL_GATEWAY, GATEWAY, names.namespace)
    return (CALLER, GATEWAY) if gateway else (CALLER,)


def listen(names: Names, service: str, mode: TlsMode, ports: Ports) -> None:
    """Make the node's listeners take TLS from the callers. PERMISSIVE never loosens a STRICT one."""
    believed = Validation(TRUST, tuple(host(names, each) for each in callers(names, ports)))

    def change(spec: Manifest) -> None:
        for listener in spec.get("listeners", []):
            is_strict = (listener.get("tls") or {}).get("mode") == TlsMode.STRICT
            listener |= render_listener_tls(ListenerTls(TlsMode.STRICT if is_strict else mode, FILES, believed))

    _change(names, service, change, ports)


def call(names: Names, ports: Ports) -> None:
    """Make every caller show its certificate. The frontend believes each service by its own name only; a gateway
    has one policy for all that it calls, and believes the upstreams' names.
    """

    def change_gateway(spec: Manifest) -> None:
        validation = Validation(TRUST, tuple(host(names, each) for each in UPSTREAMS))
        spec["backendDefaults"] = render_client_tls(ClientTls(validation, FILES))

    def change(spec: Manifest) -> None:
        for backend in spec.get("backends", []):
            called = backend.get("virtualService", {})
            service = called.get("virtualServiceRef", {}).get("name")
            if service in UPSTREAMS:
                validation = Validation(TRUST, (host(names, service),))
                called |= render_client_tls(ClientTls(validation, FILES))

    _change(names, CALLER, change, ports)
    if GATEWAY in callers(names, ports):
        _change(names, GATEWAY, change_gateway, ports)


def forget(names: Names, service: str, ports: Ports) -> None:
    """Take everything about TLS out of the node or gateway."""

    def change(spec: Manifest) -> None:
        spec.pop("backendDefaults", None)
        for listener in spec.get("listeners", []):
            listener.pop("tls", None)
        for backend in spec.get("backends", []):
            backend.get("virtualService", {}).pop("clientPolicy", None)

    if ports.kubernetes.get(kind(service), deployment(service), names.namespace):
        _change(names, service, change, ports)


def kind(service: str) -> Kind:
    """What says how a service, or the gateway, listens and calls."""
    return VIRTUAL_GATEWAY if service == GATEWAY else VIRTUAL_NODE


def _change(names: Names, service: str, change: Change, ports: Ports) -> None:
    """By compare-and-set: a node that somebody else writes meanwhile is read again next time."""
    name = deployment(service)
    node = ports.kubernetes.get(kind(service), name, names.namespace)
    if node is None:
        raise NotReady(f"{kind(service).name} {names.namespace}/{name} is not there")
    changed = copy.deepcopy(node)
    change(changed["spec"])
    if changed == node:
        return
    try:
        ports.kubernetes.replace(changed)
    except Conflict as error:
        raise NotReady(f"stage mtls: {error}") from error
