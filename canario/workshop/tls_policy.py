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
from canario.workshop.kinds import VIRTUAL_NODE
from canario.workshop.names import Names, deployment
from canario.workshop.ports import Manifest, Ports

CALLER = "frontend"  # the only caller; people reach it from outside, so its own listener stays without TLS

Change = Callable[[Manifest], None]  # of a node's spec, in place


def listen(names: Names, service: str, mode: TlsMode, ports: Ports) -> None:
    """Make the node's listeners take TLS. PERMISSIVE never loosens a STRICT one."""

    def change(spec: Manifest) -> None:
        for listener in spec.get("listeners", []):
            if (listener.get("tls") or {}).get("mode") != TlsMode.STRICT:
                listener |= render_listener_tls(_listener_tls(names, mode))

    _change(names, service, change, ports)


def call(names: Names, ports: Ports) -> None:
    """Make the caller show its certificate, and believe each service by its own name only."""

    def change(spec: Manifest) -> None:
        for backend in spec.get("backends", []):
            called = backend.get("virtualService", {})
            service = called.get("virtualServiceRef", {}).get("name")
            if service in UPSTREAMS:
                validation = Validation(TRUST, (host(names, service),))
                called |= render_client_tls(ClientTls(validation, FILES))

    _change(names, CALLER, change, ports)


def forget(names: Names, service: str, ports: Ports) -> None:
    """Take everything about TLS out of the node."""

    def change(spec: Manifest) -> None:
        for listener in spec.get("listeners", []):
            listener.pop("tls", None)
        for backend in spec.get("backends", []):
            backend.get("virtualService", {}).pop("clientPolicy", None)

    if ports.kubernetes.get(VIRTUAL_NODE, deployment(service), names.namespace):
        _change(names, service, change, ports)


def _listener_tls(names: Names, mode: TlsMode) -> ListenerTls:
    return ListenerTls(mode, FILES, Validation(TRUST, (host(names, CALLER),)))


def _change(names: Names, service: str, change: Change, ports: Ports) -> None:
    """By compare-and-set: a node that somebody else writes meanwhile is read again next time."""
    name = deployment(service)
    node = ports.kubernetes.get(VIRTUAL_NODE, name, names.namespace)
    if node is None:
        raise NotReady(f"VirtualNode {names.namespace}/{name} is not there")
    changed = copy.deepcopy(node)
    change(changed["spec"])
    if changed == node:
        return
    try:
        ports.kubernetes.replace(changed)
    except Conflict as error:
        raise NotReady(f"stage mtls: {error}") from error
